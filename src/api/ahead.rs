//! A read that is under way before its answer is asked for: the next page travels while the last one is stored.

use super::answer::{self, Answer, Broken};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;
use ureq::Agent;
use ureq::http::Request;

pub(super) struct Ahead {
    target: String,
    started: Instant,
    thread: JoinHandle<Result<Answer, Broken>>,
}

impl Ahead {
    /// `None` where no thread is to be had: then it is asked for when it is needed.
    pub(super) fn start(agent: Agent, request: Request<()>, target: String) -> Option<Ahead> {
        let thread = Builder::new().spawn(move || answer::exchange(&agent, request, None, None)).ok()?;
        Some(Ahead { target, started: Instant::now(), thread })
    }

    /// Waits for it, within the agent's deadline. `None` where something else is asked for after all.
    pub(super) fn take(self, target: &str) -> Option<(Instant, Result<Answer, Broken>)> {
        let result = self.thread.join().ok()?;
        (self.target == target).then_some((self.started, result))
    }
}
