//! The state behind `FakeRemote`: workspaces, projects, tasks with versions and tombstones, links, idempotency keys. It
//! keeps every version of every row, so that a list that lags and a restored backup are views of the past.

use crate::model::kind::{Change, Type};
use crate::model::task::{PARENT, PRIORITY, PROJECT, STATUS, TASK, TITLE};
use crate::model::{Account, Edge, Field, Member, Patch, Row, Shape, Value, Workspace};
use crate::sync::remote::{Capabilities, Reply};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the server does, whatever it declares.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// What is honoured. `keys`: how long a key is remembered.
    pub honours: Capabilities,
    /// Lists show the state of so long ago; so do reads of one row.
    pub list_lag: Duration,
    pub read_lag: Duration,
    /// Texts longer than this are cut, characters.
    pub cut_texts: Option<usize>,
    /// Texts are kept with CRLF line ends, as a web form writes them.
    pub crlf: bool,
    /// Fields that are accepted and not stored.
    pub ignores: BTreeSet<Field>,
    /// Links are listed.
    pub links_readable: bool,
    /// A link that is there already, and one that is not there when removed, are said with 409 and 404; else with success.
    pub strict_links: bool,
    /// Rows that lists leave out although they are there (archived ones, on some servers).
    pub unlisted: BTreeSet<i64>,
    /// Rows that cannot be read.
    pub broken: BTreeSet<i64>,
    /// Rows that make an answer too long to be read.
    pub too_long: BTreeSet<i64>,
    /// An account without access sees 403 for these workspaces.
    pub forbidden: BTreeSet<i64>,
}

impl Behaviour {
    /// As `anyt-server`: everything is honoured.
    pub fn full() -> Behaviour {
        let honours = Capabilities {
            keys: Some(Duration::from_secs(2_592_000)),
            if_match: true,
            tombstones: true,
            updated_after: true,
            sorted: true,
            consistent: true,
            max_page: 100,
        };
        Behaviour { honours, ..Behaviour::plain() }
    }

    /// As the least that api.md promises: no keys, no If-Match, no tombstones, no filters, no order.
    pub fn plain() -> Behaviour {
        Behaviour {
            honours: Capabilities { max_page: 100, ..Capabilities::default() },
            list_lag: Duration::ZERO,
            read_lag: Duration::ZERO,
            cut_texts: None,
            crlf: false,
            ignores: BTreeSet::new(),
            links_readable: true,
            strict_links: true,
            unlisted: BTreeSet::new(),
            broken: BTreeSet::new(),
            too_long: BTreeSet::new(),
            forbidden: BTreeSet::new(),
        }
    }
}

/// One write, owned.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    pub shape: Shape,
    pub op_id: String,
    pub workspace_id: i64,
    pub name: String,
    pub other: String,
    pub set: Patch,
    pub version: Option<i64>,
}

/// What a backup holds. Restoring one sets everything back but the clock.
#[derive(Debug, Clone, Default)]
pub struct Data {
    pub workspaces: Vec<Workspace>,
    /// Projects and labels.
    pub named: Vec<Row>,
    pub members: Vec<Member>,
    pub account: Option<Account>,
    next_id: i64,
    /// Each task's versions, oldest first, each with the moment it was written.
    tasks: BTreeMap<i64, Vec<(Timestamp, Row)>>,
    /// The task that was given a name last.
    names: BTreeMap<String, i64>,
    /// Each link's states, oldest first: there or gone.
    links: BTreeMap<(i64, i64), Vec<(Timestamp, bool)>>,
    /// Per idempotency key: when it came, and the answer that it was given.
    keys: BTreeMap<String, (Timestamp, Row)>,
}

pub struct Server {
    pub data: Data,
    pub behaviour: Behaviour,
    pub now: Timestamp,
}

/// The last state written at or before `at`.
fn as_of<T>(history: &[(Timestamp, T)], at: Timestamp) -> Option<&T> {
    history.iter().rev().find(|(written, _)| *written <= at).map(|(_, state)| state)
}

impl Server {
    /// Time passes: each change has a moment of its own.
    pub fn tick(&mut self) {
        self.now = self.now.plus(Duration::from_millis(1));
    }

    fn next_id(&mut self) -> i64 {
        self.data.next_id += 1;
        self.data.next_id
    }

    pub fn add_workspace(&mut self, identifier: &str) -> i64 {
        self.tick();
        let (id, project, now) = (self.next_id(), self.next_id(), self.now.rfc3339());
        self.data.workspaces.push(Workspace {
            id,
            identifier: identifier.into(),
            name: identifier.to_lowercase(),
            description: None,
            task_counter: Some(0),
            state: None,
            created_at: now.clone(),
            updated_at: now.clone(),
        });
        let mut main = Row {
            id: project,
            workspace_id: id,
            created_at: now.clone(),
            updated_at: now,
            ..Row::new(&crate::model::project::PROJECT)
        };
        main.set(crate::model::project::NAME, Value::Text("main".into()));
        main.set(crate::model::project::STATUS, Value::Text("active".into()));
        self.data.named.push(main);
        id
    }

