//! config.json: the environments and a few habits. This room reads it; `edit` changes one member at a time and leaves every
//! other byte as it was; `resolve` says which environment a command is about. The file is shared with the published
//! clients (api.md 5.1), so their keys and everything unknown survive.

mod edit;
mod resolve;
mod settings;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

pub use edit::{
    add_environment, edit, remove_environment, set_default_project, set_default_workspace, set_setting, switch,
};
pub use resolve::{Environment, none_configured, resolve_environment, unknown};
pub use settings::{SETTINGS, Setting};

use crate::error::{Error, Result};
use crate::json::{self, Document, Fault};
use crate::paths::Paths;
use crate::pipe;
use crate::secret::Secret;

/// What config.json says. A missing file says nothing: no environments, no habits.
#[derive(Debug, Clone, Default)]
pub struct Config {
    pub path: PathBuf,
    /// In the order of the file.
    pub environments: Vec<Configured>,
    pub current_environment: Option<String>,
    /// `editor`: a command line.
    pub editor: Option<String>,
    pub sync: SyncHabits,
    /// Settings that are not what they should be, in words: they count as absent. Only a habit may be so; what says where a
    /// token goes is a fault of the whole file.
    pub faults: Vec<String>,
}

/// One member of `environments`. The name is as it stands in the file; it becomes an `EnvName` when it is chosen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Configured {
    pub name: String,
    pub api_url: String,
    /// A workspace's identifier or id.
    pub default_workspace: Option<String>,
    /// A project's id (or identifier).
    pub default_project: Option<String>,
    /// The token may go to this address over plain http.
    pub allow_insecure_http: bool,
    /// Where people see the tasks of this server in a browser.
    pub web_url: Option<String>,
    /// In plain text, from before the migration.
    pub auth_token: Option<Secret>,
    /// In plain text, from before the migration.
    pub agent_key: Option<Secret>,
    /// `auth_token_stored`: a store has the credential.
    pub stored: bool,
    /// `keyring_left`: the credential went to the encrypted file while the keyring, which may hold an older one, was out
    /// of reach.
    pub keyring_left: bool,
}

/// `sync`: what a command does unless a flag says otherwise.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SyncHabits {
    /// `sync.merge`: merge changes that do not touch the same field without asking.
    pub merge: Option<bool>,
    /// `sync.resolve`: `local`, `remote` or `skip`.
    pub resolve: Option<String>,
    /// `sync.page_size`: tasks per request.
    pub page_size: Option<u32>,
}

impl Config {
    /// Reads config.json. `Error::Failure` with path, line and column when it is damaged; it is then left alone.
    pub fn load(paths: &Paths) -> Result<Config> {
        let path = paths.config_file();
        match read(&path)? {
            Some(text) => Config::parse(&text, &path),
            None => Ok(Config { path, ..Config::default() }),
        }
    }

    pub(crate) fn parse(text: &str, path: &Path) -> Result<Config> {
        let read =
            Document::parse(text).and_then(|document| Reader { document, path, faults: RefCell::default() }.config());
        read.map_err(|fault| damaged(path, &fault))
    }

    /// The value of a setting as it stands in the file, in words.
    pub fn setting(&self, setting: &Setting, environment: &str) -> Result<Option<String>> {
        let text = read(&self.path)?.unwrap_or_default();
        let raw = json::get(&text, &setting.path(environment)).ok().flatten();
        Ok(raw.and_then(|raw| setting.value(raw)))
    }

    pub fn environment(&self, name: &str) -> Option<&Configured> {
        self.environments.iter().find(|environment| environment.name == name)
    }
}

impl Configured {
    /// Whether a credential stands in the file in plain text.
    pub fn has_plaintext(&self) -> bool {
        self.auth_token.is_some() || self.agent_key.is_some()
    }
}

