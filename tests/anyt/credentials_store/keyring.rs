//! The Secret Service: what works, what other programs see, and everything that can be wrong with it.

use std::os::unix::net::UnixListener;
use std::path::Path;

use super::desktop::{Desktop, wait_for};
use crate::common::skip::skip;

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
    // The system's packages are not those of a Python that somebody put before it.
    let has_it = |program: &&str| {
        Path::new(program).exists()
            && desktop.output(program, &["-c", "import keyring; print('there')"]).contains("there")
    };
    let Some(program) = ["/usr/bin/python3", "/usr/local/bin/python3"].into_iter().find(has_it) else {
        let required = std::env::var("ANYT_TEST_REQUIRE_SECRET_SERVICE").is_ok_and(|value| value == "1");
        assert!(!required, "Python has no keyring module, and ANYT_TEST_REQUIRE_SECRET_SERVICE=1");
        skip("Python has no keyring module");
        return;
    };
    let python = |code: &str| desktop.output(program, &["-c", &format!("import keyring; {code}")]);
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
    let places = ["migrate.locked", "keyring.written", "migrate.stored", "migrate.read_back", "replace.written"];
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

/// Killed between the new item and the removal of the old ones: neither this token nor one of the other kind is lost.
#[cfg(feature = "failpoints")]
#[test]
fn a_write_that_is_killed_leaves_the_old_or_the_new_token_and_every_other() {
    let Some(desktop) = desktop() else { return };
    let address = desktop.address();
    let killed = [("DBUS_SESSION_BUS_ADDRESS", address.as_str()), ("ANYT_FAILPOINT", "keyring.written")];
    assert_eq!(desktop.step("store anyt_agent_old").0, 0);
    desktop.home.config(&CONFIG.replace("8000\"", "8000\", \"auth_token\": \"anyt_plain\""));
    assert!(desktop.home.is_killed("find", &killed));
    assert!(desktop.everything().contains("secret = anyt_agent_old"), "the other kind is not rewritten");
    let (_, said) = desktop.step("find");
    assert!(said.starts_with("anyt_agent_old from Secret Service"), "{said}");
    assert!(desktop.everything().contains("secret = anyt_plain"));

    assert!(desktop.home.is_killed("store anyt_new", &killed));
    let (code, said) = desktop.step("find");
    assert!(code == 0 && said.starts_with("anyt_agent_old "), "{said}");
    assert_eq!(desktop.step("store anyt_new").0, 0);
    assert_eq!(desktop.everything().matches("secret = ").count(), 1, "a login leaves one token");
}

/// Fails where a store has a moment without a token.
#[test]
fn whoever_reads_while_somebody_signs_in_finds_the_old_token_or_the_new_one() {
    let Some(desktop) = desktop() else { return };
    assert_eq!(desktop.step("store anyt_first").0, 0);
    let address = desktop.address();
    let bus = [("DBUS_SESSION_BUS_ADDRESS", address.as_str())];
    for words in ["anyt_second", "anyt_agent_third", "anyt_fourth file", "anyt_fifth", "anyt_agent_sixth"].repeat(2) {
        let login = desktop.home.start(&format!("store {words}"), &bus);
        for _ in 0..6 {
            let (code, said) = desktop.step("find");
            if service_ended(&said) {
                return;
            }
            assert_eq!(code, 0, "{words}: {said}");
        }
        let (code, said) = login.end();
        if service_ended(&said) {
            return;
        }
        assert_eq!(code, 0, "{words}: {said}");
    }
}

/// gnome-keyring crashes now and then when several use it at once. That is said to a user, and no test of ours.
fn service_ended(said: &str) -> bool {
    let ended = said.contains("disconnected from message bus");
    if ended {
        skip("the keyring's service ended by itself");
    }
    ended
}

/// Process groups that work until the test is over, also when it fails.
struct Churns(Vec<std::process::Child>);

impl Drop for Churns {
    fn drop(&mut self) {
        for churn in &mut self.0 {
            let _ = std::process::Command::new("kill").args(["-KILL", "--", &format!("-{}", churn.id())]).status();
            let _ = churn.wait();
        }
    }
}

/// Items of this name come and go all the time: what is found by a search has gone when it is looked at.
#[test]
fn an_item_that_goes_away_is_no_keyring_that_is_absent() {
    let Some(desktop) = desktop() else { return };
    let churn = "while :; do printf x | secret-tool store --label=x service anyt-cli username dev:agent_key n $0; \
                 secret-tool clear service anyt-cli username dev:agent_key n $0; done";
    let churns = Churns(
        ["1", "2", "3"]
            .map(|number| desktop.command("setsid").args(["sh", "-c", churn, number]).spawn().unwrap())
            .into(),
    );
    let outcomes: Vec<(i32, String)> = (0..25).map(|number| desktop.step(&format!("store anyt_{number}"))).collect();
    drop(churns);
    assert!(outcomes.iter().any(|(code, _)| *code == 0), "{outcomes:?}");
    for (code, said) in outcomes {
        assert!(!said.contains("no keyring in reach") && !said.contains("encrypted file"), "{said}");
        // Others may be faster at storing than we at removing, and a busy machine too slow; then that is said.
        let reasons = ["items keep coming back", "the keyring did not answer within"];
        assert!(code == 0 || reasons.iter().any(|reason| said.contains(reason)), "{said}");
    }
}

#[test]
fn binding_one_of_several_foreign_items_does_not_make_another_the_newest() {
    let Some(desktop) = desktop() else { return };
    for token in ["anyt_old", "anyt_new"] {
        desktop.store_with("dev:auth_token", token, &["n", token]);
        // The service counts in seconds.
        std::thread::sleep(std::time::Duration::from_millis(1100));
    }
    for _ in 0..3 {
        let (code, said) = desktop.step("find");
        assert_eq!(code, 0, "{said}");
        assert!(said.starts_with("anyt_new from Secret Service"), "{said}");
    }
    assert_eq!(desktop.output("secret-tool", &["lookup", "anyt-origin", "http://localhost:8000"]), "anyt_new");
}

#[test]
fn a_move_of_one_kind_leaves_the_other_as_another_program_wrote_it() {
    let Some(desktop) = desktop() else { return };
    desktop.store_as_python("dev:agent_key", "anyt_agent_theirs");
    desktop.home.config(&CONFIG.replace("8000\"", "8000\", \"auth_token\": \"anyt_plain\""));
    let (code, said) = desktop.step("find");
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("anyt_agent_theirs from Secret Service"), "{said}");
    let (code, said) = desktop.step("find");
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("anyt_agent_theirs from Secret Service"), "{said}");
}

/// What another program stored belongs to the address in config.json; without one, to none.
#[test]
fn a_token_of_another_program_goes_to_no_address_that_only_a_flag_names() {
    let Some(desktop) = Desktop::with_keyring() else { return };
    desktop.home.config("{}");
    desktop.store_as_python("dev:auth_token", "anyt_theirs");
    let evil = [("ANYT_ENV", "dev"), ("ANYT_API_URL", "http://127.0.0.1:9")];
    let (code, said) = desktop.step_with("find", &evil);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("was not sent") && said.contains("anyt env add dev"), "{said}");
    assert!(!desktop.everything().contains("anyt-origin"), "it was not bound either");
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
