//! The threads that talk to the database: one that writes, a few that read. A request waits in a queue, not in a thread,
//! and whoever waits for something else (a slow client) waits elsewhere.
//!
//! The writer commits in groups: what has queued up while the last group went to the disk becomes one transaction, each
//! request in a savepoint of its own. No answer leaves before its group is on the disk, and a request that fails takes
//! back only itself.

use super::{Store, count_change, held, read, schema};
use crate::metrics::METRICS;
use crate::problem::{Outcome, Problem};
use crate::{http::Response, log};
use rusqlite::{Connection, InterruptHandle};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What a request does with the database, inside its transaction.
pub type Work = Box<dyn FnOnce(&Connection) -> Outcome<Response> + Send>;

/// More requests than this waiting for one kind of connection are refused.
const LONGEST_QUEUE: usize = 2_000;

/// A request that has waited and worked for this long is answered with 503.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A group of writes ends with so many requests or after that time, whichever comes first.
const LARGEST_GROUP: usize = 200;
const LONGEST_GROUP: Duration = Duration::from_millis(25);

/// Readers that never pause keep SQLite from starting its log over; from this size in bytes on the writer waits for such a
/// moment, now and then and not for long.
const LARGEST_LOG: u64 = 64 << 20;
const LOG_PATIENCE: Duration = Duration::from_millis(30);

struct Job {
    work: Work,
    /// `None` where nobody waits for one.
    answer: Option<oneshot::Sender<Outcome<Response>>>,
    /// What it writes is in no answer that has a validator: the clock stands still.
    is_aside: bool,
}

impl Job {
    /// Whoever asked may have given up meanwhile.
    fn is_wanted(&self) -> bool {
        self.answer.as_ref().is_none_or(|answer| !answer.is_closed())
    }
}

/// A connection that reads, and since when it has been at the request that it runs now.
struct Reader {
    since: Mutex<Option<Instant>>,
    interrupt: InterruptHandle,
}

pub struct Workers {
    store: Arc<Store>,
    readers: Vec<Arc<Reader>>,
    reads: Arc<Queue>,
    writes: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    failing: Arc<AtomicBool>,
}

impl Workers {
    pub fn start(store: Arc<Store>) -> std::io::Result<Workers> {
        let (reads, writes) = (Arc::new(Queue::default()), Arc::new(Queue::default()));
        let failing = Arc::new(AtomicBool::new(false));
        let (mut threads, mut readers) = (Vec::new(), Vec::new());
        for (number, connection) in store.readers.iter().enumerate() {
            let interrupt = held(connection).get_interrupt_handle();
            let reader = Arc::new(Reader { since: Mutex::new(None), interrupt });
            readers.push(Arc::clone(&reader));
            let (store, queue) = (Arc::clone(&store), Arc::clone(&reads));
            threads.push(thread("reader", move || read_all(&store.readers[number], &reader, &queue))?);
        }
        let writer =
            Writer { store: Arc::clone(&store), queue: Arc::clone(&writes), failing: Arc::clone(&failing), commits: 0 };
        threads.push(thread("writer", move || writer.run())?);
        Ok(Workers { store, readers, reads, writes, threads: Mutex::new(threads), failing })
    }

    /// Runs what only reads: one consistent view.
    pub async fn read(&self, work: Work) -> Outcome<Response> {
        self.wait(if self.store.readers.is_empty() { &self.writes } else { &self.reads }, work).await
    }

    /// Runs what may write: all of it is kept, on the disk, or on an error none.
    pub async fn write(&self, work: Work) -> Outcome<Response> {
        self.wait(&self.writes, work).await
    }

