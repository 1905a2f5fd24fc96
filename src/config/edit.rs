//! Changes of config.json: lock → read again → edit the bytes of one member → replace the file. A damaged file is never
//! overwritten, and two commands at once both find their change in the file.

use crate::error::Result;
use crate::json::{self, Fault};
use crate::origin::{is_same_server, origin};
use crate::paths::{EnvName, Paths, create_private_dir};
use crate::replace::{clear_leftovers, exclusively, replace};

use super::{Config, damaged, read};

/// Adds an environment, or gives one that exists another address; the first one becomes the current one. A token stored
/// for another address is not sent to the new one (`credentials`), and leave to send it in clear text, `clear_text`, is
/// given anew.
pub fn add_environment(paths: &Paths, name: &EnvName, api_url: &str, clear_text: bool) -> Result<()> {
    let address = origin(api_url)?;
    edit(paths, |text, config| {
        let named = json::set_member(text, &["environments", name.as_str(), "api_url"], &json::quote(api_url))?;
        let leave = ["environments", name.as_str(), "allow_insecure_http"];
        let stays = config.environment(name.as_str()).is_some_and(|known| is_same_server(&known.api_url, &address));
        let named = match (clear_text, stays) {
            (true, _) => json::set_member(&named, &leave, "true")?,
            (false, true) => named,
            (false, false) => json::remove_member(&named, &leave)?,
        };
        let first = config.current_environment.is_none();
        if first { set_text(&named, &["current_environment"], Some(name.as_str())) } else { Ok(named) }
    })
}

/// Takes an environment out; also as the current one. `Error::Failure` if there is none of that name.
pub fn remove_environment(paths: &Paths, name: &str) -> Result<()> {
    known(paths, name)?;
    edit(paths, |text, config| {
        let removed = json::remove_member(text, &["environments", name])?;
        let current = config.current_environment.as_deref() == Some(name);
        if current { json::remove_member(&removed, &["current_environment"]) } else { Ok(removed) }
    })
}

/// Makes an environment the current one.
pub fn switch(paths: &Paths, name: &str) -> Result<()> {
    known(paths, name)?;
    edit(paths, |text, _| set_text(text, &["current_environment"], Some(name)))
}

/// The workspace (identifier) that commands in this environment are about unless told otherwise; `None` forgets it.
pub fn set_default_workspace(paths: &Paths, name: &str, workspace: Option<&str>) -> Result<()> {
    known(paths, name)?;
    edit(paths, |text, _| set_text(text, &["environments", name, "default_workspace"], workspace))
}

/// The project of new tasks in this environment; `None` forgets it.
pub fn set_default_project(paths: &Paths, name: &str, project: Option<&str>) -> Result<()> {
    known(paths, name)?;
    edit(paths, |text, _| set_text(text, &["environments", name, "default_project"], project))
}

/// Any other member, as raw JSON: `["sync", "merge"]`, `"false"`; `None` removes it.
pub fn set_setting(paths: &Paths, path: &[&str], value: Option<&str>) -> Result<()> {
    edit(paths, |text, _| match value {
        Some(value) => json::set_member(text, path, value),
        None => json::remove_member(text, path),
    })
}

/// Changes config.json under its lock. `change` gets the text as it is then, and what it says, and returns the new text;
/// it is asked once more before, without the lock, which is taken only if there is something to change. The file is touched
/// only if it still reads as a configuration.
pub fn edit(paths: &Paths, mut change: impl FnMut(&str, &Config) -> Result<String, Fault>) -> Result<()> {
    let path = paths.config_file();
    let mut changed = || {
        let old = read(&path)?;
        let text = old.as_deref().unwrap_or(EMPTY);
        let config = Config::parse(text, &path)?;
        let new = change(text, &config).map_err(|fault| damaged(&path, &fault))?;
        Config::parse(&new, &path)?;
        Ok((new != text).then_some(new))
    };
    if changed()?.is_none() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        create_private_dir(folder)?;
    }
    exclusively(&paths.config_lock_file(), || {
        clear_leftovers(&path);
        changed()?.map_or(Ok(()), |new| replace(&path, new.as_bytes()))
    })
}

/// The text of a file that is not there.
const EMPTY: &str = "{}\n";

