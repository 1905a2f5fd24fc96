//! The same requests once more by curl, on one connection: what the network and the server take of a piece of work.

use crate::common::Server;
use crate::common::proxy::Exchange;
use crate::common::tempdir::TempDir;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::Command;

pub struct Replay {
    folder: TempDir,
    expected: Vec<u16>,
}

/// What belongs to the connection and not to the request.
const CURLS_OWN: [&str; 5] = ["host", "content-length", "connection", "transfer-encoding", "accept-encoding"];

impl Replay {
    /// These requests, to this server. Answers are kept as files where a yardstick reads them.
    pub fn of(log: &[Exchange], server: &Server) -> Replay {
        let folder = TempDir::new("replay");
        let mut config = String::new();
        for request in log {
            let mut option = |name: &str, value: &str| {
                let quoted = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                writeln!(config, "{name} = \"{quoted}\"").expect("memory takes text");
            };
            option("url", &(server.url() + &request.target));
            option("request", &request.method);
            for (name, value) in &request.headers {
                if !CURLS_OWN.contains(&name.to_ascii_lowercase().as_str()) {
                    option("header", &format!("{name}: {value}"));
                }
            }
            if !request.body.is_empty() {
                option("data-binary", &String::from_utf8_lossy(&request.body));
            }
            option("output", "/dev/null");
            option("write-out", "%{http_code} %{local_port}\n");
            config.push_str("silent\nnext\n");
        }
        std::fs::write(folder.path().join("requests"), config.trim_end_matches("next\n")).expect("our own folder");
        Replay { folder, expected: log.iter().filter_map(|request| request.status).collect() }
    }

    /// curl, for a shell or alone.
    pub fn script(&self) -> String {
        format!("curl -q -K '{0}/requests' >'{0}/answers'", self.folder.path().display())
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec {}", self.script())]);
        command
    }

    /// It was the same work: every answer had the status that the client got, all on one connection.
    pub fn assert_done(&self) {
        let answers = std::fs::read_to_string(self.folder.path().join("answers")).expect("curl wrote it");
        let lines = answers.lines().map(|line| line.split_once(' ').expect("two words"));
        let (statuses, ports): (Vec<&str>, BTreeSet<&str>) = lines.unzip();
        let expected: Vec<String> = self.expected.iter().map(ToString::to_string).collect();
        assert_eq!(statuses, expected);
        assert_eq!(ports.len(), 1, "more than one connection");
    }
}
