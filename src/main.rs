//! The program: parse, dispatch, turn an error into a message and an exit code; nothing else.

#[cfg(target_env = "musl")]
mod heap;
#[cfg(no_backtrace)]
mod no_backtrace;

use anyt::cli;
use anyt::commands;
use anyt::credentials::forbid_core_dumps;
use anyt::ui::{Output, OutputOptions, interrupt};
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything is read: tokens stand in the environment and in config.json, and any command may meet one.
    forbid_core_dumps();
    interrupt::install();
    let code = cli::parse(std::env::args_os().skip(1)).and_then(|call| commands::run(&call)).unwrap_or_else(|error| {
        // Either may be closed; the exit code is all that is left then.
        let json = std::env::args_os().any(|word| word == "--json" || word == "--jsonl");
        let mut out = Output::new(OutputOptions { json, ..OutputOptions::default() });
        if json {
            let _ = out.json(&commands::failed(&error)).and_then(|()| out.flush());
        }
        let _ = out.error(&error);
        error.exit_code()
    });
    ExitCode::from(code)
}
