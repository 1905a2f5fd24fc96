//! Tasks for a server to begin with.

use crate::common::Server;
use crate::common::tempdir::TempDir;
use std::fs::File;
use std::io::{BufWriter, Write};

/// A server with so many tasks, each with a title, a description and a label.
pub fn server(count: usize) -> Server {
    let folder = TempDir::new("backlog");
    let path = folder.path().join("tasks.jsonl");
    let mut file = BufWriter::new(File::create(&path).expect("a folder of ours"));
    for n in 1..=count {
        let (hour, minute, second) = (n / 3600 % 24, n / 60 % 60, n % 60);
        writeln!(
            file,
            "{{\"number\":{n},\"title\":\"Task {n}, as long as a title is\",\"description\":\"Some words about it.\",\
             \"status\":\"todo\",\"priority\":{},\"labels\":[\"bench\"],\"created_at\":\"2026-01-01T00:00:00Z\",\
             \"updated_at\":\"2026-01-{:02}T{hour:02}:{minute:02}:{second:02}Z\"}}",
            n as i64 % 5 - 2,
            1 + n / 86400
        )
        .expect("a disk with room");
    }
    drop(file.into_inner().expect("a disk with room"));
    Server::start_importing(File::open(path).expect("just written"))
}
