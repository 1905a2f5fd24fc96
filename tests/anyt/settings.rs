//! `anyt config`, and config.json as people write it: one setting that is wrong stops nothing but itself.

use crate::common::json::{self, Look};
use crate::common::{Dispute, Sandbox};

#[test]
fn settings_are_listed_checked_and_taken_out_again() {
    let person = Sandbox::new();
    person.anyt(&["env", "add", "dev", "http://127.0.0.1:9"]).ok();
    let list = person.anyt(&["config", "list", "--json"]).ok().json();
    assert!(list.int("data.count") >= 7 && !list.text("data.items.0.meaning").is_empty());
    for (key, value, other) in [
        ("editor", "vim -f", ""),
        ("sync.merge", "false", "no"),
        ("sync.resolve", "skip", "lokal"),
        ("sync.page_size", "50", "0"),
        ("default_workspace", "DEV", " "),
        ("default_project", "7", ""),
        ("allow_insecure_http", "true", "yes"),
    ] {
        let default = person.anyt(&["config", "get", key]).ok().stdout;
        person.anyt(&["config", "set", key, value]).ok();
        let before = person.snapshot();
        person.anyt(&["config", "set", key, other]).code(2).warns("nothing was changed");
        assert_eq!(person.snapshot().changed_since(&before), Vec::<String>::new(), "{key}");
        assert_eq!(person.anyt(&["config", "get", key]).ok().stdout, format!("{value}\n"));
        assert_eq!(person.anyt(&["config", "get", key, "--json"]).ok().json().text("data.value"), value);
        person.anyt(&["config", "unset", key]).ok();
        assert_eq!(person.anyt(&["config", "get", key]).ok().stdout, default);
    }
    person.anyt(&["config", "set", "sync.marge", "true"]).code(2).warns("there are: editor, sync.merge");
    person.anyt(&["config", "set", "sync.merge"]).code(2);
    person.anyt(&["config", "get", "default_workspace", "--env", "prod"]).code(1).warns("no environment 'prod'");
}

#[test]
fn one_setting_that_is_wrong_stops_no_command() {
    let dispute = Dispute::about(1);
    let alice = &dispute.alice;
    for (name, wrong, told) in [
        ("sync", r#"{"merge": "no"}"#, "sync.merge takes true or false; without it: true"),
        ("sync", r#"{"page_size": "many"}"#, "sync.page_size takes a whole number"),
        ("sync", r#"{"resolve": "lokal"}"#, "sync.resolve takes local, remote or skip"),
        ("sync", "[]", "sync is not an object; nothing in it counts"),
        ("sync", "3", "sync is not an object; nothing in it counts"),
        ("editor", "5", "editor takes a command line"),
        ("current_environment", "7", "current_environment"),
    ] {
        alice.configure(name, json::parse(wrong));
        for args in [&["task", "list"][..], &["sync"], &["task", "update", "1", "-p", "1", "--offline"]] {
            let run = alice.anyt(args).ok();
            assert_eq!(run.stderr.matches("config.json").count(), 1, "{run}");
            assert!(run.stderr.contains(told), "{run}");
        }
        alice.configure(name, json::parse(if name == "sync" { "{}" } else { r#""dev""# }));
    }
    // A file that is no object has no settings; commands that need none go on, and nothing writes over it.
    let (known, file) = (alice.read("config/anyt/config.json"), "config/anyt/config.json");
    for wrong in ["[]", "3", "\"environments\""] {
        alice.write(file, wrong);
        let list = alice.anyt(&["env", "list"]).ok().warns("line 1, column 1: the file is not an object; ");
        assert_eq!(list.stderr_lines().len(), 1, "{list}");
        alice.anyt(&["task", "list"]).code(1).warns("the file is not an object").warns("no environment is configured");
        alice.anyt(&["health", "--api-url", &dispute.server.url()]).ok();
        alice.anyt(&["config", "set", "editor", "vi"]).code(1).warns("it was left alone");
        assert_eq!(alice.read(file), wrong);
    }
    alice.write(file, "null\n");
    assert_eq!(alice.anyt(&["env", "list"]).ok().stderr, "");
    alice.anyt(&["config", "set", "editor", "vi"]).ok();
    alice.write(file, known);
    // Where a token goes is no habit.
    let environments = r#"{"dev": {"api_url": "http://127.0.0.1:9", "allow_insecure_http": "yes"}}"#;
    alice.configure("environments", json::parse(environments));
    alice.anyt(&["task", "list"]).code(1).warns("true or false is expected here");
}
