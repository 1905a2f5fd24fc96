//! Answers of a server, through the real client and a real socket. The first byte says what was asked; the others are
//! the body of a 200, or with the highest bit the whole answer, head and all.
#![no_main]

use anyt::api::{Http, Options, Patience};
use anyt::model::comment::COMMENT;
use anyt::model::dependency::DEPENDENCY;
use anyt::model::label::LABEL;
use anyt::model::project::PROJECT;
use anyt::model::task::TASK;
use anyt::sync::remote::{Query, Remote};
use libfuzzer_sys::fuzz_target;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

/// What the server answers next.
static ANSWER: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static URL: OnceLock<String> = OnceLock::new();

fuzz_target!(|input: &[u8]| {
    let Some((&asked, rest)) = input.split_first() else { return };
    let mut answer = Vec::new();
    if asked & 0x80 == 0 {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", rest.len());
        answer.extend_from_slice(head.as_bytes());
        answer.extend_from_slice(b"connection: close\r\n\r\n");
    }
    answer.extend_from_slice(rest);
    *ANSWER.lock().expect("not poisoned") = answer;

    let http = Http::new(Options {
        base_url: URL.get_or_init(serve).clone(),
        secret: None,
        allow_insecure_http: false,
        ca_file: None,
        timeout: Duration::from_secs(1),
        patience: Patience { tries: 1, total: Duration::from_secs(1) },
        verbose: None,
    })
    .expect("a good address");
    match asked & 0x07 {
        0 => drop(http.account()),
        1 => drop(http.workspaces()),
        2 => drop(http.named(&PROJECT, 1)),
        3 => drop(http.members(1)),
        4 => drop(http.named(&LABEL, 1)),
        5 => {
            drop(http.rows(&TASK, 1, &Query::default()));
            drop(http.rows(&COMMENT, 1, &Query { below: Some((1, "DEV-1".into())), ..Query::default() }));
        }
        6 => drop(http.row(&TASK, 1, "DEV-1")),
        _ => drop(http.links(&DEPENDENCY, 1)),
    }
});

/// One answer a connection, until the process ends.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 8192]);
            let answer = ANSWER.lock().expect("not poisoned").clone();
            let _ = stream.write_all(&answer);
        }
    });
    url
}
