//! What is installed beside the program: the man page knows every word of the command line, completions are the generated
//! ones, and unit and proxy examples are read by the programs they are for.

use crate::harness::*;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn generated(what: &str) -> String {
    administer(&Folder::new(), &["generate", what])
}

/// The program's output, or `None` and a line that says what is not tested without it.
fn try_run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(_) => {
            // Past the capture of the test harness: a test is never skipped in silence.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {program} {arguments:?}, there is no {program} here");
            None
        }
    }
}

fn accepts(program: &str, arguments: &[&str]) {
    if let Some(output) = try_run(program, arguments) {
        assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_man_page_knows_every_word() {
    let page =
        text("man/anyt-server.1").replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "");
    for word in generated("words").lines() {
        assert!(page.contains(word), "man/anyt-server.1 says nothing about {word}");
    }
    assert!(page.contains(&format!("anyt {}", env!("CARGO_PKG_VERSION"))));
    let path = repository("man/anyt-server.1");
    if let Some(output) = try_run("man", &["--warnings", "-l", path.to_str().expect("UTF-8")]) {
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn completions_are_the_generated_ones_and_valid() {
    for (shell, path) in [
        ("bash", "completions/anyt-server.bash"),
        ("zsh", "completions/_anyt-server"),
        ("fish", "completions/anyt-server.fish"),
    ] {
        assert_eq!(text(path), generated(shell), "run make docs");
        accepts(shell, &["-n", repository(path).to_str().expect("UTF-8")]);
    }
}

#[test]
fn bash_completes_commands_options_and_roles() {
    let complete = |line: &str| {
        let script = format!(
            "source '{}'; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _anyt_server; echo \"${{COMPREPLY[*]}}\"",
            repository("completions/anyt-server.bash").display()
        );
        try_run("bash", &["-c", &script]).map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    for (line, expected) in [
        ("anyt-server to", "token"),
        ("anyt-server --db x.db token re", "revoke"),
        ("anyt-server token create ann --ex", "--expires"),
        ("anyt-server token create --ex", "--expires"),
        ("anyt-server user add --role v", "viewer"),
        ("anyt-server --no", "--no-token"),
    ] {
        if let Some(words) = complete(line) {
            assert_eq!(words, expected, "{line}");
        }
    }
}

#[test]
fn systemd_reads_the_unit() {
    let folder = Folder::new();
    let unit = text("packaging/anyt-server.service")
        .replace("/usr/local/bin/anyt-server", env!("CARGO_BIN_EXE_anyt-server"))
        .replace("Documentation=man:anyt-server(1)\n", "");
    let path = folder.write("anyt-server.service", &unit);
    let Some(output) = try_run("systemd-analyze", &["verify", &path]) else { return };
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !words.contains("anyt-server.service"), "{words}");
}

#[test]
fn nginx_and_caddy_read_their_examples() {
    let folder = Folder::new();
    let at = |name: &str| folder.path().join(name).display().to_string();
    if try_run("nginx", &["-v"]).is_some() {
        let (certificate, key) = (at("c.pem"), at("c.key"));
        let request =
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", &key, "-out", &certificate];
        accepts("openssl", &request);
        let example = text("packaging/nginx.conf")
            .replace("/etc/ssl/tasks.example.com.pem", &certificate)
            .replace("/etc/ssl/tasks.example.com.key", &key);
        let whole =
            format!("error_log stderr; pid {};\nevents {{}}\nhttp {{\naccess_log off;\n{example}\n}}\n", at("pid"));
        let path = folder.write("nginx.conf", &whole);
        accepts("nginx", &["-t", "-q", "-c", &path]);
    }
    let path = repository("packaging/Caddyfile");
    accepts("caddy", &["adapt", "--adapter", "caddyfile", "--config", path.to_str().expect("UTF-8")]);
}
