//! A store in a folder of its own, and what to fill it with.

use crate::model::dependency::DEPENDENCY;
use crate::model::task::{TASK, TITLE};
use crate::model::{Kind, Operation, Patch, Row, Send, Shape, Target, Value, Workspace, new_op_id};
use crate::store::{Change, End, Files, Pulled, Store, Walk};
use crate::testing::Folder;
use crate::time::Timestamp;
use std::path::Path;

/// The workspace that everything is in.
pub const DEV: i64 = 1;

pub struct Home {
    pub folder: Folder,
    pub files: Files,
}

impl Home {
    pub fn new() -> Home {
        let folder = Folder::new();
        let files = files(folder.root());
        Home { folder, files }
    }

    /// With the workspace DEV and tasks of these ids, as a sync leaves them.
    pub fn synced(ids: &[i64]) -> Home {
        let home = Home::new();
        let mut store = home.open();
        pull(&mut store, &ids.iter().map(|id| server_row(*id, "from the server")).collect::<Vec<_>>());
        home
    }

    pub fn open(&self) -> Store {
        Store::open(&self.files).expect("a usable store")
    }

    /// Copies a folder of the home away, or back.
    pub fn copy(&self, from: &str, to: &str) {
        let (from, to) = (self.folder.path(from), self.folder.path(to));
        let _ = std::fs::remove_dir_all(&to);
        std::fs::create_dir_all(&to).expect("it is ours");
        for entry in std::fs::read_dir(&from).into_iter().flatten().flatten() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("it is ours");
        }
    }

    pub fn remove(&self, folder: &str) {
        std::fs::remove_dir_all(self.folder.path(folder)).expect("it is there");
    }

    pub fn queue_text(&self) -> String {
        std::fs::read_to_string(&self.files.queue).unwrap_or_default()
    }
}

pub fn files(root: &Path) -> Files {
    let state = root.join("state");
    Files {
        cache: root.join("cache/cache.db"),
        queue: state.join("queue.jsonl"),
        discarded: state.join("discarded.jsonl"),
        old_journal: state.join("journal.jsonl"),
        old_discarded: state.join("discarded"),
        old_drafts: state.join("drafts"),
    }
}

pub fn workspace() -> Workspace {
    Workspace {
        id: DEV,
        identifier: "DEV".into(),
        name: "Development".into(),
        description: None,
        task_counter: None,
        state: None,
        created_at: "2026-01-01T00:00:00Z".into(),
        updated_at: "2026-01-01T00:00:00Z".into(),
    }
}

/// `DEV-{id}` in version 1.
pub fn server_row(id: i64, title: &str) -> Row {
    let mut row = Row {
        id,
        workspace_id: DEV,
        name: format!("DEV-{id}"),
        version: 1,
        created_at: "2026-01-01T00:00:00Z".into(),
        updated_at: "2026-01-02T00:00:00Z".into(),
        ..Row::new(&TASK)
    };
    row.set(TITLE, text(title));
    (TASK.defaults)(&mut row);
    row
}

pub fn text(text: &str) -> Value {
    Value::Text(text.into())
}

pub fn now() -> String {
    Timestamp::now().rfc3339()
}

/// Stages rows and ends, as a sync that pulled them does.
pub fn pull(store: &mut Store, rows: &[Row]) -> Vec<(String, String)> {
    let walk = Walk { began: now(), done: true, ..Walk::default() };
    store.stage(DEV, rows, &walk).expect("staged");
    let pulled = vec![Pulled { workspace_id: DEV, ..Pulled::default() }];
    store.end(&End { workspaces: vec![workspace()], pulled, ..End::default() }, &now()).expect("applied")
}

pub fn operation(kind: &'static Kind, shape: Shape, target: Target) -> Operation {
    Operation {
        op_id: new_op_id().expect("random numbers"),
        workspace_id: DEV,
        target,
        seen_version: 1,
        created_at: now(),
        ..Operation::new(kind, shape)
    }
}

pub fn create(title: &str) -> Operation {
    let set = Patch::from([(TITLE, text(title))]);
    Operation { set, ..operation(&TASK, Shape::Create, Target::MadeBy(String::new())) }
}

pub fn update(target: Target, title: &str) -> Operation {
    let (base, set) = (Patch::from([(TITLE, text("from the server"))]), Patch::from([(TITLE, text(title))]));
    Operation { base, set, ..operation(&TASK, Shape::Update, target) }
}

pub fn link(from: Target, to: Target) -> Operation {
    let mut op = operation(&DEPENDENCY, Shape::Link, from);
    op.other = Some(to);
    op
}

/// Queues operations as one change. Gives them as they were queued.
pub fn queue(store: &mut Store, ops: &[Operation]) -> Vec<Operation> {
    let put = ops.to_vec();
    store.change(|_| Ok(Change { put, ..Change::default() })).expect("queued").put
}

pub fn drop_ops(store: &mut Store, op_ids: &[&str]) {
    let dropped = op_ids.iter().map(|op_id| (op_id.to_string(), "given up".to_string())).collect();
    store.change(|_| Ok(Change { dropped, ..Change::default() })).expect("dropped");
}

pub fn a_send(op: &Operation) -> Send {
    Send { at: Timestamp::now(), sent: op.set.clone(), version: 1, highest_number: 0, reply: None }
}

/// Title and state of what waits, oldest first.
pub fn waiting(store: &Store) -> Vec<(String, &'static str)> {
    let ops = store.waiting().expect("readable");
    let title = |op: &Operation| op.set.get(&TITLE).map_or_else(|| op.name.clone(), ToString::to_string);
    ops.iter().map(|op| (title(op), op.state.word())).collect()
}

pub fn titles(store: &Store) -> Vec<String> {
    let filter =
        crate::store::Filter { limit: 1000, sort: crate::store::Sort::Number, ascending: true, ..Default::default() };
    let rows = store.list_tasks(&filter).expect("readable");
    rows.iter().map(|shown| format!("{} {}", shown.row.name, shown.row.title())).collect()
}

/// Runs a test of this binary, which acts as another process, with its variable set.
pub fn child(test: &str, root: &Path, variables: &[(&str, &str)]) -> std::process::ExitStatus {
    let mut command = std::process::Command::new(std::env::current_exe().expect("we run"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env("ANYT_STORE_CHILD", root);
    command.envs(variables.iter().copied()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.status().expect("it starts")
}

/// The folder in which this process is to act as a child.
pub fn is_child() -> Option<std::path::PathBuf> {
    std::env::var_os("ANYT_STORE_CHILD").map(Into::into)
}