/// The file's text; `None` if there is none.
fn read(path: &Path) -> Result<Option<String>> {
    pipe::refuse(path)?;
    match std::fs::read(path) {
        Ok(bytes) => {
            json::check(&bytes).map_err(|fault| damaged(path, &fault))?;
            // `check` has seen that it is UTF-8. A null is nothing, here as in every member.
            Ok(String::from_utf8(bytes).ok().filter(|text| json::without_bom(text).trim() != "null"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::io("read", path, source)),
    }
}

fn damaged(path: &Path, fault: &Fault) -> Error {
    Error::failure(format!("damaged {}: {fault}", path.display())).hint("it was left alone; mend it with an editor")
}

/// Reads members with their types, and says where one is not what it should be. `null` counts as absent.
struct Reader<'a> {
    document: Document<'a>,
    path: &'a Path,
    faults: RefCell<Vec<String>>,
}

impl Reader<'_> {
    fn config(self) -> Result<Config, Fault> {
        if self.document.keys(&[]).is_none() {
            self.is_no_object(&[]);
            return Ok(Config { path: self.path.into(), faults: self.faults.into_inner(), ..Config::default() });
        }
        let names = self.names(&["environments"])?.unwrap_or_default();
        let environments = names.iter().map(|name| self.environment(name)).collect::<Result<_, Fault>>()?;
        Ok(Config {
            path: self.path.to_path_buf(),
            environments,
            // Without it nobody is chosen who was not meant: the only environment, or a question.
            current_environment: self.text(&["current_environment"]).unwrap_or_else(|fault| {
                self.faults.borrow_mut().push(format!("{}, {fault}: current_environment", self.path.display()));
                None
            }),
            editor: self.setting("editor", ""),
            sync: SyncHabits {
                merge: self.setting("sync.merge", "").map(|flag| flag == "true"),
                resolve: self.setting("sync.resolve", ""),
                page_size: self.setting("sync.page_size", "").and_then(|number| number.parse().ok()),
            },
            faults: self.faults.into_inner(),
        })
    }

    fn environment(&self, name: &str) -> Result<Configured, Fault> {
        let member = |key| ["environments", name, key];
        self.names(&["environments", name])?;
        let Some(api_url) = self.text(&member("api_url"))? else {
            return Err(self.document.fault(&["environments", name], "this environment has no \"api_url\""));
        };
        Ok(Configured {
            name: name.to_string(),
            api_url,
            default_workspace: self.setting("default_workspace", name),
            default_project: self.setting("default_project", name),
            allow_insecure_http: self.flag(&member("allow_insecure_http"))?.unwrap_or(false),
            web_url: self.text(&member("web_url"))?,
            auth_token: self.secret(&member("auth_token"))?,
            agent_key: self.secret(&member("agent_key"))?,
            stored: self.flag(&member("auth_token_stored"))?.unwrap_or(false),
            keyring_left: self.flag(&member("keyring_left"))?.unwrap_or(false),
        })
    }

    /// A habit. One that is not what it should be is absent, and is told.
    fn setting(&self, key: &str, environment: &str) -> Option<String> {
        let setting = Setting::named(key)?;
        let path = setting.path(environment);
        // What stands where an object should be on the way is the fault.
        let at = (1..=path.len()).rev().find_map(|count| Some((count, self.raw(&path[..count])?)));
        match at? {
            (count, raw) if count == path.len() && setting.value(raw).is_some() => setting.value(raw),
            (count, raw) if count < path.len() => {
                if !raw.starts_with('{') {
                    self.is_no_object(&path[..count]);
                }
                None
            }
            _ => {
                let takes = format!("takes {}; without it: {}", setting.expects, setting.default);
                self.tell(&path, &path.join("."), &takes);
                None
            }
        }
    }

    /// Of what has settings in it one fault is told, not one for each of them.
    fn is_no_object(&self, path: &[&str]) {
        let what = if path.is_empty() { "the file" } else { &path.join(".") };
        self.tell(path, what, "is not an object; nothing in it counts");
    }

    fn tell(&self, path: &[&str], what: &str, fault: &str) {
        let Fault { line, column, .. } = self.document.fault(path, "");
        let told = format!("{}, line {line}, column {column}: {what} {fault}", self.path.display());
        let mut faults = self.faults.borrow_mut();
        if !faults.contains(&told) {
            faults.push(told);
        }
    }

    fn raw(&self, path: &[&str]) -> Option<&str> {
        self.document.get(path).filter(|raw| *raw != "null")
    }

    /// A value of one type, or a fault that says which type it should have.
    fn typed<T>(&self, path: &[&str], parse: fn(&str) -> Option<T>, what: &'static str) -> Result<Option<T>, Fault> {
        let Some(raw) = self.raw(path) else { return Ok(None) };
        parse(raw).map(Some).ok_or_else(|| self.document.fault(path, what))
    }

    /// The keys of an object.
    fn names(&self, path: &[&str]) -> Result<Option<Vec<&str>>, Fault> {
        match (self.raw(path), self.document.keys(path)) {
            (Some(_), None) => Err(self.document.fault(path, "an object is expected here")),
            (_, names) => Ok(names),
        }
    }

    fn text(&self, path: &[&str]) -> Result<Option<String>, Fault> {
        self.typed(path, json::string, "a text in double quotes is expected here")
    }

    fn flag(&self, path: &[&str]) -> Result<Option<bool>, Fault> {
        self.typed(path, |raw| raw.parse().ok(), "true or false is expected here")
    }

    fn secret(&self, path: &[&str]) -> Result<Option<Secret>, Fault> {
        Ok(self.text(path)?.filter(|text| !text.trim().is_empty()).map(Secret::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, Path::new("/x/config.json"))
    }

    #[test]
    fn the_published_form_is_read() {
        let config = parse(
            r#"{"current_environment": "dev", "sync_interval": 15, "editor": "vim", "sync": {"merge": false, "page_size": 50},
                "environments": {"prod": {"api_url": "https://api.anyt.dev", "auth_token": null, "agent_key": "anyt_agent_x"},
                                 "dev": {"api_url": "http://localhost:8000", "auth_token": "t", "default_workspace": "DEV",
                                         "default_project": 7}}}"#,
        )
        .unwrap();
        assert_eq!(config.environments.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["prod", "dev"]);
        let dev = config.environment("dev").unwrap();
        assert_eq!(dev.default_project.as_deref(), Some("7"));
        assert!(dev.has_plaintext() && dev.agent_key.is_none());
        assert!(config.environment("prod").unwrap().auth_token.is_none());
        assert_eq!(config.sync, SyncHabits { merge: Some(false), resolve: None, page_size: Some(50) });
        assert!(!format!("{config:?}").contains("anyt_agent_x"));
    }

    #[test]
    fn damage_is_placed_and_the_file_left_alone() {
        for (text, place) in [
            ("", "line 1, column 1"),
            ("{\n  \"environments\": []}", "line 2, column 19: an object"),
            ("{\"environments\": {\"dev\": {}}}", "column 26: this environment has no \"api_url\""),
            ("{\"environments\": {\"dev\": \"http://h\"}}", "column 26: an object"),
            ("{\"environments\": {\"dev\": {\"api_url\": 5}}}", "column 38: a text"),
        ] {
            let error = parse(text).map(|_| ()).expect_err(text);
            assert!(error.to_string().contains(place), "{error}");
            assert!(error.advice().unwrap().contains("left alone"));
        }
    }

    #[test]
    fn a_habit_that_is_none_counts_as_absent_and_is_told() {
        for (text, told) in [
            (
                "{\"sync\": {\"page_size\": -1}}",
                "/x/config.json, line 1, column 24: sync.page_size takes a whole number",
            ),
            (
                "{\"sync\":\n {\"merge\": \"no\"}}",
                "line 2, column 12: sync.merge takes true or false; without it: true",
            ),
            ("{\"sync\": {\"resolve\": \"lokal\"}}", "sync.resolve takes local, remote or skip; without it: ask"),
            ("{\"sync\": []}", "column 10: sync is not an object; nothing in it counts"),
            (" []", "/x/config.json, line 1, column 2: the file is not an object; nothing in it counts"),
            ("{\"editor\": 5}", "editor takes a command line"),
            (
                "{\"environments\": {\"dev\": {\"api_url\": \"http://h\", \"default_workspace\": []}}}",
                "environments.dev.default_workspace takes a workspace's identifier",
            ),
        ] {
            let config = parse(text).expect(text);
            assert!(config.faults[0].contains(told) && config.faults.len() == 1, "{:?}", config.faults);
            assert_eq!((config.sync, config.editor), (SyncHabits::default(), None));
        }
        assert_eq!(parse("{\"sync\": {\"merge\": null}}").unwrap().faults, Vec::<String>::new());
        // What decides where a token goes is no habit.
        assert!(
            parse("{\"environments\": {\"dev\": {\"api_url\": \"http://h\", \"allow_insecure_http\": 1}}}").is_err()
        );
    }
}
