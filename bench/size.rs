//! The size of what is delivered and of what is maintained.

use crate::lines;
use crate::table::Table;
use std::path::{Path, PathBuf};

/// What is delivered, where `make static` has put it: beside the folder of the program under test.
pub fn static_file() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_anyt")).ancestors().nth(2)?;
    Some(target.join("x86_64-unknown-linux-musl/static/anyt")).filter(|path| path.is_file())
}

pub fn sizes(table: &mut Table) {
    let work = "static file, everything in";
    if table.wants(work) {
        let size = static_file().and_then(|path| Some(std::fs::metadata(path).ok()?.len()));
        let ours = size.map_or("not built: make static".into(), |size| format!("{size} bytes"));
        table.alone(work, &ours, "–", "≤ 3,400,000 bytes");
    }
    let work = "client code";
    if table.wants(work) {
        let count = lines::of_client(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        table.alone(work, &format!("{count} lines"), "–", "≤ 16,800 lines");
    }
}
