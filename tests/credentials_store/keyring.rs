//! The Secret Service: what works, what other programs see, and everything that can be wrong with it.

use std::os::unix::net::UnixListener;

use super::desktop::{Desktop, wait_for};

const CONFIG: &str = r#"{"environments": {"dev": {"api_url": "http://localhost:8000"}}}"#;

fn desktop() -> Option<Desktop> {
    let desktop = Desktop::with_keyring()?;
    desktop.home.config(CONFIG);
    Some(desktop)
}

#[test]
fn stored_in_one_process_found_in_another_and_by_other_programs() {
    let Some(desktop) = desktop() else { return };
    let (code, said) = desktop.step("store anyt_canary");
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("Secret Service because the keyring is in reach"), "{said}");
    let (code, said) = desktop.step("find");
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("anyt_canary from Secret Service"), "{said}");
    let looked_up = desktop.output("secret-tool", &["lookup", "service", "anyt-cli", "username", "dev:auth_token"]);
    assert_eq!(looked_up, "anyt_canary");
    assert!(desktop.home.read_config().contains("auth_token_stored"));
    assert!(!desktop.home.root().join(".local/share/anyt").exists(), "no file where the keyring has it");
    let (_, said) = desktop.step("status");
    assert!(said.starts_with("Secret Service because") && said.contains("http://localhost:8000"), "{said}");

    let (code, said) = desktop.step("store anyt_agent_key");
    assert_eq!(code, 0, "{said}");
    assert_eq!(desktop.everything().matches("secret = ").count(), 1, "the new one replaces the other kind");
    let (code, _) = desktop.step("forget");
    assert_eq!(code, 0);
    assert_eq!(desktop.everything(), "");
    assert_eq!(desktop.step("find").0, 4);
}

#[test]
fn a_token_of_another_program_is_found_and_bound_at_its_first_use() {
    let Some(desktop) = desktop() else { return };
    desktop.store_as_python("dev:auth_token", "anyt_theirs");
    // A daemon on a busy disk may take longer over the binding than it is waited for; the next use tries again.
    wait_for("the binding", || {
        let (code, said) = desktop.step_with("find", &[("ANYT_ENV", "dev")]);
        assert_eq!(code, 0, "{said}");
        assert!(said.starts_with("anyt_theirs from Secret Service"), "{said}");
        let bound = desktop.output("secret-tool", &["lookup", "anyt-origin", "http://localhost:8000"]) == "anyt_theirs";
        assert!(bound || said.contains("could not be bound to http://localhost:8000"), "in silence: {said}");
        bound
    });
    desktop.home.config(&CONFIG.replace("localhost:8000", "evil.example"));
    let (code, said) = desktop.step("find");
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("was stored for http://localhost:8000") && !said.contains("anyt_theirs"), "{said}");
}

#[test]
fn changing_config_json_does_not_move_a_token_to_another_server() {
    let Some(desktop) = desktop() else { return };
    assert_eq!(desktop.step("store anyt_canary").0, 0);
    desktop.home.config(&desktop.home.read_config().replace("localhost:8000", "evil.example"));
    let (code, said) = desktop.step("find");
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("was stored for http://localhost:8000"), "{said}");
}

#[test]
fn of_duplicates_the_newest_counts_and_none_stays() {
    let Some(desktop) = desktop() else { return };
    assert_eq!(desktop.step("store anyt_ours").0, 0);
    desktop.store_as_python("dev:auth_token", "anyt_theirs");
    assert_eq!(desktop.everything().matches("secret = ").count(), 2, "the trap is there");
    let (_, said) = desktop.step("find");
    assert!(said.starts_with("anyt_theirs "), "{said}");
    assert_eq!(desktop.step("store anyt_again").0, 0);
    assert_eq!(desktop.everything().matches("secret = ").count(), 1);
    desktop.store_as_python("dev:auth_token", "anyt_theirs");
    let (code, said) = desktop.step("forget");
    assert_eq!(code, 0, "{said}");
    assert_eq!(desktop.everything(), "");
}

#[test]
fn pythons_keyring_reads_ours_and_we_read_its() {
    let Some(desktop) = desktop() else { return };
    let python = |code: &str| desktop.output("python3", &["-c", &format!("import keyring; {code}")]);
    if !python("print('there')").contains("there") {
        super::home::skipped("Python has no keyring module");
        return;
    }
    assert_eq!(desktop.step("store anyt_ours").0, 0);
    assert_eq!(python("print(keyring.get_password('anyt-cli', 'dev:auth_token'))").trim(), "anyt_ours");
    python("keyring.set_password('anyt-cli', 'dev:auth_token', 'anyt_theirs')");
    let (_, said) = desktop.step("find");
    assert!(said.starts_with("anyt_theirs "), "{said}");
    assert_eq!(desktop.step("forget").0, 0);
    assert_eq!(python("print(keyring.get_password('anyt-cli', 'dev:auth_token'))").trim(), "None");
}

#[test]
fn plain_text_moves_into_the_keyring() {
    let Some(desktop) = desktop() else { return };
    desktop.home.config(&CONFIG.replace("8000\"", "8000\", \"auth_token\": \"anyt_plain\""));
    let (code, said) = desktop.step("find");
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("anyt_plain from Secret Service") && said.contains("was moved"), "{said}");
    assert_eq!(desktop.home.read_config(), CONFIG.replace("8000\"", "8000\", \"auth_token_stored\": true"));
    assert!(desktop.everything().contains("secret = anyt_plain"));
}