    /// The workspace's first project.
    pub fn project(&self, workspace_id: i64) -> i64 {
        let mut projects = self.data.named.iter();
        projects
            .find(|row| row.kind == &crate::model::project::PROJECT && row.workspace_id == workspace_id)
            .map_or(0, |project| project.id)
    }

    fn counter(&mut self, workspace_id: i64) -> Option<(String, i64)> {
        let workspace = self.data.workspaces.iter_mut().find(|workspace| workspace.id == workspace_id)?;
        let number = workspace.task_counter.unwrap_or(0) + 1;
        workspace.task_counter = Some(number);
        Some((workspace.identifier.clone(), number))
    }

    /// Newest states of all tasks of a workspace as they were `lag` ago, tombstones included, by id.
    pub fn tasks(&self, workspace_id: i64, lag: Duration) -> Vec<&Row> {
        let at = self.now.minus(lag);
        let rows = self.data.tasks.values().filter_map(|history| as_of(history, at));
        rows.filter(|row| row.workspace_id == workspace_id).collect()
    }

    /// By name or id, tombstones included.
    pub fn task(&self, workspace_id: i64, name: &str, lag: Duration) -> Option<Row> {
        // Who was called so last; the rows of others are gone through only where that is not it.
        let last = self.data.names.get(name).and_then(|id| as_of(self.data.tasks.get(id)?, self.now.minus(lag)));
        if let Some(row) = last.filter(|row| row.workspace_id == workspace_id && row.name == name && row.is_live()) {
            return Some(row.clone());
        }
        let rows = self.tasks(workspace_id, lag);
        rows.into_iter().rev().find(|row| row.name == name || row.id.to_string() == name).cloned()
    }

    /// Of the workspaces that are there.
    pub fn by_uid(&self, uid: &str) -> Option<Row> {
        let rows = self.data.workspaces.iter().flat_map(|workspace| self.tasks(workspace.id, Duration::ZERO));
        rows.into_iter().find(|row| row.uid.as_deref() == Some(uid)).cloned()
    }

    pub fn edges(&self, workspace_id: i64, lag: Duration) -> Vec<Edge> {
        let at = self.now.minus(lag);
        let name = |id: &i64| {
            let row = as_of(self.data.tasks.get(id)?, at)?;
            (row.is_live() && row.workspace_id == workspace_id).then(|| row.name.clone())
        };
        let there = self.data.links.iter().filter(|(_, states)| as_of(states, at) == Some(&true));
        there.filter_map(|((task, on), _)| Some(Edge { task: name(task)?, depends_on: name(on)? })).collect()
    }

    pub fn write(&mut self, row: Row) {
        self.data.names.insert(row.name.clone(), row.id);
        self.data.tasks.entry(row.id).or_default().push((self.now, row));
    }

    /// Carries a write out.
    pub fn carry_out(&mut self, write: &Write) -> Reply {
        self.tick();
        match write.shape {
            Shape::Create => self.create(write),
            Shape::Update => self.change(write, |row| row.apply(&write.set)),
            Shape::Delete => {
                let now = self.now.rfc3339();
                self.change(write, |row| row.deleted_at = Some(now))
            }
            Shape::Link => self.link(write, true),
            Shape::Unlink => self.link(write, false),
        }
    }

    fn create(&mut self, write: &Write) -> Reply {
        if let Some(life) = self.behaviour.honours.keys
            && let Some((at, answer)) = self.data.keys.get(&write.op_id)
            && at.age(self.now) < life
        {
            return Reply::Done(Some(Box::new(answer.clone())));
        }
        if let Some(refused) = self.unacceptable(write) {
            return refused;
        }
        let Some((prefix, number)) = self.counter(write.workspace_id) else { return gone("no such workspace") };
        let mut row = Row::new(&TASK);
        row.id = self.next_id();
        row.workspace_id = write.workspace_id;
        row.name = format!("{prefix}-{number}");
        row.uid = Some(format!("t_{:020x}", self.now.0.unsigned_abs().wrapping_mul(0x2545_F491_4F6C_DD1D)));
        row.version = 1;
        row.created_at = self.now.rfc3339();
        row.updated_at = row.created_at.clone();
        row.set(STATUS, Value::Text("backlog".into()));
        row.set(PRIORITY, Value::Int(0));
        row.set(PROJECT, Value::Int(self.project(write.workspace_id)));
        if let Some(account) = &self.data.account {
            row.set(crate::model::task::CREATOR, Value::Text(account.user_id.clone()));
        }
        let mut set = self.as_stored(&write.set);
        set.retain(|field, _| field.change != Change::UpdateOnly);
        row.apply(&set);
        self.write(row.clone());
        self.data.keys.insert(write.op_id.clone(), (self.now, row.clone()));
        Reply::Done(Some(Box::new(row)))
    }

