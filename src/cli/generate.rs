//! The documents made from the table: man pages and completions, one by one or all below a directory (`make docs`).

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

/// One document by its name on the command line: `man`, `man-task`, `bash`, `zsh`, `fish`.
pub fn document(what: &str) -> Result<String> {
    match what {
        "man" => return Ok(man::main_page()),
        "bash" => return Ok(completions::bash()),
        "zsh" => return Ok(completions::zsh()),
        "fish" => return Ok(completions::fish()),
        _ => {}
    }
    let group = what.strip_prefix("man-").and_then(|name| groups().find(|group| group.name == name));
    group.map(man::group_page).ok_or_else(|| {
        let pages: Vec<String> = groups().map(|group| format!("man-{}", group.name)).collect();
        Error::usage(format!("nothing to generate is called '{what}'"))
            .hint(format!("known: man, {}, bash, zsh, fish, all DIR", pages.join(", ")))
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
