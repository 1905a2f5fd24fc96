//! The size of what is delivered and of what is maintained.

use crate::lines;
use crate::table::Table;
use std::path::Path;

pub fn sizes(table: &mut Table) {
    let work = "static file, everything in";
    if table.wants(work) {
        // Beside the folder of the program under test, where `make static` puts it.
        let target = Path::new(env!("CARGO_BIN_EXE_anyt")).ancestors().nth(2).unwrap_or(Path::new("target"));
        let size = std::fs::metadata(target.join("x86_64-unknown-linux-musl/static/anyt")).map(|file| file.len());
        let ours = size.map_or("not built: make static".into(), |size| format!("{size} bytes"));
        table.alone(work, &ours, "–", "≤ 3,400,000 bytes");
    }
    let work = "client code";
    if table.wants(work) {
        let count = lines::of_client(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        table.alone(work, &format!("{count} lines"), "–", "≤ 16,800 lines");
    }
}
