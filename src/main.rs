//! The program: parse, dispatch, turn an error into a message and an exit code.

use anyt::cli::{self, Id};
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1)).and_then(|invocation| run(&invocation)) {
        Ok(code) => code,
        Err(error) => {
            let hint = error.advice().map_or(String::new(), |hint| format!(" ({hint})"));
            eprintln!("anyt: {error}{hint}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(invocation: &cli::Invocation) -> anyt::error::Result<ExitCode> {
    match invocation.id() {
        Id::Help => print!("{}", cli::help_text(invocation.arguments())?),
        Id::Version => println!("{}", cli::version_text()),
        Id::Usage => {
            eprint!("{}", cli::help_text(invocation.arguments())?);
            return Ok(ExitCode::from(2));
        }
        Id::Generate => match invocation.arguments() {
            [what, dir] if what == "all" => cli::write_documents(std::path::Path::new(dir))?,
            [what, ..] => print!("{}", cli::document(what)?),
            [] => {}
        },
        id => return Err(anyt::error::Error::failure(format!("{id:?} is not built yet"))),
    }
    Ok(ExitCode::SUCCESS)
}
