//! Questions on a real (pseudo-)terminal: a secret leaves no trace on screen, and the terminal is as it was, however
//! the asking ends.

use crate::common::pty::Terminal;
use crate::common::{Exit, Sandbox};
use anyt::error::Error;
use anyt::ui::{Answer, Input, Output, OutputOptions, interrupt};
use rustix::process::Signal;
use std::process::Command;

/// What the process under test asks for: this program, run again with the variable set.
const ROLE: &str = "ANYT_TEST_TERMINAL_ROLE";

/// Not a test but the process under test; without its variable it has nothing to do.
#[test]
fn role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    interrupt::install();
    let mut out = Output::new(OutputOptions::default());
    let mut input = Input::new(false);
    let code = match role.as_str() {
        "secret" => match input.secret(&mut out, "Token: ") {
            Ok(Some(secret)) => {
                out.line(&format!("got {} bytes, {}", secret.expose().len(), secret.expose() == "anyt_é42")).unwrap();
                0
            }
            Ok(None) => 10,
            Err(Error::Interrupted { .. }) => 130,
            Err(_) => 11,
        },
        // The secret is asked for first, to see that Ctrl-C ends the process again afterwards.
        "question" => {
            input.secret(&mut out, "Token: ").unwrap();
            match input.ask(&mut out, "Choice: ") {
                Ok(Answer::Line(line)) => out.line(&format!("<{line}>")).map_or(11, |()| 0),
                Ok(Answer::End) => 10,
                Err(Error::Interrupted { .. }) => 12,
                Err(_) => 11,
            }
        }
        "child" => {
            let status = interrupt::run(Command::new("sh").args(["-c", "echo child; exec cat"])).unwrap().unwrap();
            out.line(&format!("child {:?}", std::os::unix::process::ExitStatusExt::signal(&status))).unwrap();
            out.flush().unwrap();
            interrupt::obey();
            0
        }
        other => panic!("unknown role {other}"),
    };
    out.flush().unwrap();
    std::process::exit(code);
}

/// The role at a terminal, its streams redirected as the shell reads it.
fn start(role: &str, redirection: &str) -> Terminal {
    let sandbox = Sandbox::new();
    sandbox.set_env(ROLE, role);
    let script = format!("exec \"$0\" \"$@\" {redirection}");
    let program = std::env::current_exe().expect("this program has a path");
    let program = program.to_str().expect("its path is text");
    let words = ["/bin/sh", "-c", &script, program, "--exact", "terminal::role", "--nocapture", "--quiet"];
    Terminal::program(&sandbox, &words)
}

/// What a person, or somebody else, does last.
enum Last {
    Keys(&'static str),
    Signal(Signal),
}
use Last::Keys;

fn act(terminal: &mut Terminal, last: &Last) {
    match last {
        Keys(keys) => terminal.send(keys),
        Last::Signal(signal) => terminal.signal(*signal),
    };
}

/// The role ends like this, with `shown` on screen and the terminal echoing again.
#[track_caller]
fn assert_ends(terminal: Terminal, exit: Exit, shown: &str) {
    let session = terminal.end();
    assert_eq!((session.exit, session.restored), (exit, true), "{}", session.screen);
    assert!(session.screen.contains(shown), "{}", session.screen);
}

#[test]
fn a_secret_is_not_echoed() {
    let mut terminal = start("secret", "");
    terminal.expect("Token: ");
    assert!(!terminal.echoes());
    terminal.send("wrong\x15anyt_é42x\x7f\r");
    let session = terminal.end();
    assert_eq!((session.exit, session.restored), (Exit::Code(0), true), "{}", session.screen);
    assert!(session.screen.contains("Token: \r\ngot 9 bytes, true"), "{}", session.screen);
    assert!(!session.screen.contains("anyt_") && !session.screen.contains("wrong"), "{}", session.screen);
}

#[test]
fn the_terminal_is_restored_on_every_way_out() {
    for (last, exit) in [
        (Keys("ab\x03"), Exit::Code(130)),
        (Keys("\x04"), Exit::Code(10)),
        (Last::Signal(Signal::INT), Exit::Code(130)),
        (Last::Signal(Signal::TERM), Exit::Signal(15)),
        (Last::Signal(Signal::HUP), Exit::Signal(1)),
        (Last::Signal(Signal::QUIT), Exit::Signal(3)),
    ] {
        let mut terminal = start("secret", "");
        act(terminal.expect("Token: "), &last);
        assert_ends(terminal, exit, "Token: \r\n");
    }
}

#[test]
fn a_secret_is_asked_on_the_terminal_when_stdin_is_something_else() {
    let mut terminal = start("secret", "<\"$0\"");
    terminal.expect("Token: ").send("anyt_é42\r");
    assert_ends(terminal, Exit::Code(0), "got 9 bytes, true");
}

#[test]
fn nobody_is_waited_for() {
    for redirection in ["</dev/null", "<&-"] {
        assert_ends(start("secret", redirection), Exit::Code(10), "");
    }
    // A question that goes to a file is not asked.
    let mut terminal = start("question", ">/dev/null");
    terminal.expect("Token: ").send("\r");
    assert_ends(terminal, Exit::Code(10), "");
}

#[test]
fn a_question_on_a_terminal_is_answered_or_interrupted() {
    for (last, exit, shown) in [
        (Keys("2\n"), Exit::Code(0), "Choice: 2\r\n<2>"),
        (Keys("\x04"), Exit::Code(10), "Choice: \r\n"),
        // It is the asker's to say what became of what was asked for.
        (Keys("\x03"), Exit::Code(12), "Choice: ^C\r\n"),
        // Its default action is back after the secret that was asked for first.
        (Last::Signal(Signal::TERM), Exit::Signal(15), "Choice: "),
    ] {
        let mut terminal = start("question", "");
        terminal.expect("Token: ").send("\r").expect("Choice: ");
        act(&mut terminal, &last);
        assert_ends(terminal, exit, shown);
    }
}

#[test]
fn ctrl_c_belongs_to_the_child_while_it_runs() {
    let mut terminal = start("child", "");
    terminal.expect("child").send("\x03");
    assert_ends(terminal, Exit::Code(0), "child Some(2)");
}

/// A signal that is meant for us ends the child first, and then us.
#[test]
fn a_child_does_not_outlive_us() {
    for (signal, number) in [(Signal::TERM, 15), (Signal::HUP, 1)] {
        let mut terminal = start("child", "");
        terminal.expect("child").signal(signal);
        assert_ends(terminal, Exit::Signal(number), &format!("child Some({number})"));
    }
}