#[cfg(feature = "failpoints")]
#[test]
fn a_move_into_the_keyring_that_is_killed_loses_nothing() {
    let Some(desktop) = desktop() else { return };
    let plain = CONFIG.replace("8000\"", "8000\", \"auth_token\": \"anyt_plain\"");
    let places = ["migrate.locked", "keyring.erased", "migrate.stored", "migrate.read_back", "replace.written"];
    for place in places {
        assert_eq!(desktop.step("forget").0, 0);
        desktop.home.config(&plain);
        let address = desktop.address();
        let variables = [("DBUS_SESSION_BUS_ADDRESS", address.as_str()), ("ANYT_FAILPOINT", place)];
        assert!(desktop.home.is_killed("find", &variables), "{place}");
        assert_eq!(desktop.home.read_config(), plain, "{place}");
        let (code, said) = desktop.step("find");
        assert!(code == 0 && said.starts_with("anyt_plain from Secret Service"), "{place}: {said}");
        assert!(!desktop.home.read_config().contains("anyt_plain"), "{place}");
        assert_eq!(desktop.everything().matches("secret = ").count(), 1, "{place}");
    }
}

#[test]
fn the_bus_of_the_runtime_folder_is_found() {
    let Some(desktop) = desktop() else { return };
    let folder = desktop.home.root().to_str().unwrap();
    let (code, said) = desktop.home.step("store anyt_canary", &[("XDG_RUNTIME_DIR", folder)]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("Secret Service"), "{said}");
}

#[test]
fn a_dead_socket_means_the_file() {
    let home = super::home::Home::new();
    home.config(CONFIG);
    let socket = home.root().join("dead");
    drop(UnixListener::bind(&socket).unwrap());
    let address = format!("unix:path={}", socket.display());
    let (code, said) = home.step("store anyt_one", &[("DBUS_SESSION_BUS_ADDRESS", &address)]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("encrypted file"), "{said}");
}

#[test]
fn a_keyring_without_a_collection_is_locked_and_not_absent() {
    let Some(desktop) = Desktop::with_empty_keyring() else { return };
    desktop.home.config(CONFIG);
    for words in ["find", "store anyt_new"] {
        let (code, said) = desktop.step(words);
        assert_eq!(code, 4, "{words}: {said}");
        assert!(said.contains("the keyring is locked"), "{words}: {said}");
    }
}

#[test]
fn one_store_has_it() {
    let Some(desktop) = desktop() else { return };
    assert_eq!(desktop.step("store anyt_one keyring").0, 0);
    let (code, said) = desktop.step("store anyt_two file");
    assert_eq!(code, 0, "{said}");
    assert_eq!(desktop.everything(), "");
    assert!(desktop.step("find").1.starts_with("anyt_two from encrypted file"));
    assert_eq!(desktop.step("store anyt_three").0, 0);
    assert!(desktop.step("find").1.starts_with("anyt_three from Secret Service"));
    assert!(!desktop.home.root().join(".local/share/anyt/credentials/646576.cred").exists());
}

#[test]
fn a_locked_keyring_is_not_an_absent_one() {
    let Some(desktop) = desktop() else { return };
    assert_eq!(desktop.step("store anyt_canary").0, 0);
    desktop.lock();
    for words in ["find", "store anyt_new", "store anyt_new keyring"] {
        let (code, said) = desktop.step(words);
        assert_eq!(code, 4, "{words}: {said}");
        assert!(said.contains("the keyring is locked"), "{words}: {said}");
    }
    let (code, said) = desktop.step("forget");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the keyring is locked: a token in it was not removed"), "{said}");
    let (code, said) = desktop.step_with("find", &[("ANYT_AUTH_TOKEN", "anyt_variable")]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = desktop.step("store anyt_new file");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("stays there"), "{said}");
    assert!(desktop.step("find").1.starts_with("anyt_new from encrypted file"));
}

#[test]
fn a_stopped_daemon_is_given_up_in_time_and_breaks_nothing_else() {
    let Some(desktop) = desktop() else { return };
    desktop.stop_keyring();
    for words in ["find", "store anyt_new", "store anyt_new keyring"] {
        let (code, said) = desktop.step(words);
        assert_eq!(code, 1, "{words}: {said}");
        assert!(said.contains("the keyring did not answer within 3 s"), "{words}: {said}");
    }
    desktop.home.config(&CONFIG.replace("8000\"", "8000\", \"auth_token\": \"anyt_plain\""));
    let before = desktop.home.read_config();
    let (code, said) = desktop.step("find");
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("anyt_plain from config.json, in plain text"), "{said}");
    assert_eq!(said.matches("stays in config.json").count(), 1, "one warning: {said}");
    assert_eq!(desktop.home.read_config(), before);
}

#[test]
fn a_bus_without_a_secret_service_means_the_file() {
    let Some(desktop) = Desktop::with_bus() else { return };
    desktop.home.config(CONFIG);
    let (code, said) = desktop.step("store anyt_one keyring");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("there is no keyring in reach"), "{said}");
    let (code, said) = desktop.step("store anyt_one");
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("encrypted file, key from "), "{said}");
    assert!(desktop.step("find").1.starts_with("anyt_one from encrypted file"));
}

#[test]
fn a_mute_bus_is_given_up_in_time() {
    let home = super::home::Home::new();
    home.config(CONFIG);
    let socket = home.root().join("mute");
    let _listener = UnixListener::bind(&socket).unwrap();
    let address = format!("unix:path={}", socket.display());
    for words in ["find", "store anyt_new"] {
        let started = std::time::Instant::now();
        let (code, said) = home.step(words, &[("DBUS_SESSION_BUS_ADDRESS", &address)]);
        assert!(started.elapsed().as_secs() < 4, "{:?}", started.elapsed());
        assert_eq!(code, 1, "{words}: {said}");
        assert!(said.contains("did not answer within 3 s"), "{words}: {said}");
    }
}