    /// What the server makes of the values of a request.
    fn as_stored(&self, set: &Patch) -> Patch {
        let kept = set.iter().filter(|(field, _)| !self.behaviour.ignores.contains(*field));
        kept.map(|(field, value)| (*field, self.rewritten(value))).collect()
    }

    fn rewritten(&self, value: &Value) -> Value {
        let Value::Text(text) = value else { return value.clone() };
        let cut: String = text.chars().take(self.behaviour.cut_texts.unwrap_or(usize::MAX)).collect();
        Value::Text(if self.behaviour.crlf { cut.replace("\r\n", "\n").replace('\n', "\r\n") } else { cut })
    }

    /// 422 for a title that is empty and a parent that is none.
    fn unacceptable(&self, write: &Write) -> Option<Reply> {
        let title = write.set.get(&TITLE);
        let empty = matches!(title, Some(Value::Text(title)) if title.trim().is_empty());
        if empty || (write.shape == Shape::Create && title.is_none()) {
            return Some(refused("title: must not be empty"));
        }
        if let Some((field, _)) = write.set.iter().find(|(_, value)| matches!(value, Value::MadeBy(_))) {
            return Some(refused(&format!("{}: not an id", field.name)));
        }
        let parent = write.set.get(&PARENT).filter(|parent| **parent != Value::Null)?;
        let Value::Int(id) = parent else { return Some(refused("parent_id: not an id")) };
        let row = self.data.tasks.get(id).and_then(|history| history.last());
        let there = row.is_some_and(|(_, row)| row.is_live());
        (!there).then(|| refused("parent_id: no such task"))
    }

    fn change(&mut self, write: &Write, make: impl FnOnce(&mut Row)) -> Reply {
        let found = self.task(write.workspace_id, &write.name, Duration::ZERO).filter(Row::is_live);
        let Some(mut row) = found else { return gone(&format!("{} not found", write.name)) };
        if let Some(refused) = self.unacceptable(write) {
            return refused;
        }
        if let Some(version) = write.version.filter(|_| self.behaviour.honours.if_match)
            && version != row.version
        {
            let message = format!("{} is at version {}, not {version}", row.name, row.version);
            return Reply::Conflict { current_version: Some(row.version), message };
        }
        let before = row.clone();
        make(&mut row);
        for field in TASK.changeable() {
            if row.get(field) == before.get(field) {
                continue;
            }
            let stored = if self.behaviour.ignores.contains(&field) {
                before.get(field).clone()
            } else {
                self.rewritten(row.get(field))
            };
            row.set(field, stored);
        }
        row.version += 1;
        row.updated_at = self.now.rfc3339();
        self.write(row.clone());
        Reply::Done((write.shape == Shape::Update).then(|| Box::new(row)))
    }

    fn link(&mut self, write: &Write, there: bool) -> Reply {
        let end = |name: &str| self.task(write.workspace_id, name, Duration::ZERO).filter(Row::is_live);
        let (Some(task), Some(on)) = (end(&write.name), end(&write.other)) else {
            return gone(&format!("{} or {} not found", write.name, write.other));
        };
        let key = (task.id, on.id);
        let is = self.data.links.get(&key).and_then(|states| states.last()).is_some_and(|(_, there)| *there);
        match (there, is) {
            (true, true) if self.behaviour.strict_links => conflict("the dependency exists already"),
            (false, false) if self.behaviour.strict_links => gone("no such dependency"),
            (true, false) if task.id == on.id || self.leads(on.id, task.id) => conflict("it would be circular"),
            _ => {
                if there != is {
                    self.data.links.entry(key).or_default().push((self.now, there));
                }
                Reply::Done(None)
            }
        }
    }

    fn leads(&self, from: i64, to: i64) -> bool {
        let there = |states: &Vec<(Timestamp, bool)>| states.last().is_some_and(|(_, there)| *there);
        let next = self.data.links.iter().filter(|((task, _), states)| *task == from && there(states));
        next.into_iter().any(|((_, on), _)| *on == to || self.leads(*on, to))
    }

    /// Every changeable field that refers to a kind has an id, not an operation.
    pub fn is_sendable(set: &Patch) -> bool {
        set.iter().all(|(field, value)| !matches!(field.ty, Type::Reference(_)) || !matches!(value, Value::MadeBy(_)))
    }
}

fn gone(message: &str) -> Reply {
    Reply::Gone(message.into())
}

fn conflict(message: &str) -> Reply {
    Reply::Conflict { current_version: None, message: message.into() }
}

fn refused(message: &str) -> Reply {
    Reply::Refused { status: 422, message: message.into() }
}
