//! Tokens across processes: a real Secret Service, locked, mute, stopped and missing ones; racing first runs; the move out
//! of config.json. A step runs in a process of its own, which is this test binary again (`child`, below), because
//! libdbus reads the environment and because what one process stored another must find.

pub mod desktop;
pub mod home;
mod keyring;
mod migration;

use anyt::config::{Config, resolve_environment};
use anyt::credentials::{Forgotten, StoreChoice, Vault};
use anyt::error::{Error, Result};
use anyt::paths::Paths;
use anyt::secret::Secret;
use anyt::vars::Vars;

use home::Home;

/// One step in a process of its own: `ANYT_TEST_STEP` says which.
#[test]
#[ignore = "a step of the other tests, not a test"]
fn child() {
    let line = match step(&std::env::var("ANYT_TEST_STEP").expect("run by the tests only")) {
        Ok(said) => format!("0 {said}"),
        Err(error) => format!("{} {error} ({})", error.exit_code(), error.advice().unwrap_or_default()),
    };
    println!("\nSTEP {}", line.replace('\n', " "));
}

fn step(words: &str) -> Result<String> {
    let vars = Vars::read()?;
    let paths = Paths::from_vars(&vars)?;
    let env = resolve_environment(&Config::load(&paths)?, None, None, &vars)?;
    let vault = Vault::new(&paths, &vars);
    let mut words = words.split(' ');
    match words.next() {
        Some("store") => {
            let choice = words.clone().nth(1).map(StoreChoice::parse).transpose()?;
            let kept = vault.store(&env, &Secret::new(words.next().unwrap_or_default()), choice)?;
            Ok(format!("{} because {} {:?}", kept.place, kept.why, kept.notices))
        }
        Some("find") => {
            let found = vault.find(&env)?;
            Ok(format!("{} from {} {:?}", found.secret.expose(), found.place, found.notices))
        }
        Some("forget") => {
            let forgotten = vault.forget(&env.name);
            let done = format!("{} {:?}", forgotten.from.len(), forgotten.notices);
            forgotten.failure().map_or(Ok(done), Err)
        }
        Some("forget-all") => {
            let (outcomes, failure) = vault.forget_all();
            assert!(failure.is_none());
            let done = |(env, outcome): (_, Forgotten)| outcome.failure().map_or(Ok(format!("{env} ")), Err);
            outcomes.into_iter().map(done).collect()
        }
        Some("status") => {
            let status = vault.status(&env)?;
            let place = status.place.map(|place| place.to_string()).unwrap_or_default();
            Ok(format!("{place} because {} for {:?} elsewhere {}", status.why, status.origin, status.elsewhere))
        }
        _ => Err(Error::failure("no such step")),
    }
}

#[test]
fn a_variable_goes_first_and_in_the_published_order() {
    let home = Home::new();
    home.config(r#"{"environments": {"dev": {"api_url": "http://localhost:8000"}}}"#);
    let (code, said) = home.step("find", &[]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("not signed in to 'dev'"), "{said}");
    let variables = [("ANYT_API_KEY", "c"), ("ANYT_AUTH_TOKEN", "b"), ("ANYT_AGENT_KEY", "a")];
    for count in 1..=3 {
        let (code, said) = home.step("find", &variables[..count]);
        assert_eq!(code, 0, "{said}");
        let (name, value) = variables[count - 1];
        assert!(said.starts_with(&format!("{value} from the environment variable {name}")), "{said}");
    }
    let (code, said) = home.step("find", &[("ANYT_AUTH_TOKEN", "can\nary")]);
    assert_eq!(code, 4);
    assert!(said.contains("ANYT_AUTH_TOKEN") && !said.contains("ary"), "{said}");
}

#[test]
fn without_a_bus_the_file_takes_the_token_and_an_explicit_keyring_is_refused() {
    let home = Home::new();
    home.config(
        "{\n  \"environments\": {\n    \"dev\": {\n      \"api_url\": \"http://localhost:8000\"\n    }\n  }\n}\n",
    );
    let (code, said) = home.step("store anyt_one keyring", &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("no keyring in reach: no session bus"), "{said}");
    let (code, said) = home.step("store anyt_one", &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("encrypted file, key from ") && said.contains("because there is no keyring"), "{said}");
    assert!(said.contains("leak of one folder"), "said once: {said}");
    let (_, said) = home.step("store anyt_two", &[]);
    assert!(!said.contains("leak of one folder"), "not twice: {said}");
    assert!(home.read_config().contains("\"auth_token_stored\": true"));
    let (code, said) = home.step("find", &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("anyt_two from encrypted file"), "{said}");
    let (_, said) = home.step("status", &[]);
    assert!(said.contains("for Some(\"http://localhost:8000\") elsewhere false"), "{said}");

    home.config(&home.read_config().replace("localhost:8000", "evil.example"));
    let (code, said) = home.step("find", &[]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("was stored for http://localhost:8000") && !said.contains("anyt_two"), "{said}");
    let (_, said) = home.step("status", &[]);
    assert!(said.contains("elsewhere true"), "{said}");

    let (code, said) = home.step("forget", &[]);
    assert_eq!((code, said.as_str()), (0, "1 []"));
    assert!(!home.read_config().contains("auth_token_stored"));
    assert_eq!(home.step("find", &[]).0, 4);
}

#[test]
fn a_token_in_a_keyring_out_of_reach_is_not_called_absent() {
    let home = Home::new();
    home.config(r#"{"environments": {"dev": {"api_url": "http://h", "auth_token_stored": true}}}"#);
    let (code, said) = home.step("find", &[]);
    assert_eq!(code, 4);
    assert!(said.contains("is in a keyring, and there is no keyring in reach"), "{said}");
    let (code, said) = home.step("forget", &[]);
    assert_eq!(code, 1, "a logout that cannot reach the token has not logged out: {said}");
    assert!(home.read_config().contains("auth_token_stored"));
}

#[test]
fn twenty_first_runs_at_once_agree_on_one_key() {
    let home = Home::new();
    let names: Vec<String> = (0..20).map(|number| format!("e{number}")).collect();
    let member = |name: &String| format!("\"{name}\": {{\"api_url\": \"http://h\"}}");
    let members: Vec<String> = names.iter().map(member).collect();
    home.config(&format!("{{\"environments\": {{{}}}}}", members.join(", ")));
    let steps: Vec<_> =
        names.iter().map(|name| home.start(&format!("store anyt_{name}"), &[("ANYT_ENV", name)])).collect();
    for step in steps {
        let (code, said) = step.end();
        assert_eq!(code, 0, "{said}");
    }
    for name in &names {
        let (code, said) = home.step("find", &[("ANYT_ENV", name)]);
        assert_eq!(code, 0, "{said}");
        assert!(said.starts_with(&format!("anyt_{name} from encrypted file")), "{said}");
    }
    assert_eq!(home.read_config().matches("auth_token_stored").count(), 20);
    let (code, said) = home.step("forget-all", &[("ANYT_ENV", "e0")]);
    assert_eq!((code, said.split_whitespace().count()), (0, 20), "{said}");
    assert_eq!(home.read_config().matches("auth_token_stored").count(), 0);
    assert_eq!(home.step("find", &[("ANYT_ENV", "e7")]).0, 4);
}