    async fn wait(&self, queue: &Queue, work: Work) -> Outcome<Response> {
        let (answer, answered) = oneshot::channel();
        if !queue.push(Job { work, answer: Some(answer), is_aside: false }) {
            return Err(Problem::busy("too many requests are waiting for the database, try again"));
        }
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Problem::busy("the server is stopping")),
            Err(_) => Err(Problem::busy("the database took too long, try again")),
        }
    }

    /// Whether the last group of writes could not be kept, or a thread has ended that should not.
    pub fn is_failing(&self) -> bool {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        self.failing.load(Ordering::Relaxed) || threads.iter().any(JoinHandle::is_finished)
    }

    /// Runs a write that no answer depends on, some time soon; without it where too many wait.
    pub fn write_aside(&self, work: Work) {
        self.writes.push(Job { work, answer: None, is_aside: true });
    }

    /// Has the writer try again whether it can write; its result shows in `is_failing`.
    pub fn try_to_write(&self) {
        let work: Work = Box::new(|connection| {
            super::clock::tick(connection)?;
            Ok(Response::no_content())
        });
        self.writes.push(Job { work, answer: None, is_aside: false });
    }

    /// Interrupts reads whose clients have been told that they took too long.
    pub fn end_long_reads(&self) {
        for reader in &self.readers {
            let since = reader.since.lock().unwrap_or_else(PoisonError::into_inner);
            // While this is locked no other request begins on that connection.
            if since.is_some_and(|since| since.elapsed() > PATIENCE) {
                reader.interrupt.interrupt();
            }
        }
    }

    pub fn waiting(&self) -> (usize, usize) {
        (self.reads.len(), self.writes.len())
    }

    /// Finishes what is queued, ends the threads, and leaves the whole database in its one file.
    pub fn stop(&self) {
        self.reads.close();
        self.writes.close();
        for thread in self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = thread.join();
        }
        if let Err(error) = self.store.checkpoint() {
            log::event(&format!("database: the write-ahead log stays beside the file: {error}"));
        }
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(work)
}

fn read_all(connection: &Mutex<Connection>, reader: &Reader, queue: &Queue) {
    let note = |since| *reader.since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    while let Some(job) = queue.pop() {
        if job.is_wanted() {
            note(Some(Instant::now()));
            let outcome = guarded(|| read(&mut held(connection), job.work));
            note(None);
            send(job.answer, outcome);
        }
    }
}

/// Whoever asked may have gone.
fn send(answer: Option<oneshot::Sender<Outcome<Response>>>, outcome: Outcome<Response>) {
    if let Some(answer) = answer {
        let _ = answer.send(outcome);
    }
}

/// A panic is an answer too: 500 (and a line in the log, by the hook that `log::start` sets). It ends no thread.
pub fn guarded(work: impl FnOnce() -> Outcome<Response>) -> Outcome<Response> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        METRICS.panics.add(1);
        Err(Problem::new(500, "a fault in the server; its log says more"))
    })
}

struct Writer {
    store: Arc<Store>,
    queue: Arc<Queue>,
    failing: Arc<AtomicBool>,
    commits: u64,
}

/// The requests of a group with what has become of them.
type Group = Vec<(Option<oneshot::Sender<Outcome<Response>>>, Outcome<Response>)>;

impl Writer {
    fn run(mut self) {
        while let Some(job) = self.queue.pop() {
            let mut group = Group::new();
            let kept = self.group(job, &mut group);
            self.failing.store(kept.is_err(), Ordering::Relaxed);
            METRICS.writes.add(group.len() as u64);
            METRICS.commits.add(1);
            let trouble = kept.err();
            for (answer, outcome) in group {
                // Nothing of a group that could not be kept was done, whatever its requests were told.
                let outcome = match &trouble {
                    Some(problem) if outcome.is_ok() => Err(problem.clone()),
                    _ => outcome,
                };
                send(answer, outcome);
            }
            self.start_log_over();
        }
    }

