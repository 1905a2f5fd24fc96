//! `.anyt/` of a working directory: the workspace and project it belongs to (anyt.json) and the task somebody picked
//! (active_task.json), in the form of the published clients (api.md 5.4, 5.5). Found by walking up; unknown keys survive.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::json::{self, Document, Fault};
use crate::replace::replace;
use crate::time::Timestamp;

/// Bytes of a file in `.anyt`.
const LARGEST: u64 = 1 << 20;

/// A folder that has an `.anyt/anyt.json` or an `.anyt/active_task.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    root: PathBuf,
}

/// What anyt.json says. Absent and `null` are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The server's id; older clients wrote it as a text, which is read too.
    pub workspace_id: Option<i64>,
    pub workspace_name: Option<String>,
    /// `DEV`: the prefix of bare task numbers.
    pub workspace_identifier: Option<String>,
    pub api_url: Option<String>,
    pub current_project_id: Option<i64>,
}

/// What active_task.json says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActiveTask {
    pub identifier: String,
    pub title: String,
    pub workspace_id: Option<i64>,
    pub project_id: Option<i64>,
}

impl Directory {
    /// The nearest one at or above the current directory.
    pub fn find() -> Option<Directory> {
        Directory::find_from(&std::env::current_dir().ok()?)
    }

    /// The nearest one at or above `start`.
    pub fn find_from(start: &Path) -> Option<Directory> {
        let has = |folder: &&Path| Directory::at(folder).files().iter().any(|file| file.exists());
        start.ancestors().find(has).map(Directory::at)
    }

    /// The one at `root`, whether or not it has files yet.
    pub fn at(root: &Path) -> Directory {
        Directory { root: root.to_path_buf() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// anyt.json, if it holds the key that clients 0.1.2 to 0.2.0 kept there.
    pub fn with_agent_key(&self) -> Option<PathBuf> {
        let [file, _] = self.files();
        has_member(&file, "agent_key").then_some(file)
    }

    fn files(&self) -> [PathBuf; 2] {
        ["anyt.json", "active_task.json"].map(|name| self.root.join(".anyt").join(name))
    }

    /// anyt.json; `None` if there is none. `Error::Failure` with line and column if it is damaged.
    pub fn load(&self) -> Result<Option<Settings>> {
        let [file, _] = self.files();
        let Some(text) = read(&file)? else { return Ok(None) };
        let load = || -> Result<Settings, Fault> {
            let text = Document::parse(&text)?;
            Ok(Settings {
                workspace_id: number(&text, "workspace_id")?,
                workspace_name: word(&text, "name")?,
                workspace_identifier: word(&text, "workspace_identifier")?,
                api_url: word(&text, "api_url")?,
                current_project_id: number(&text, "current_project_id")?,
            })
        };
        load().map(Some).map_err(|fault| damaged(&file, &fault))
    }

    /// Writes anyt.json, keeping the keys of an existing one that are not ours; `None` leaves a key as it is.
    pub fn write_init(&self, settings: &Settings) -> Result<()> {
        let quoted = |text: &Option<String>| text.as_deref().map(json::quote);
        let [file, _] = self.files();
        self.write(
            &file,
            &[
                ("workspace_id", settings.workspace_id.map(|id| id.to_string())),
                ("name", quoted(&settings.workspace_name)),
                ("api_url", quoted(&settings.api_url)),
                ("workspace_identifier", quoted(&settings.workspace_identifier)),
                ("current_project_id", settings.current_project_id.map(|id| id.to_string())),
            ],
        )
    }

    /// The picked task; `None` if there is none.
    pub fn active(&self) -> Result<Option<ActiveTask>> {
        let [_, file] = self.files();
        let Some(text) = read(&file)? else { return Ok(None) };
        let load = || -> Result<Option<ActiveTask>, Fault> {
            let text = Document::parse(&text)?;
            // The tool server of 0.1.0 wrote `task_id`.
            let Some(identifier) = word(&text, "identifier")?.or(word(&text, "task_id")?) else { return Ok(None) };
            Ok(Some(ActiveTask {
                identifier,
                title: word(&text, "title")?.unwrap_or_default(),
                workspace_id: number(&text, "workspace_id")?,
                project_id: number(&text, "project_id")?,
            }))
        };
        load().map_err(|fault| damaged(&file, &fault))
    }

    /// When the task was picked, if the file says it in a form that we know.
    pub fn picked_at(&self) -> Option<Timestamp> {
        let [_, file] = self.files();
        let text = read(&file).ok()??;
        Timestamp::parse(&word(&Document::parse(&text).ok()?, "picked_at").ok()??)
    }

    /// Picks a task, now.
    pub fn set_active(&self, task: &ActiveTask) -> Result<()> {
        let [_, file] = self.files();
        // Other clients keep a copy of the task there: of this task, not of the one picked before.
        let is_other = self.active()?.is_some_and(|known| known.identifier != task.identifier);
        let is_kept = is_other && has_member(&file, "local_path");
        self.write(
            &file,
            &[
                ("local_path", is_kept.then(|| "null".into())),
                ("identifier", Some(json::quote(&task.identifier))),
                ("title", Some(json::quote(&task.title))),
                ("picked_at", Some(json::quote(&Timestamp::now().rfc3339()))),
                ("workspace_id", task.workspace_id.map(|id| id.to_string())),
                ("project_id", task.project_id.map(|id| id.to_string())),
            ],
        )
    }

    /// Puts the picked task back; says whether there was one.
    pub fn clear_active(&self) -> Result<bool> {
        let [_, file] = self.files();
        match std::fs::remove_file(&file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(Error::io("remove", &file, source)),
        }
    }

    fn write(&self, file: &Path, members: &[(&str, Option<String>)]) -> Result<()> {
        let folder = self.root.join(".anyt");
        std::fs::create_dir_all(&folder).map_err(|source| Error::io("create", &folder, source))?;
        let mut text = read(file)?.unwrap_or_else(|| "{}\n".into());
        for (key, value) in members {
            if let Some(value) = value {
                text = json::set_member(&text, &[key], value).map_err(|fault| damaged(file, &fault))?;
            }
        }
        replace(file, text.as_bytes())
    }
}

/// A JSON file has this member, and it is not null. What cannot be read has none.
pub fn has_member(file: &Path, key: &str) -> bool {
    let text = read(file).ok().flatten().unwrap_or_default();
    matches!(json::get(&text, &[key]), Ok(Some(raw)) if raw != "null")
}

/// Whoever sends somebody a repository chooses what stands in its `.anyt`: a link to a device, a pipe, a file without end.
fn read(file: &Path) -> Result<Option<String>> {
    crate::pipe::refuse(file)?;
    if std::fs::metadata(file).is_ok_and(|found| found.len() > LARGEST) {
        return Err(Error::failure(format!("{} is larger than 1 MiB", file.display())).hint("it was left alone"));
    }
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::io("read", file, source)),
    };
    let text = json::check(&bytes).map(|()| String::from_utf8(bytes).unwrap_or_default());
    let text = text.and_then(|text| match Document::parse(&text)? {
        document if document.keys(&[]).is_none() => Err(document.fault(&[], "an object is expected here")),
        _ => Ok(text),
    });
    text.map(Some).map_err(|fault| damaged(file, &fault))
}

