//! Starting an editor on a file: its command line, its terminal, its end; and a browser on a page. They see no token.

use crate::ui::interrupt;
use crate::vars::SECRETS;
use rustix::stdio::{stdin, stdout};
use rustix::termios::{OptionalActions, isatty, tcgetattr, tcsetattr};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Runs the editor and waits for it. Ctrl-C is its own meanwhile: one that uses it goes on, one that dies of it is one
/// that failed. The terminal is afterwards as it was. `None` when it should have ended with us and did not.
pub(super) fn run(command: &str, path: &Path) -> Result<Option<()>, String> {
    let mut editor = with_shell(command);
    editor.arg(path);
    if !isatty(stdin()) {
        // A pipe holds the answers to our questions, and may never end.
        editor.stdin(Stdio::null());
    }
    if !isatty(stdout()) {
        // What goes there is a result, or one JSON document.
        editor.stdout(beside_stdout());
    }
    let terminal = tcgetattr(stdin());
    let status = interrupt::run(&mut editor);
    if let Ok(before) = terminal {
        let _ = tcsetattr(stdin(), OptionalActions::Drain, &before);
    }
    match status {
        Ok(None) => Ok(None),
        // One that saved and ended well because of it did not decide anything.
        Ok(Some(_)) if interrupt::is_due() => Err("the editor was ended with us".into()),
        Ok(Some(status)) if status.success() => Ok(Some(())),
        Ok(Some(status)) => Err(format!("the editor {}", ending(status))),
        Err(error) => Err(format!("cannot start the editor `{command}`: {error}")),
    }
}

/// Opens a page in the browser of `BROWSER`, else in the desktop's, and waits for nothing. False: there is none.
pub fn browse(url: &str) -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let has_desktop = cfg!(target_os = "macos") || set("DISPLAY").or(set("WAYLAND_DISPLAY")).is_some();
    let desktop = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let chosen = set("BROWSER");
    let candidates = chosen.as_deref().map(|list| list.split(':').collect()).unwrap_or_default();
    let candidates: Vec<&str> = if chosen.is_none() && has_desktop { vec![desktop] } else { candidates };
    candidates.into_iter().filter(|command| !command.is_empty()).any(|command| {
        let mut browser = with_shell(command);
        // A group of its own: Ctrl-C here is not meant for it.
        let quiet = browser.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        quiet.spawn().is_ok()
    })
}

/// As git does: straight when its name is only a name, through the shell when it has arguments. A single command takes
/// the shell's place, so that it gets the signals meant for it; any other line runs below a shell that Ctrl-C leaves alone.
pub(super) fn with_shell(command: &str) -> Command {
    let mut program = shell_or_program(command);
    SECRETS.iter().for_each(|name| {
        program.env_remove(name);
    });
    program
}

fn shell_or_program(command: &str) -> Command {
    if !command.contains(|c: char| "|&;<>()$`\\\"' \t\n*?[#~=%".contains(c)) {
        return Command::new(command);
    }
    let first = command.split_whitespace().next().unwrap_or_default();
    let is_program = !first.contains('=') && ![".", "!", "command", "eval", "exec"].contains(&first);
    let single = is_program && !command.contains(|c: char| "|&;<>()`\n".contains(c));
    let before = if single { "exec" } else { "trap : INT;" };
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{before} {command} \"$@\"")).arg(command);
    shell
}

/// The terminal of the person who edits, or stderr where nobody is at one.
fn beside_stdout() -> Stdio {
    let terminal = || OpenOptions::new().write(true).open("/dev/tty").ok();
    isatty(stdin()).then(terminal).flatten().map_or_else(|| io::stderr().into(), Stdio::from)
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        // What a shell says of a command that it could not find.
        (Some(127), _) => "was not found".into(),
        // What a shell says of a command that a signal ended.
        (Some(code @ 129..), _) => format!("was ended by signal {}", code - 128),
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "did not end well".into(),
    }
}