    /// Runs this job and those that wait behind it in one transaction.
    fn group(&self, first: Job, group: &mut Group) -> Outcome<()> {
        let started = Instant::now();
        let connection = held(&self.store.writer);
        if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
            group.push((first.answer, Ok(Response::no_content())));
            return Err(error.into());
        }
        let mut before = connection.total_changes();
        let mut next = Some(first);
        while let Some(job) = next {
            if job.is_wanted() {
                let at = connection.total_changes();
                let outcome = in_savepoint(&connection, job.work);
                if job.is_aside {
                    before += connection.total_changes() - at;
                }
                group.push((job.answer, outcome));
            }
            if connection.is_autocommit() {
                // A full disk and the like roll everything back at once; the request that met it says what it was.
                let met = group.last().and_then(|(_, outcome)| outcome.as_ref().err());
                return Err(met.cloned().unwrap_or_else(|| Problem::new(500, "the server's database failed")));
            }
            let more = group.len() < LARGEST_GROUP && started.elapsed() < LONGEST_GROUP;
            next = if more { self.queue.try_pop() } else { None };
        }
        let kept = count_change(&connection, before).and_then(|()| connection.execute_batch("COMMIT"));
        if kept.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        Ok(kept?)
    }

    fn start_log_over(&mut self) {
        self.commits += 1;
        if self.commits.is_multiple_of(256) && self.store.location.log_size() > LARGEST_LOG {
            let connection = held(&self.store.writer);
            let _ = connection.busy_timeout(LOG_PATIENCE);
            let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            let _ = connection.busy_timeout(schema::BUSY_TIMEOUT);
        }
    }
}

fn in_savepoint(connection: &Connection, work: Work) -> Outcome<Response> {
    connection.execute_batch("SAVEPOINT request")?;
    let mut outcome = guarded(|| work(connection));
    if !connection.is_autocommit() {
        let end = if outcome.is_ok() { "RELEASE request" } else { "ROLLBACK TO request; RELEASE request" };
        if let Err(error) = connection.execute_batch(end) {
            outcome = Err(Problem::from(error));
        }
    }
    outcome
}

/// Jobs in the order in which they came.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    /// `false` when there are too many already, or no more are taken.
    fn push(&self, job: Job) -> bool {
        let mut state = self.state();
        if state.closed || state.jobs.len() >= LONGEST_QUEUE {
            return false;
        }
        state.jobs.push_back(job);
        self.changed.notify_one();
        true
    }

    /// Waits for one; `None` when the queue is closed and empty.
    fn pop(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn try_pop(&self) -> Option<Job> {
        self.state().jobs.pop_front()
    }

    fn len(&self) -> usize {
        self.state().jobs.len()
    }

    fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema::Location;

    fn answers(works: Vec<Work>) -> Vec<Outcome<Response>> {
        let store = Arc::new(Store::open(&Location::Memory).expect("a database in memory"));
        let queue = Arc::new(Queue::default());
        // All are queued before the writer starts: they become one group.
        let receivers: Vec<_> = works
            .into_iter()
            .map(|work| {
                let (answer, answered) = oneshot::channel();
                assert!(queue.push(Job { work, answer: Some(answer), is_aside: false }));
                answered
            })
            .collect();
        queue.close();
        Writer { store: Arc::clone(&store), queue, failing: Arc::default(), commits: 0 }.run();
        receivers.into_iter().map(|receiver| receiver.blocking_recv().expect("an answer")).collect()
    }

    fn keep(name: &'static str) -> Work {
        Box::new(move |connection| {
            connection.execute("INSERT INTO secrets (name, value) VALUES (?1, x'')", [name])?;
            let count = connection.query_row("SELECT count(*) FROM secrets", [], |row| row.get::<_, u16>(0))?;
            Ok(Response { status: count, ..Response::no_content() })
        })
    }

    #[test]
    fn a_request_that_fails_takes_back_only_itself() {
        let fail: Work = Box::new(|connection| {
            keep("b")(connection)?;
            Err(Problem::new(422, "no"))
        });
        let panic: Work = Box::new(|connection| {
            keep("c")(connection)?;
            panic!("a fault");
        });
        let statuses: Vec<u16> = answers(vec![keep("a"), fail, panic, keep("d")])
            .into_iter()
            .map(|outcome| outcome.map_or_else(|problem| problem.status, |response| response.status))
            .collect();
        assert_eq!(statuses, [1, 422, 500, 2]);
    }

    #[test]
    fn a_group_that_is_rolled_back_was_kept_for_nobody() {
        let roll_back: Work = Box::new(|connection| {
            connection.execute_batch("ROLLBACK")?;
            Ok(Response::no_content())
        });
        let statuses: Vec<u16> = answers(vec![keep("a"), roll_back])
            .into_iter()
            .map(|outcome| outcome.map_or_else(|problem| problem.status, |response| response.status))
            .collect();
        assert_eq!(statuses, [500, 500]);
    }
}
