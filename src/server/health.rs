//! Whether the server is well. A thread looks at the database and its disk every second; whoever asks reads what it saw
//! last, and waits for nothing.

use crate::store::schema::{self, Location};
use crate::store::workers::Workers;
use crate::store::{Store, clock};
use rusqlite::Connection;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_secs(1);

/// A look that is older than this was not finished: the database or the disk does not answer.
const STALE: Duration = Duration::from_secs(5);

/// Less room than this on the disk, in bytes, and writes are about to fail.
const LEAST_ROOM: u64 = 16 << 20;

pub struct Health {
    looked: Mutex<Instant>,
    database: AtomicBool,
    writes: AtomicBool,
    /// In bytes; `u64::MAX` for a database in memory.
    room: AtomicU64,
    /// Dropping it ends the thread.
    watcher: Mutex<Option<(SyncSender<()>, JoinHandle<()>)>>,
}

/// What `Health` knows at one moment.
pub struct Report {
    /// `healthy`, or what is the matter.
    pub database: &'static str,
    pub disk: &'static str,
    /// In bytes.
    pub room: Option<u64>,
}

impl Report {
    pub fn is_healthy(&self) -> bool {
        self.database == "healthy" && self.disk == "healthy"
    }
}

impl Health {
    /// Looks once now, and from then on in a thread.
    pub fn watch(store: &Store, workers: &Arc<Workers>) -> std::io::Result<Arc<Health>> {
        let health = Arc::new(Health {
            looked: Mutex::new(Instant::now()),
            database: AtomicBool::new(true),
            writes: AtomicBool::new(true),
            room: AtomicU64::new(u64::MAX),
            watcher: Mutex::new(None),
        });
        let Location::File(_) = store.location() else { return Ok(health) };
        let location = store.location().clone();
        let connection = schema::open_reader(&location).ok();
        health.look(&location, connection.as_ref());
        let (stop, stopped) = sync_channel(1);
        let (watched, workers) = (Arc::clone(&health), Arc::clone(workers));
        let thread = std::thread::Builder::new().name("health".into()).spawn(move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                // A disk that was full may have room again, and no request may come to find out.
                if workers.is_failing() {
                    workers.try_to_write();
                }
                workers.end_long_reads();
                watched.writes.store(!workers.is_failing(), Ordering::Relaxed);
                watched.look(&location, connection.as_ref());
            }
        })?;
        *health.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some((stop, thread));
        Ok(health)
    }

    fn look(&self, location: &Location, connection: Option<&Connection>) {
        let Location::File(path) = location else { return };
        let there = std::fs::metadata(path).is_ok();
        let answers = connection.is_some_and(|connection| clock::last(connection).is_ok());
        self.database.store(there && answers, Ordering::Relaxed);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let disk = rustix::fs::statvfs(folder.unwrap_or(std::path::Path::new(".")));
        self.room.store(disk.map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize)), Ordering::Relaxed);
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Ends the thread and closes its connection.
    pub fn stop(&self) {
        if let Some((stop, thread)) = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take() {
            drop(stop);
            let _ = thread.join();
        }
    }

    pub fn report(&self) -> Report {
        let room = Some(self.room.load(Ordering::Relaxed)).filter(|room| *room != u64::MAX);
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let database = if room.is_some() && looked.elapsed() > STALE {
            "does not answer"
        } else if !self.database.load(Ordering::Relaxed) {
            "cannot be read"
        } else if !self.writes.load(Ordering::Relaxed) {
            "cannot be written"
        } else {
            "healthy"
        };
        let disk = if room.is_some_and(|room| room < LEAST_ROOM) { "full" } else { "healthy" };
        Report { database, disk, room }
    }
}
