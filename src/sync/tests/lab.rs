//! A laboratory for the engine: one client's store, the server, and a clock that both go by.

use crate::error::Result;
use crate::model::task::TASK;
use crate::model::{Field, Operation, Patch, Row, Value};
use crate::store::{Files, Store};
use crate::sync::choose::Choice;
use crate::sync::edits;
use crate::sync::fake::{FakeRemote, RecordingReporter, ScriptedPrompter};
use crate::sync::report::Summary;
use crate::sync::{Engine, Mode, Options, Policy};
use crate::time::testing;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub struct Lab {
    pub folder: PathBuf,
    pub store: Store,
    pub server: FakeRemote,
    pub prompter: ScriptedPrompter,
    pub reporter: RecordingReporter,
    /// The one workspace.
    pub dev: i64,
}

pub fn text(value: &str) -> Value {
    Value::Text(value.into())
}

pub fn patch<const N: usize>(values: [(Field, &str); N]) -> Patch {
    values.into_iter().map(|(field, value)| (field, text(value))).collect()
}

fn files(folder: &Path) -> Files {
    let at = |name: &str| folder.join(name);
    Files {
        cache: at("cache/cache.db"),
        queue: at("state/queue.jsonl"),
        discarded: at("state/discarded.jsonl"),
        old_journal: at("state/journal.jsonl"),
        old_discarded: at("state/discarded"),
        old_drafts: at("state/drafts"),
    }
}

impl Lab {
    /// A client that has synced once with a server that has `tasks` tasks `t 0`, `t 1`, …
    pub fn new(server: FakeRemote, tasks: usize) -> Lab {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("anyt-lab-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        // Where there is no disk, nobody waits for it: what a power cut leaves is tested elsewhere.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { memory.join(name) } else { std::env::temp_dir().join(name) };
        let dev = server.workspace("DEV");
        for number in 0..tasks {
            server.create(dev, &format!("t {number}"));
        }
        let store = Store::open(&files(&folder)).expect("a new store");
        let (prompter, reporter) = Default::default();
        let mut lab = Lab { folder, store, server, prompter, reporter, dev };
        lab.sync();
        lab.server.forget_log();
        lab.reporter.events.clear();
        lab
    }

    /// Another client with the same files, as a copied home has them.
    pub fn clone_files(&self) -> PathBuf {
        let to = self.folder.with_extension("copy");
        copy(&self.folder, &to);
        to
    }

    pub fn reopen(&mut self) {
        self.store = Store::open(&files(&self.folder)).expect("the store");
    }

    pub fn put_back(&mut self, copy_of: &Path) {
        let _ = std::fs::remove_dir_all(&self.folder);
        copy(copy_of, &self.folder);
        self.reopen();
    }

    /// The cache alone, as a restored ~/.cache has it.
    pub fn put_back_cache(&mut self, copy_of: &Path) {
        let _ = std::fs::remove_dir_all(self.folder.join("cache"));
        copy(&copy_of.join("cache"), &self.folder.join("cache"));
        self.reopen();
    }

    pub fn run(&mut self, options: Options) -> Result<Summary> {
        Engine {
            store: &mut self.store,
            remote: Some(&self.server),
            prompter: &mut self.prompter,
            reporter: &mut self.reporter,
            account: None,
            options,
        }
        .run()
    }

    /// A whole sync that is not interrupted.
    pub fn sync(&mut self) -> Summary {
        self.run(Options::default()).expect("a sync")
    }

    pub fn sync_with(&mut self, policy: Policy) -> Summary {
        self.run(Options { policy, ..Options::default() }).expect("a sync")
    }

    pub fn answer(&mut self, choice: Choice) {
        self.prompter.answers.push_back((choice, false));
    }

    /// A command's own write.
    pub fn write(&mut self, op: &Operation) -> Summary {
        let mode = Mode::Write(BTreeSet::from([op.op_id.clone()]));
        self.run(Options { mode, ..Options::default() }).expect("a write")
    }

    pub fn create(&mut self, title: &str) -> Operation {
        let mut set = patch([(crate::model::task::TITLE, title)]);
        let project = self.server.server.borrow().project(self.dev);
        set.insert(crate::model::task::PROJECT, Value::Int(project));
        let queued = edits::create(&mut self.store, &TASK, self.dev, &set).expect("queued");
        queued.operations[0].clone()
    }

    pub fn update<const N: usize>(&mut self, name: &str, values: [(Field, &str); N]) -> Operation {
        let row = self.shown(name).expect("a task of this name");
        let set = patch(values);
        let queued = edits::update(&mut self.store, &row, None, |_| Ok(set.clone())).expect("queued");
        queued.operations[0].clone()
    }

    pub fn delete(&mut self, name: &str) {
        let row = self.shown(name).expect("a task of this name");
        edits::delete(&mut self.store, &row).expect("queued");
    }

    /// As this client shows it.
    pub fn shown(&self, name: &str) -> Option<Row> {
        self.store.row_named(&TASK, self.dev, name).expect("readable")
    }

    pub fn title(&self, name: &str) -> String {
        self.shown(name).map_or_else(String::new, |row| row.title().to_string())
    }

    pub fn waiting(&self) -> Vec<Operation> {
        self.store.waiting().expect("readable")
    }

    /// Time passes for everybody.
    pub fn advance(&self, span: Duration) {
        testing::advance(span);
        self.server.advance(span);
    }

    pub fn count(&self, title: &str) -> usize {
        self.server.titles(self.dev).iter().filter(|known| *known == title).count()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
        let _ = std::fs::remove_dir_all(self.folder.with_extension("copy"));
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}