fn damaged(file: &Path, fault: &Fault) -> Error {
    Error::failure(format!("damaged {}: {fault}", file.display()))
        .hint("it was left alone; mend it, or remove it and run: anyt init")
}

fn word(document: &Document, key: &str) -> Result<Option<String>, Fault> {
    match document.get(&[key]) {
        None | Some("null") => Ok(None),
        Some(raw) => json::string(raw).map(Some).ok_or_else(|| document.fault(&[key], "a text is expected here")),
    }
}

/// A whole number, also in quotes.
fn number(document: &Document, key: &str) -> Result<Option<i64>, Fault> {
    let Some(raw) = document.get(&[key]).filter(|raw| *raw != "null") else { return Ok(None) };
    let digits = json::string(raw).unwrap_or_else(|| raw.to_string());
    digits.parse().map(Some).map_err(|_| document.fault(&[key], "a whole number is expected here"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn found_from_below_in_both_spellings_of_the_id() {
        let folder = Folder::new();
        let deep = folder.path("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::create_dir(folder.path(".anyt")).unwrap();
        let file = folder.path(".anyt/anyt.json");
        for id in ["\"7\"", "7"] {
            let text = format!(
                "{{\"workspace_id\": {id}, \"name\": \"Dev\", \"api_url\": \"http://h\", \"agent_key\": \"k\"}}"
            );
            std::fs::write(&file, &text).unwrap();
            let settings = Directory::find_from(&deep).unwrap().load().unwrap().unwrap();
            assert_eq!((settings.workspace_id, settings.workspace_name.as_deref()), (Some(7), Some("Dev")));
        }
    }

    #[test]
    fn writing_keeps_what_is_not_ours() {
        let folder = Folder::new();
        let directory = Directory::at(folder.root());
        assert_eq!(directory.load().unwrap(), None);
        directory.write_init(&Settings { workspace_id: Some(1), ..Settings::default() }).unwrap();
        let file = folder.path(".anyt/anyt.json");
        let text =
            json::set_member(&std::fs::read_to_string(&file).unwrap(), &["installed_agents"], "[\"x\"]").unwrap();
        std::fs::write(&file, text).unwrap();
        directory.write_init(&Settings { current_project_id: Some(9), ..Settings::default() }).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("\"installed_agents\": [\"x\"]") && text.contains("\"workspace_id\": 1"), "{text}");
        std::fs::write(&file, "[]").unwrap();
        assert!(directory.write_init(&Settings::default()).unwrap_err().to_string().contains("line 1, column 1"));
    }

    #[test]
    fn a_task_is_picked_and_put_back() {
        let folder = Folder::new();
        let directory = Directory::at(folder.root());
        let task =
            ActiveTask { identifier: "DEV-1".into(), title: "a \"b\"".into(), workspace_id: Some(1), project_id: None };
        directory.set_active(&task).unwrap();
        assert_eq!(directory.active().unwrap(), Some(task));
        assert!(directory.clear_active().unwrap());
        assert!(!directory.clear_active().unwrap());
        assert_eq!(directory.active().unwrap(), None);
    }
}
