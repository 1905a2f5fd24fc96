//! Copies of config.json, such as editors and careful people make, that still hold a token: named, never deleted.

use crate::gather::Gather;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::replace::target_of;

use super::Secret;

/// Bytes; what is longer is no copy of a config.json.
const LONGEST: u64 = 1 << 20;

/// A line for each file, beside config.json and beside the file that it is a link to, that has one of these secrets in it,
/// or that reads as a config.json (which may spell a secret with escapes) and has a token of one of these environments.
pub fn named(config_file: &Path, environments: &[&str], secrets: &[&Secret]) -> Vec<String> {
    let target = target_of(config_file).unwrap_or_else(|_| config_file.to_path_buf());
    let folders: BTreeSet<&Path> = [config_file, &target].into_iter().filter_map(Path::parent).gather();
    let files = folders.into_iter().flat_map(std::fs::read_dir).flatten().flatten().map(|entry| entry.path());
    let held: BTreeSet<PathBuf> = files
        .filter(|path| path != config_file && *path != target)
        .filter(|path| {
            let content = content(path);
            has_secret(&content, secrets) || has_token(&content, path, environments)
        })
        .gather();
    let notice = |path: PathBuf| {
        format!("{} still holds a token: remove it, and rotate the token if it was ever copied", path.display())
    };
    held.into_iter().map(notice).collect()
}

/// Nothing where it is not a file of a likely size, or cannot be read.
fn content(path: &Path) -> Vec<u8> {
    let likely = std::fs::symlink_metadata(path).is_ok_and(|file| file.is_file() && file.len() < LONGEST);
    if likely { std::fs::read(path).unwrap_or_default() } else { Vec::new() }
}

fn has_secret(content: &[u8], secrets: &[&Secret]) -> bool {
    let holds = |secret: &[u8]| !secret.is_empty() && content.windows(secret.len()).any(|window| window == secret);
    secrets.iter().any(|secret| holds(secret.expose().as_bytes()))
}

fn has_token(content: &[u8], path: &Path, environments: &[&str]) -> bool {
    let config = std::str::from_utf8(content).ok().and_then(|text| Config::parse(text, path).ok()).unwrap_or_default();
    environments.iter().filter_map(|name| config.environment(name)).any(|known| known.has_plaintext())
}