fn set_text(text: &str, path: &[&str], value: Option<&str>) -> Result<String, Fault> {
    match value {
        Some(value) => json::set_member(text, path, &json::quote(value)),
        None => json::remove_member(text, path),
    }
}

fn known(paths: &Paths, name: &str) -> Result<()> {
    let config = Config::load(paths)?;
    if config.environment(name).is_some() {
        return Ok(());
    }
    Err(super::resolve::unknown(&config, name))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::testing::Folder;
    use crate::vars::Vars;

    fn paths_in(folder: &Folder) -> Paths {
        Paths::from_vars(&Vars { home: Some(folder.root().into()), ..Vars::default() }).unwrap()
    }

    fn content(paths: &Paths) -> String {
        std::fs::read_to_string(paths.config_file()).unwrap()
    }

    #[test]
    fn environments_come_switch_and_go() {
        let folder = Folder::new();
        let paths = paths_in(&folder);
        let name = |text| EnvName::parse(text).unwrap();
        add_environment(&paths, &name("dev"), "http://localhost:8000", false).unwrap();
        add_environment(&paths, &name("prod"), "https://api.anyt.dev", false).unwrap();
        assert_eq!(Config::load(&paths).unwrap().current_environment.as_deref(), Some("dev"));
        switch(&paths, "prod").unwrap();
        set_default_workspace(&paths, "prod", Some("DEV")).unwrap();
        set_setting(&paths, &["sync", "merge"], Some("false")).unwrap();
        let config = Config::load(&paths).unwrap();
        assert_eq!(config.current_environment.as_deref(), Some("prod"));
        assert_eq!(config.environment("prod").unwrap().default_workspace.as_deref(), Some("DEV"));
        assert_eq!(config.sync.merge, Some(false));
        remove_environment(&paths, "prod").unwrap();
        let config = Config::load(&paths).unwrap();
        assert_eq!((config.environments.len(), config.current_environment), (1, None));
        assert!(switch(&paths, "prod").unwrap_err().to_string().contains("prod"));
        assert!(add_environment(&paths, &name("x"), "ftp://x", false).is_err());
    }

    #[test]
    fn every_other_byte_survives() {
        let folder = Folder::new();
        let paths = paths_in(&folder);
        let text = "\u{feff}{\r\n\t\"z\": 1.0e2,\r\n\t\"environments\": {\r\n\t\t\"dev\": {\"api_url\": \"http://h\"}\r\n\t},\r\n\
                    \t\"current_environment\": \"dev\",\r\n\t\"big\": 123456789012345678901234567890\r\n}";
        create_private_dir(paths.config_file().parent().unwrap()).unwrap();
        std::fs::write(paths.config_file(), text).unwrap();
        set_default_workspace(&paths, "dev", Some("DEV")).unwrap();
        let expected = text.replace("\"http://h\"", "\"http://h\",\"default_workspace\": \"DEV\"");
        assert_eq!(content(&paths), expected);
        set_default_workspace(&paths, "dev", None).unwrap();
        assert_eq!(content(&paths), text);
    }

    #[test]
    fn a_damaged_file_is_never_overwritten() {
        let folder = Folder::new();
        let paths = paths_in(&folder);
        create_private_dir(paths.config_file().parent().unwrap()).unwrap();
        for text in ["{ // note\n}", "", "{\"environments\": 5}"] {
            std::fs::write(paths.config_file(), text).unwrap();
            let error = add_environment(&paths, &EnvName::parse("dev").unwrap(), "http://h", false).unwrap_err();
            assert!(error.to_string().contains("config.json: line 1"), "{error}");
            assert_eq!(content(&paths), text);
        }
    }

    #[test]
    fn changes_at_once_are_all_there() {
        let folder = Folder::new();
        let paths = paths_in(&folder);
        std::thread::scope(|scope| {
            for number in 0..8 {
                let paths = &paths;
                scope.spawn(move || {
                    let name = EnvName::parse(&format!("e{number}")).unwrap();
                    add_environment(paths, &name, "http://h", false).unwrap();
                });
            }
        });
        assert_eq!(Config::load(&paths).unwrap().environments.len(), 8);
    }
}
