//! How many lines of code the client has: `src` without `src/server`, outside `#[cfg(test)]`, neither blank nor comment.
//! It reads what rustfmt has laid out: an item ends where a line has its first line's indentation again.

use std::path::{Path, PathBuf};

pub fn of_client(src: &Path) -> usize {
    let roots = ["lib.rs", "main.rs"].map(|root| src.join(root));
    roots.iter().map(|root| of_module(root, &src.join("server"))).sum()
}

/// A file and the modules that it declares: a module that only tests have is never reached.
fn of_module(file: &Path, left_out: &Path) -> usize {
    let Ok(text) = std::fs::read_to_string(file) else { return 0 };
    let code = without_tests(&text);
    let declared = code.iter().filter_map(|line| module(line)).map(|name| place(file, name));
    let below: usize = declared.filter(|path| !path.starts_with(left_out)).map(|path| of_module(&path, left_out)).sum();
    code.iter().filter(|line| is_code(line)).count() + below
}

fn is_code(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}

/// `NAME` of `mod NAME;`
fn module(line: &str) -> Option<&str> {
    let declaration = line.trim_start().strip_suffix(';')?;
    let (visibility, name) = declaration.split_once("mod ")?;
    let is_visibility = visibility.is_empty() || visibility.starts_with("pub");
    (is_visibility && !name.contains(' ')).then_some(name)
}

/// Where the module of this name is.
fn place(file: &Path, name: &str) -> PathBuf {
    let folder = file.parent().expect("a file is in a folder");
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let folder = if ["lib", "main", "mod"].contains(&stem) { folder.to_path_buf() } else { folder.join(stem) };
    let beside = folder.join(format!("{name}.rs"));
    if beside.is_file() { beside } else { folder.join(name).join("mod.rs") }
}

fn without_tests(text: &str) -> Vec<&str> {
    let mut lines = text.lines();
    let mut kept = Vec::new();
    while let Some(line) = lines.next() {
        if ["#[cfg(test)]", "#[cfg(all(test,"].iter().any(|attribute| line.trim_start().starts_with(attribute)) {
            skip_item(line, &mut lines);
        } else {
            kept.push(line);
        }
    }
    kept
}

/// Leaves out the item that the attribute stands before.
fn skip_item<'a>(attribute: &str, lines: &mut impl Iterator<Item = &'a str>) {
    let indentation = attribute.len() - attribute.trim_start().len();
    for line in lines {
        let is_attribute = line.trim_start().starts_with("#[");
        let is_level = line.len() - line.trim_start().len() == indentation;
        if is_level && !is_attribute && (line.ends_with(['}', ';', ','])) {
            return;
        }
    }
}
