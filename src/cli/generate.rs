//! The documents made from the table: man pages and completions, one by one or all below a directory (`make docs`).

use super::complaint::shown;
use super::tree::groups;
use super::{completions, man};
use crate::error::{Error, Result};
use std::path::Path;

/// Every document: its path below the repository, and its text.
fn documents() -> Vec<(String, String)> {
    let pages = groups().map(|group| (format!("man/anyt-{}.1", group.name), man::group_page(group)));
    let completions = [
        ("completions/anyt.bash", completions::bash()),
        ("completions/_anyt", completions::zsh()),
        ("completions/anyt.fish", completions::fish()),
    ];
    let completions = completions.map(|(path, text)| (path.to_string(), text));
    [(String::from("man/anyt.1"), man::main_page())].into_iter().chain(pages).chain(completions).collect()
}

/// The completion script of a shell.
pub fn completion(shell: &str) -> Result<String> {
    match shell {
        "bash" => Ok(completions::bash()),
        "zsh" => Ok(completions::zsh()),
        "fish" => Ok(completions::fish()),
        _ => Err(Error::usage("there are completions for bash, zsh and fish")),
    }
}

/// A man page by its name: `anyt`, `anyt-task`, or `task`.
pub fn page(name: &str) -> Result<String> {
    if name == "anyt" {
        return Ok(man::main_page());
    }
    let group = groups().find(|group| group.name == name.strip_prefix("anyt-").unwrap_or(name));
    group.map(man::group_page).ok_or_else(|| {
        let pages: Vec<&str> = groups().map(|group| group.name).collect();
        Error::usage(format!("there is no man page '{}'", shown(name)))
            .hint(format!("there are: anyt, {}", pages.join(", ")))
    })
}

/// Writes every document below `root`, making man/ and completions/ when they are missing.
pub fn write_documents(root: &Path) -> Result<()> {
    for (path, text) in documents() {
        let path = root.join(path);
        let folder = path.parent().unwrap_or(root);
        std::fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
        std::fs::write(&path, text).map_err(|error| Error::io("write", &path, error))?;
    }
    Ok(())
}
