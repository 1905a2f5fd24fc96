//! Tokens leave config.json, and nothing else in it changes.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::home::Home;

fn spec(token_line: &str) -> String {
    format!(
        "{{\n  \"environments\": {{\n    \"dev\": {{\n      \"api_url\": \"http://localhost:8000\",\n      {token_line}\n    }}\n  }}\n}}\n"
    )
}

const BEFORE: &str = "\"auth_token\": \"anyt_canary\"";
const AFTER: &str = "\"auth_token_stored\": true";

fn find(home: &Home) -> String {
    let (code, said) = home.step("find", &[]);
    assert_eq!(code, 0, "{said}");
    said
}

#[test]
fn config_json_becomes_what_the_specification_shows() {
    let home = Home::new();
    home.config(&spec(BEFORE));
    let said = find(&home);
    assert!(said.starts_with("anyt_canary from encrypted file"), "{said}");
    assert!(said.contains("the token of 'dev' was moved out of config.json"), "{said}");
    assert_eq!(home.read_config(), spec(AFTER));
    let said = find(&home);
    assert!(said.ends_with(" []"), "the second run has nothing to say: {said}");
}

#[test]
fn every_other_byte_mode_and_link_stays() {
    let layout = "\u{feff}{\r\n\t\"big\": 123456789012345678901234567890.10e+5,\r\n\t\"colour\\u0020\": [1,  2],\r\n\
                  \t\"environments\": {\r\n\t\t\"prod\": {\"api_url\": \"https://p\", \"auth_token\": null},\r\n\t\t\"dev\": {\r\n\
                  \t\t\t\"api_url\": \"http://localhost:8000\",\r\n\t\t\t\"x\": {\"auth_token\": \"not a token of ours\"},\r\n\
                  \t\t\tTOKEN\r\n\t\t}\r\n\t},\r\n\t\"current_environment\": \"dev\"\r\n}";
    let home = Home::new();
    let real = home.root().join("dotfiles.json");
    std::fs::write(&real, layout.replace("TOKEN", BEFORE)).unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o400)).unwrap();
    symlink(&real, home.config_path()).unwrap();
    assert!(find(&home).starts_with("anyt_canary from encrypted file"));
    assert_eq!(std::fs::read_to_string(&real).unwrap(), layout.replace("TOKEN", AFTER));
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o400);
    assert!(std::fs::symlink_metadata(home.config_path()).unwrap().is_symlink());
}

#[test]
fn both_kinds_and_all_environments_move_and_repeated_keys_go() {
    let home = Home::new();
    home.config(
        r#"{"current_environment": "dev", "environments": {"dev": {"api_url": "http://a", "auth_token": "anyt_old",
            "auth_token": "anyt_user", "agent_key": "anyt_agent_key"}, "prod": {"api_url": "https://b", "auth_token": "anyt_prod\n"}}}"#,
    );
    assert!(find(&home).starts_with("anyt_agent_key from encrypted file"));
    let config = home.read_config();
    assert!(!config.contains("anyt_"), "{config}");
    let (_, said) = home.step("find", &[("ANYT_ENV", "prod")]);
    assert!(said.starts_with("anyt_prod from encrypted file"), "{said}");
}

#[test]
fn two_different_tokens_are_both_kept() {
    let home = Home::new();
    home.config(&spec(BEFORE).replace("anyt_canary", "anyt_first"));
    find(&home);
    home.config(&spec(BEFORE));
    let said = find(&home);
    assert!(said.starts_with("anyt_first from encrypted file") && said.contains("both were kept"), "{said}");
    assert_eq!(home.read_config(), spec(BEFORE));
}

#[test]
fn a_config_that_cannot_be_changed_is_used_with_one_notice() {
    let read_only = "mount --bind . . && mount -o remount,bind,ro . && cd .";
    let file_alone = "mount --bind config.json config.json";
    for (mounts, place) in [(read_only, "config.json, in plain text"), (file_alone, "encrypted file")] {
        let home = Home::new();
        home.config(&spec(BEFORE));
        let Some((code, said)) = home.step_behind_mounts(mounts, "find") else { return };
        assert_eq!(code, 0, "{said}");
        assert!(said.starts_with(&format!("anyt_canary from {place}")), "{said}");
        assert_eq!(said.matches("the token stays in config.json: ").count(), 1, "{said}");
        assert_eq!(home.read_config(), spec(BEFORE));
    }
}

#[test]
fn a_plain_token_is_not_sent_to_another_address_either() {
    let home = Home::new();
    home.config(&spec(BEFORE));
    std::fs::create_dir(home.config_path().with_file_name("config.json.lock")).unwrap();
    let (code, said) = home.step("find", &[("ANYT_API_URL", "http://evil.example")]);
    assert_eq!(code, 4, "{said}");
    assert!(!said.contains("anyt_canary"), "{said}");
}

#[test]
fn copies_with_the_token_are_named_and_left() {
    let home = Home::new();
    home.config(&spec(BEFORE));
    let backup = home.config_path().with_file_name("config.json~");
    std::fs::write(&backup, spec(BEFORE)).unwrap();
    let said = find(&home);
    assert!(said.contains("config.json~ still holds a token"), "{said}");
    assert_eq!(std::fs::read_to_string(&backup).unwrap(), spec(BEFORE));
    let beside: Vec<_> = std::fs::read_dir(backup.parent().unwrap()).unwrap().flatten().collect();
    assert_eq!(beside.len(), 4, "config.json, its two locks, the copy: {beside:?}");
}

/// Killed at every step it has: the token is always readable from somewhere, and the next run ends scrubbed.
#[cfg(feature = "failpoints")]
#[test]
fn killed_anywhere_nothing_is_lost_and_the_next_run_finishes() {
    let home = Home::new();
    home.config(&spec(BEFORE));
    let trace = home.root().join("trace");
    home.step("find", &[("ANYT_FAILPOINT_TRACE", trace.to_str().unwrap())]);
    let steps = std::fs::read_to_string(&trace).unwrap();
    let mut seen = std::collections::BTreeMap::new();
    for name in steps.lines() {
        *seen.entry(name.to_string()).or_insert(0) += 1;
    }
    assert!(seen.contains_key("migrate.stored") && seen.contains_key("replace.renamed"), "{steps}");
    for (name, hits) in seen {
        for hit in 1..=hits {
            let home = Home::new();
            home.config(&spec(BEFORE));
            let place = format!("{name}:{hit}");
            assert!(home.is_killed("find", &[("ANYT_FAILPOINT", &place)]), "{place}");
            let config = home.read_config();
            assert!(config == spec(BEFORE) || config == spec(AFTER), "{place}: {config}");
            let said = find(&home);
            assert!(said.starts_with("anyt_canary from encrypted file"), "{place}: {said}");
            assert_eq!(home.read_config(), spec(AFTER), "{place}");
            let left = left_behind(home.root());
            assert!(left.is_empty(), "{place}: {left:?}");
        }
    }
}

/// Files that hold the token in plain text, or that no finished run leaves.
#[cfg(feature = "failpoints")]
fn left_behind(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut left = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            left.extend(left_behind(&path));
        } else if path.extension().is_some_and(|extension| extension == "tmp")
            || String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains("anyt_canary")
        {
            left.push(path);
        }
    }
    left
}
