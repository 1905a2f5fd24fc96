//! Somebody else's server, which should hear nothing and keeps what it hears.

use super::accept::Acceptor;
use super::http::{self, Message};
use std::io::{BufReader, Write};
use std::sync::{Arc, Mutex};

/// Keeps every request and answers each with an empty list.
pub struct Stranger {
    acceptor: Acceptor,
    heard: Arc<Mutex<Vec<Message>>>,
}

impl Stranger {
    pub fn start() -> Stranger {
        let reply = Message::reply(200, "application/json", "[]");
        let heard: Arc<Mutex<Vec<Message>>> = Arc::default();
        let into = heard.clone();
        let acceptor = Acceptor::start(move |stream, _| {
            let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
            let mut stream = stream;
            while let Ok(Some(request)) = http::read(&mut reader) {
                into.lock().expect("no thread panics holding it").push(request);
                let _ = stream.write_all(&reply.bytes());
            }
        });
        Stranger { acceptor, heard }
    }

    pub fn port(&self) -> u16 {
        self.acceptor.door().address().port()
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    pub fn heard(&self) -> Vec<Message> {
        self.heard.lock().expect("no thread panics holding it").clone()
    }

    #[track_caller]
    pub fn assert_heard_nothing(&self, case: &str) {
        let heard: Vec<_> =
            self.heard().iter().map(|request| format!("{} {:?}", request.start, request.headers)).collect();
        assert!(heard.is_empty(), "{case}: {heard:?}");
    }
}
