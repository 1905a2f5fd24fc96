//! The environment variables anyt reads, read in one place. Everything below takes them as a value, so that a test can
//! say what they are, and so that one list of them exists. An empty variable counts as unset.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::secret::Secret;

/// The variables whose value is a secret (the last one is another client's): they are taken out of the environment of an
/// editor or pager that is started (credentials.md "hygiene" 7).
pub const SECRETS: [&str; 5] =
    ["ANYT_AGENT_KEY", "ANYT_AUTH_TOKEN", "ANYT_API_KEY", "ANYT_PASSPHRASE", "WORKER_API_TOKEN"];

/// What the process environment says about folders, environments and secrets. `Debug` shows no secret.
#[derive(Debug, Clone, Default)]
pub struct Vars {
    pub anyt_config_dir: Option<PathBuf>,
    pub xdg_config_home: Option<PathBuf>,
    pub xdg_cache_home: Option<PathBuf>,
    pub xdg_data_home: Option<PathBuf>,
    pub xdg_state_home: Option<PathBuf>,
    /// `HOME`. Files are never put where somebody did not say: the user database only serves for a hint.
    pub home: Option<PathBuf>,
    /// `ANYT_ENV`.
    pub env: Option<String>,
    /// `ANYT_API_URL`.
    pub api_url: Option<String>,
    /// `ANYT_AGENT_KEY`.
    pub agent_key: Option<Secret>,
    /// `ANYT_AUTH_TOKEN`.
    pub auth_token: Option<Secret>,
    /// `ANYT_API_KEY`.
    pub api_key: Option<Secret>,
    /// `ANYT_PASSPHRASE`: opens the encrypted file.
    pub passphrase: Option<Secret>,
    /// `ANYT_PASSPHRASE_FILE`.
    pub passphrase_file: Option<PathBuf>,
    /// `CREDENTIALS_DIRECTORY`, which systemd sets for a unit with `LoadCredential=`.
    pub credentials_directory: Option<PathBuf>,
    /// `DBUS_SESSION_BUS_ADDRESS`.
    pub session_bus: Option<String>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
}

impl Vars {
    /// The variable that holds the credential, in the order of the published clients.
    pub fn credential(&self) -> Option<(&'static str, &Secret)> {
        let ordered = [
            ("ANYT_AGENT_KEY", &self.agent_key),
            ("ANYT_AUTH_TOKEN", &self.auth_token),
            ("ANYT_API_KEY", &self.api_key),
        ];
        ordered.into_iter().find_map(|(name, secret)| Some((name, secret.as_ref()?)))
    }

    /// `text` without what these variables keep secret: a command that was run has them too, and may print them.
    pub fn scrub(&self, text: String) -> String {
        let secrets = [&self.agent_key, &self.auth_token, &self.api_key, &self.passphrase];
        secrets.into_iter().flatten().fold(text, |text, secret| secret.scrub(&text))
    }

    /// Reads the process environment. `Error::Usage` when a variable that must be text is not UTF-8; its value is not shown.
    pub fn read() -> Result<Vars> {
        Vars::from_lookup(|name| std::env::var_os(name))
    }

    /// The same with another source of variables.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Vars> {
        let raw = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let path = |name: &str| raw(name).map(PathBuf::from);
        let text = |name: &str| -> Result<Option<String>> {
            let not_text = |_| Error::usage(format!("the environment variable {name} is not valid UTF-8"));
            raw(name).map(|value| value.into_string().map_err(not_text)).transpose()
        };
        let secret = |name: &str| -> Result<Option<Secret>> { Ok(text(name)?.map(Secret::new)) };
        Ok(Vars {
            anyt_config_dir: path("ANYT_CONFIG_DIR"),
            xdg_config_home: path("XDG_CONFIG_HOME"),
            xdg_cache_home: path("XDG_CACHE_HOME"),
            xdg_data_home: path("XDG_DATA_HOME"),
            xdg_state_home: path("XDG_STATE_HOME"),
            home: path("HOME"),
            env: text("ANYT_ENV")?,
            api_url: text("ANYT_API_URL")?,
            agent_key: secret("ANYT_AGENT_KEY")?,
            auth_token: secret("ANYT_AUTH_TOKEN")?,
            api_key: secret("ANYT_API_KEY")?,
            passphrase: secret("ANYT_PASSPHRASE")?,
            passphrase_file: path("ANYT_PASSPHRASE_FILE"),
            credentials_directory: path("CREDENTIALS_DIRECTORY"),
            session_bus: text("DBUS_SESSION_BUS_ADDRESS")?,
            runtime_dir: path("XDG_RUNTIME_DIR"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_unset_and_a_secret_is_not_shown() {
        let vars = Vars::from_lookup(|name| match name {
            "ANYT_ENV" => Some("".into()),
            "ANYT_AUTH_TOKEN" => Some("anyt_canary".into()),
            "HOME" => Some("/home/ann".into()),
            _ => None,
        })
        .unwrap();
        assert_eq!(vars.env, None);
        assert_eq!(vars.home, Some("/home/ann".into()));
        assert!(!format!("{vars:?}").contains("canary"));
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_text_is_named_without_its_value() {
        use std::os::unix::ffi::OsStringExt;
        let bad = |name: &str| (name == "ANYT_AUTH_TOKEN").then(|| OsString::from_vec(b"canary\xff".to_vec()));
        let error = Vars::from_lookup(bad).unwrap_err().to_string();
        assert!(error.contains("ANYT_AUTH_TOKEN") && !error.contains("canary"), "{error}");
    }
}
