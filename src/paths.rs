//! Where anyt keeps its files (docs/architecture.md "Files on a user's machine"), and the one kind of name that may become part of a
//! path. The XDG folders are used on every system, as the specification and the published clients do.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::vars::Vars;

/// The name of an environment, safe as a part of a path: ASCII letters, digits, `-`, `_`, `.`; 1 to 64 characters; not
/// `.` or `..`, and not `key`, whose state folder would stand where the key file is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvName(String);

impl EnvName {
    /// `Error::Usage` when the text is anything else.
    pub fn parse(text: &str) -> Result<EnvName> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if (1..=64).contains(&text.len()) && text.chars().all(allowed) && ![".", "..", "key"].contains(&text) {
            return Ok(EnvName(text.to_string()));
        }
        Err(Error::usage(format!("'{}' cannot be the name of an environment", shown(text)))
            .hint("letters, digits, '-', '_' and '.', at most 64 of them; not '.', '..' or 'key'"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is shown of a name that was refused: it may be long and hold anything.
fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The folders of this user, resolved once. Nothing is created by asking for a path.
#[derive(Debug, Clone)]
pub struct Paths {
    config: PathBuf,
    cache: PathBuf,
    data: PathBuf,
    state: PathBuf,
}

impl Paths {
    /// From the process environment.
    pub fn resolve() -> Result<Paths> {
        Paths::from_vars(&Vars::read()?)
    }

    /// `XDG_*_HOME` where absolute (a relative one is ignored, as the XDG specification asks), else the home folder's
    /// usual place; `ANYT_CONFIG_DIR` replaces the config folder. `Error::Failure` when neither says where to go.
    pub fn from_vars(vars: &Vars) -> Result<Paths> {
        let home = vars.home.as_ref().filter(|home| home.is_absolute());
        let folder =
            |xdg: &Option<PathBuf>, below_home: &str| match (xdg, home) {
                (Some(xdg), _) if xdg.is_absolute() => Ok(xdg.join("anyt")),
                (_, Some(home)) => Ok(home.join(below_home).join("anyt")),
                _ => Err(Error::failure("cannot tell where to keep files: HOME is not set to an absolute path")
                    .hint(set_home())),
            };
        let config = match &vars.anyt_config_dir {
            Some(own) => std::path::absolute(own).map_err(|source| Error::io("find", own, source))?,
            None => folder(&vars.xdg_config_home, ".config")?,
        };
        Ok(Paths {
            config,
            cache: folder(&vars.xdg_cache_home, ".cache")?,
            data: folder(&vars.xdg_data_home, ".local/share")?,
            state: folder(&vars.xdg_state_home, ".local/state")?,
        })
    }

    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.json")
    }

    /// Held while config.json is changed.
    pub fn config_lock_file(&self) -> PathBuf {
        self.config.join("config.json.lock")
    }

    /// Held while plain-text tokens are moved out of config.json. Not the lock above: a keyring may take seconds.
    pub fn migration_lock_file(&self) -> PathBuf {
        self.config.join("config.json.moving")
    }

    pub fn cache_dir(&self, env: &EnvName) -> PathBuf {
        self.cache.join(env.as_str())
    }

    pub fn cache_db(&self, env: &EnvName) -> PathBuf {
        self.cache_dir(env).join("cache.db")
    }

    /// Held for the length of a sync. Beside queue.jsonl rather than in the cache folder: whoever wipes `~/.cache` during
    /// a sync must not wipe the lock with it, or the next command would take up what is just being sent.
    pub fn lock_file(&self, env: &EnvName) -> PathBuf {
        self.state_dir(env).join("sync.lock")
    }

    pub fn state_dir(&self, env: &EnvName) -> PathBuf {
        self.state.join(env.as_str())
    }

    /// The encrypted files, one per environment.
    pub fn credentials_dir(&self) -> PathBuf {
        self.data.join("credentials")
    }

    /// Named by the hexadecimal of the environment's name, so that no file system folds two names into one.
    pub fn credential_file(&self, env: &EnvName) -> PathBuf {
        let hex: String = env.as_str().bytes().map(|byte| format!("{byte:02x}")).collect();
        self.credentials_dir().join(format!("{hex}.cred"))
    }

    /// The environment of a path that `credential_file` gave.
    pub fn env_of_credential_file(&self, path: &Path) -> Option<EnvName> {
        let hex = path.file_name()?.to_str()?.strip_suffix(".cred")?;
        let digits = |at| hex.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let bytes = (0..hex.len()).step_by(2).map(digits).collect::<Option<Vec<u8>>>()?;
        let env = EnvName::parse(&String::from_utf8(bytes).ok()?).ok()?;
        (self.credential_file(&env) == path).then_some(env)
    }

    /// The random key of the encrypted files, kept in another folder than they are.
    pub fn key_file(&self) -> PathBuf {
        self.state.join("key")
    }
}

/// What to type where HOME is not set: the user database knows the folder, also where `env -i` does not.
fn set_home() -> String {
    match dirs::home_dir() {
        Some(home) => format!("type: export HOME={}", home.display()),
        None => "set HOME, or XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_DATA_HOME and XDG_STATE_HOME".into(),
    }
}

/// Makes the folder with mode 0700, with the folders above it that are missing (0700 too). One that exists is left as it is.
/// Root makes none in somebody else's home, where the somebody could not write into it afterwards.
pub fn create_private_dir(path: &Path) -> Result<()> {
    #[cfg(unix)]
    refuse_foreign_home(path)?;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| Error::io("create the folder", path, source))
}

/// What `sudo anyt` would do to the home of whoever typed it.
#[cfg(unix)]
fn refuse_foreign_home(path: &Path) -> Result<()> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let owner = std::fs::metadata(&home).map_or(0, |found| std::os::unix::fs::MetadataExt::uid(&found));
    if owner == 0 || path.exists() || !path.starts_with(&home) || !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(Error::failure(format!(
        "{} is the home of user {owner}, and this is root: its files would be root's",
        home.display()
    ))
    .hint("nothing was changed; run it without sudo, or with a HOME of root's: sudo -H"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_folder_are_refused() {
        for good in ["dev", "prod.eu-1", "a_b", ".hidden", "X", &"n".repeat(64)] {
            assert_eq!(EnvName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "key", "a/b", "a\\b", "ä", "a b", "a\0", "\u{1b}[2J", &"n".repeat(65)] {
            let error = EnvName::parse(bad).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(!error.to_string().contains('\u{1b}'));
        }
    }

    #[test]
    fn relative_xdg_folders_are_ignored_and_the_config_folder_can_be_moved() {
        let vars = Vars {
            home: Some("/home/ann".into()),
            xdg_cache_home: Some("relative".into()),
            xdg_state_home: Some("/state".into()),
            ..Vars::default()
        };
        let env = EnvName::parse("dev").unwrap();
        let paths = Paths::from_vars(&vars).unwrap();
        assert_eq!(paths.config_file(), Path::new("/home/ann/.config/anyt/config.json"));
        assert_eq!(paths.cache_db(&env), Path::new("/home/ann/.cache/anyt/dev/cache.db"));
        assert_eq!(paths.lock_file(&env), Path::new("/state/anyt/dev/sync.lock"));
        assert_eq!(paths.credential_file(&env), Path::new("/home/ann/.local/share/anyt/credentials/646576.cred"));
        assert_eq!(paths.env_of_credential_file(&paths.credential_file(&env)), Some(env.clone()));
        assert_eq!(paths.env_of_credential_file(Path::new("/elsewhere/646576.cred")), None);
        assert_eq!(paths.env_of_credential_file(&paths.credentials_dir().join("2e2e.cred")), None);
        let moved = Vars { anyt_config_dir: Some("/etc/anyt".into()), ..vars };
        assert_eq!(Paths::from_vars(&moved).unwrap().config_file(), Path::new("/etc/anyt/config.json"));
    }

    #[test]
    fn no_home_and_no_xdg_is_one_clear_error() {
        let error = Paths::from_vars(&Vars::default()).unwrap_err();
        assert!(error.to_string().contains("HOME"), "{error}");
        let all = Vars {
            xdg_config_home: Some("/c".into()),
            xdg_cache_home: Some("/k".into()),
            xdg_data_home: Some("/d".into()),
            xdg_state_home: Some("/s".into()),
            ..Vars::default()
        };
        assert_eq!(Paths::from_vars(&all).unwrap().key_file(), Path::new("/s/anyt/key"));
    }
}
