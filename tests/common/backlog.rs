//! The real backlog (data/README.md), when it is in reach: 5,722 tasks of a public project, 2,403 of them live.

use super::json::{self, Value};
use super::skip::skip;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Tasks that are not deleted.
pub const LIVE: usize = 2_403;
pub const ALL: usize = 5_722;

/// Where it is: `../shared/data` beside the checkout, or the folder that `ANYT_TEST_DATA` names. A test that gets
/// nothing has been named on stderr as skipped and is done.
pub fn path() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folders = std::env::var_os("ANYT_TEST_DATA").map(PathBuf::from).into_iter().chain([beside]);
    let found = folders.map(|folder| folder.join("backlog.jsonl.gz")).find(|file| file.exists());
    if found.is_none() {
        skip("no backlog.jsonl.gz in ../shared/data; name its folder with ANYT_TEST_DATA");
    }
    found
}

/// Its lines as a stream, for a server's `--import -`.
pub fn stream() -> Option<Stdio> {
    let unzip = Command::new("gzip").arg("-dc").arg(path()?).stdout(Stdio::piped()).spawn();
    Some(unzip.expect("gzip is installed").stdout.take().expect("it was piped").into())
}

/// Its tasks.
pub fn tasks() -> Option<Vec<Value>> {
    let unzipped = Command::new("gzip").arg("-dc").arg(path()?).output().expect("gzip is installed");
    let text = String::from_utf8(unzipped.stdout).expect("the backlog is UTF-8");
    Some(text.lines().map(json::parse).collect())
}
