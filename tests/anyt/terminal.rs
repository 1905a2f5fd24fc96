//! Questions on a real (pseudo-)terminal: a secret leaves no trace on screen, and the terminal is as it was, however
//! the asking ends. Needs python3 for the pseudo-terminal and says so where it is missing.

use anyt::error::Error;
use anyt::ui::{Answer, Input, Output, OutputOptions, interrupt};
use std::io::Write;
use std::process::{Command, Stdio};

/// What the process under test asks for: this file's own binary, run again with the variable set.
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

/// Plays `steps` at the role; what pty.py says of it, without the lines of the test runner. `None` without python3.
fn play(role: &str, redirection: &str, steps: &[&str]) -> Option<String> {
    if Command::new("python3").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        // Not eprintln!, which the test runner would keep to itself.
        let _ = writeln!(std::io::stderr(), "SKIPPED: no python3, so no pseudo-terminal for `{role}`");
        return None;
    }
    let mut player = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/pty.py"))
        .args(["sh", "-c", &format!("exec \"$0\" \"$@\" {redirection}")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "terminal::role", "--nocapture", "--quiet"])
        .env(ROLE, role)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    player.stdin.take().unwrap().write_all(steps.join("\n").as_bytes()).unwrap();
    let output = player.wait_with_output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    Some(told)
}

/// After `steps`, `role` must end as `ending` says, with `shown` on screen and the terminal echoing again.
fn check(role: &str, redirection: &str, steps: &[&str], ending: &str, shown: &str) {
    let Some(told) = play(role, redirection, &[steps, &["wait", "echo"]].concat()) else { return };
    let (state, screen) = told.split_once("screen\n").unwrap();
    assert!(state.ends_with(&format!("{ending}\necho on\n")) && screen.contains(shown), "{told}");
}

#[test]
fn a_secret_is_not_echoed() {
    let steps = ["expect Token: ", "echo", r"send wrong\x15anyt_\xc3\xa942x\x7f\r", "wait", "echo"];
    let Some(told) = play("secret", "", &steps) else { return };
    let (state, screen) = told.split_once("screen\n").unwrap();
    assert_eq!(state, "echo off\nexit 0\necho on\n", "{told}");
    assert!(screen.contains("Token: \r\ngot 9 bytes, true"), "{screen}");
    assert!(!screen.contains("anyt_") && !screen.contains("wrong"), "{screen}");
}

#[test]
fn the_terminal_is_restored_on_every_way_out() {
    for (last, ending) in [
        (r"send ab\x03", "exit 130"),
        (r"send \x04", "exit 10"),
        ("signal SIGINT", "exit 130"),
        ("signal SIGTERM", "signal 15"),
        ("signal SIGHUP", "signal 1"),
        ("signal SIGQUIT", "signal 3"),
    ] {
        check("secret", "", &["expect Token: ", last], ending, "Token: \r\n");
    }
}

#[test]
fn a_secret_is_asked_on_the_terminal_when_stdin_is_something_else() {
    check("secret", "<\"$0\"", &["expect Token: ", r"send anyt_\xc3\xa942\r"], "exit 0", "got 9 bytes, true");
}

#[test]
fn nobody_is_waited_for() {
    for redirection in ["</dev/null", "<&-"] {
        check("secret", redirection, &[], "exit 10", "");
    }
    // A question that goes to a file is not asked.
    check("question", ">/dev/null", &["expect Token: ", r"send \r"], "exit 10", "");
}

#[test]
fn a_question_on_a_terminal_is_answered_or_interrupted() {
    for (last, ending, shown) in [
        (r"send 2\n", "exit 0", "Choice: 2\r\n<2>"),
        (r"send \x04", "exit 10", "Choice: \r\n"),
        // It is the asker's to say what became of what was asked for.
        (r"send \x03", "exit 12", "Choice: ^C\r\n"),
        // Its default action is back after the secret that was asked for first.
        ("signal SIGTERM", "signal 15", "Choice: "),
    ] {
        check("question", "", &["expect Token: ", r"send \r", "expect Choice: ", last], ending, shown);
    }
}

#[test]
fn ctrl_c_belongs_to_the_child_while_it_runs() {
    check("child", "", &["expect child", r"send \x03"], "exit 0", "child Some(2)");
}

/// A signal that is meant for us ends the child first, and then us.
#[test]
fn a_child_does_not_outlive_us() {
    check("child", "", &["expect child", "signal SIGTERM"], "signal 15", "child Some(15)");
    check("child", "", &["expect child", "signal SIGHUP"], "signal 1", "child Some(1)");
}
