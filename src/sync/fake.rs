//! A server in memory for the engine's tests: faults by script, a log of requests, a clock of its own, and colleagues who
//! write between two requests. `ScriptedPrompter` and `RecordingReporter` are the other two collaborators.
//!
//! ```ignore
//! let remote = FakeRemote::full();                      // or plain(): honours nothing
//! let dev = remote.workspace("DEV");
//! remote.create(dev, "seen by all");                    // a colleague's
//! remote.fail(|call| call.shape == Some(Shape::Create), Fault::LostAfter);
//! remote.before(|call| call.shape == Some(Shape::Update), |server| …);
//! assert_eq!(remote.writes(), ["POST tasks"]);
//! ```

mod people;
mod server;

pub use people::{Asked, RecordingReporter, ScriptedPrompter};
pub use server::{Behaviour, Data, Server, Write};

use super::remote::{Capabilities, Page, Query, Remote, RemoteError, RemoteResult, Reply, Request, Unreadable};
use crate::model::kind::Identity;
use crate::model::{Account, Edge, Kind, Listed, Member, Patch, Row, Shape, Value, Workspace};
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// What happens to a request instead of its answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nothing was reached.
    OutOfReach,
    /// No answer, and not carried out (a read: 5xx after retries).
    LostBefore,
    /// Carried out, and no answer (a read: the same as `LostBefore`).
    LostAfter,
    /// No answer; carried out after so long, by the server's clock.
    Late(Duration),
    /// 400, 422 and the like.
    Refused(u16),
    Conflict,
    Gone,
    Forbidden,
    Unauthorized,
    /// 429, for so long from the server's now.
    Limited(Duration),
    /// 503 with Retry-After to a write.
    LostUntil(Duration),
    /// A read: a web page with 404.
    Page,
    /// A read: an answer that is not api.md's.
    Malformed,
    TooLarge,
}

/// A request as the log has it.
#[derive(Debug, Clone)]
pub struct Call {
    /// `GET tasks`, `GET DEV-1`, `POST tasks`, `PATCH DEV-1`, `DELETE DEV-1`, `POST DEV-1/dependencies`.
    pub line: String,
    /// Of a write.
    pub shape: Option<Shape>,
    pub workspace_id: i64,
    pub name: String,
    pub other: String,
    pub op_id: String,
    pub set: Patch,
    /// `If-Match`.
    pub version: Option<i64>,
    /// Of a list.
    pub query: Option<Query>,
}

type Which = Box<dyn Fn(&Call) -> bool>;

struct Rule {
    which: Which,
    fault: Fault,
    /// How often it still happens; `None`: always.
    left: Option<usize>,
}

struct Meanwhile {
    which: Which,
    act: Box<dyn FnOnce(&mut Server)>,
}

pub struct FakeRemote {
    pub server: RefCell<Server>,
    /// What the server says it can do; independent of what it does (`Behaviour::honours`).
    pub declares: RefCell<Option<Capabilities>>,
    pub origin: RefCell<String>,
    pub time_limit: Cell<Duration>,
    pub log: RefCell<Vec<Call>>,
    rules: RefCell<Vec<Rule>>,
    meanwhile: RefCell<Vec<Meanwhile>>,
    late: RefCell<Vec<(Timestamp, Write)>>,
    answered: Cell<bool>,
}

impl FakeRemote {
    /// Declares and honours everything.
    pub fn full() -> FakeRemote {
        let behaviour = Behaviour::full();
        let remote = FakeRemote::with(behaviour.clone());
        *remote.declares.borrow_mut() = Some(behaviour.honours);
        remote
    }

    /// Declares and honours nothing.
    pub fn plain() -> FakeRemote {
        FakeRemote::with(Behaviour::plain())
    }

    pub fn with(behaviour: Behaviour) -> FakeRemote {
        let account = Account { user_id: "u1".into(), email: None, role: None };
        let mut data = Data::default();
        data.account = Some(account);
        FakeRemote {
            server: RefCell::new(Server { data, behaviour, now: Timestamp::now() }),
            declares: RefCell::new(None),
            origin: RefCell::new("http://fake:1".into()),
            time_limit: Cell::new(Duration::from_secs(10)),
            log: RefCell::default(),
            rules: RefCell::default(),
            meanwhile: RefCell::default(),
            late: RefCell::default(),
            answered: Cell::new(false),
        }
    }

    // ---- what a test does to the server; each is a colleague's act, is not logged and meets no fault ----

    /// A workspace with one project; its id.
    pub fn workspace(&self, identifier: &str) -> i64 {
        self.server.borrow_mut().add_workspace(identifier)
    }

    /// A colleague's task.
    pub fn create(&self, workspace_id: i64, title: &str) -> Row {
        let set = Patch::from([(crate::model::task::TITLE, Value::Text(title.into()))]);
        let mut server = self.server.borrow_mut();
        let account = server.data.account.replace(Account { user_id: "colleague".into(), email: None, role: None });
        let op_id = format!("colleague-{}", server.now.0);
        let write = Write { op_id, set, ..Write::to(Shape::Create, workspace_id, "") };
        let reply = server.carry_out(&write);
        server.data.account = account;
        match reply {
            Reply::Done(Some(row)) => *row,
            other => panic!("a colleague's create: {other:?}"),
        }
    }

    pub fn edit(&self, workspace_id: i64, name: &str, set: impl Into<Patch>) -> Row {
        let write = Write { set: set.into(), ..Write::to(Shape::Update, workspace_id, name) };
        match self.server.borrow_mut().carry_out(&write) {
            Reply::Done(Some(row)) => *row,
            other => panic!("a colleague's edit of {name}: {other:?}"),
        }
    }

    pub fn delete(&self, workspace_id: i64, name: &str) {
        let reply = self.server.borrow_mut().carry_out(&Write::to(Shape::Delete, workspace_id, name));
        assert!(matches!(reply, Reply::Done(_)), "a colleague's delete of {name}: {reply:?}");
    }

    pub fn link(&self, workspace_id: i64, name: &str, other: &str) {
        let write = Write { other: other.into(), ..Write::to(Shape::Link, workspace_id, name) };
        let reply = self.server.borrow_mut().carry_out(&write);
        assert!(matches!(reply, Reply::Done(_)), "a colleague's link: {reply:?}");
    }

    /// Writes a row as it is: moved, renamed, relabelled without a new version, whatever a test needs.
    pub fn put(&self, row: Row) {
        let mut server = self.server.borrow_mut();
        server.tick();
        server.write(row);
    }

    /// Newest state, tombstones included.
    pub fn task(&self, workspace_id: i64, name: &str) -> Option<Row> {
        self.server.borrow().task(workspace_id, name, Duration::ZERO)
    }

    pub fn live(&self, workspace_id: i64) -> Vec<Row> {
        let server = self.server.borrow();
        server.tasks(workspace_id, Duration::ZERO).into_iter().filter(|row| row.is_live()).cloned().collect()
    }

    pub fn titles(&self, workspace_id: i64) -> Vec<String> {
        self.live(workspace_id).iter().map(|row| row.title().to_string()).collect()
    }

    pub fn edges(&self, workspace_id: i64) -> Vec<Edge> {
        self.server.borrow().edges(workspace_id, Duration::ZERO)
    }

    pub fn backup(&self) -> Data {
        self.server.borrow().data.clone()
    }

    pub fn restore(&self, backup: &Data) {
        self.server.borrow_mut().data = backup.clone();
    }

    /// Lets time pass on the server: lists catch up, keys end, late requests arrive.
    pub fn advance(&self, span: Duration) {
        let now = self.server.borrow().now.plus(span);
        self.server.borrow_mut().now = now;
        self.let_arrive();
    }

    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.server.borrow_mut().behaviour);
    }

    // ---- the script ----

    /// The next request that matches fails so. Rules are tried in the order they were given.
    pub fn fail(&self, which: impl Fn(&Call) -> bool + 'static, fault: Fault) {
        self.rule(which, fault, Some(1));
    }

    pub fn fail_times(&self, times: usize, which: impl Fn(&Call) -> bool + 'static, fault: Fault) {
        self.rule(which, fault, Some(times));
    }

    pub fn fail_always(&self, which: impl Fn(&Call) -> bool + 'static, fault: Fault) {
        self.rule(which, fault, None);
    }

    /// Forgets every fault that has not happened.
    pub fn heal(&self) {
        self.rules.borrow_mut().clear();
    }

    /// Just before the next request that matches, once.
    pub fn before(&self, which: impl Fn(&Call) -> bool + 'static, act: impl FnOnce(&mut Server) + 'static) {
        self.meanwhile.borrow_mut().push(Meanwhile { which: Box::new(which), act: Box::new(act) });
    }

    fn rule(&self, which: impl Fn(&Call) -> bool + 'static, fault: Fault, left: Option<usize>) {
        self.rules.borrow_mut().push(Rule { which: Box::new(which), fault, left });
    }

    // ---- the log ----

    pub fn lines(&self) -> Vec<String> {
        self.log.borrow().iter().map(|call| call.line.clone()).collect()
    }

    pub fn writes(&self) -> Vec<String> {
        self.log.borrow().iter().filter(|call| call.shape.is_some()).map(|call| call.line.clone()).collect()
    }

    pub fn forget_log(&self) {
        self.log.borrow_mut().clear();
    }

    fn let_arrive(&self) {
        let mut late = self.late.borrow_mut();
        let mut server = self.server.borrow_mut();
        let now = server.now;
        let due = |(at, _): &(Timestamp, Write)| *at <= now;
        let arrived: Vec<_> = late.iter().filter(|item| due(item)).cloned().collect();
        late.retain(|item| !due(item));
        for (_, write) in arrived {
            server.carry_out(&write);
        }
    }

    /// Logs a request, lets meanwhile happen what was to, and gives the fault that it meets.
    fn begin(&self, call: Call) -> Option<Fault> {
        {
            // Time that the client has waited has gone by here too.
            let mut server = self.server.borrow_mut();
            server.now = server.now.max(Timestamp::now());
            server.tick();
        }
        self.let_arrive();
        let due = {
            let mut waiting = self.meanwhile.borrow_mut();
            let at = waiting.iter().position(|meanwhile| (meanwhile.which)(&call));
            at.map(|at| waiting.remove(at))
        };
        if let Some(meanwhile) = due {
            (meanwhile.act)(&mut self.server.borrow_mut());
        }
        let mut rules = self.rules.borrow_mut();
        let rule = rules.iter_mut().find(|rule| rule.left != Some(0) && (rule.which)(&call));
        let fault = rule.map(|rule| {
            rule.left = rule.left.map(|left| left - 1);
            rule.fault.clone()
        });
        self.answered.set(self.answered.get() || !matches!(fault, Some(Fault::OutOfReach)));
        self.log.borrow_mut().push(call);
        fault
    }

    fn read(&self, line: &str, workspace_id: i64, name: &str, query: Option<&Query>) -> RemoteResult<()> {
        let call = Call { query: query.cloned(), ..Call::named(line, workspace_id, name) };
        let fault = self.begin(call);
        let server = self.server.borrow();
        let forbidden = server.behaviour.forbidden.contains(&workspace_id);
        match fault {
            None if forbidden => Err(RemoteError::Forbidden("not yours".into())),
            None => Ok(()),
            Some(fault) => Err(fault.to_a_read(server.now)),
        }
    }
}

impl Call {
    fn named(line: &str, workspace_id: i64, name: &str) -> Call {
        Call {
            line: line.into(),
            shape: None,
            workspace_id,
            name: name.into(),
            other: String::new(),
            op_id: String::new(),
            set: Patch::new(),
            version: None,
            query: None,
        }
    }

    fn of(request: &Request) -> Call {
        let (name, other) = (request.name, request.other);
        let below = |collection| match request.kind.identity {
            Identity::Pair => format!("{name}/{collection}"),
            Identity::Id => String::from(collection),
        };
        let line = match request.shape {
            Shape::Create => format!("POST {}", request.kind.collection),
            Shape::Link => format!("POST {} {other}", below(request.kind.collection)),
            Shape::Unlink => format!("DELETE {}/{other}", below(request.kind.collection)),
            Shape::Update => format!("PATCH {name}"),
            Shape::Delete => format!("DELETE {name}"),
        };
        Call {
            shape: Some(request.shape),
            other: other.into(),
            op_id: request.op_id.into(),
            set: request.set.clone(),
            version: request.version,
            ..Call::named(&line, request.workspace_id, name)
        }
    }

    pub fn is_write(&self) -> bool {
        self.shape.is_some()
    }
}

impl Write {
    pub fn to(shape: Shape, workspace_id: i64, name: &str) -> Write {
        Write {
            shape,
            op_id: String::new(),
            workspace_id,
            name: name.into(),
            other: String::new(),
            set: Patch::new(),
            version: None,
        }
    }
}

impl Fault {
    fn to_a_read(&self, now: Timestamp) -> RemoteError {
        let message = String::from("scripted");
        match self {
            Fault::OutOfReach => RemoteError::OutOfReach(message),
            Fault::LostBefore | Fault::LostAfter | Fault::Late(_) => RemoteError::Unavailable(message),
            Fault::Refused(status) => RemoteError::Refused { status: *status, message },
            Fault::Conflict => RemoteError::Refused { status: 409, message },
            Fault::Gone => RemoteError::NotFound(message),
            Fault::Forbidden => RemoteError::Forbidden(message),
            Fault::Unauthorized => RemoteError::Unauthorized(message),
            Fault::Limited(span) | Fault::LostUntil(span) => RemoteError::Limited { until: now.plus(*span), message },
            Fault::Page => RemoteError::Page(message),
            Fault::Malformed => RemoteError::Malformed(message),
            Fault::TooLarge => RemoteError::TooLarge(message),
        }
    }

    fn to_a_write(&self, now: Timestamp) -> Reply {
        let message = String::from("scripted");
        match self {
            Fault::OutOfReach => Reply::OutOfReach(message),
            Fault::Refused(status) => Reply::Refused { status: *status, message },
            Fault::Conflict => Reply::Conflict { current_version: None, message },
            Fault::Gone => Reply::Gone(message),
            Fault::Forbidden => Reply::Forbidden(message),
            Fault::Unauthorized => Reply::Unauthorized(message),
            Fault::Limited(span) => Reply::Limited { until: now.plus(*span), message },
            Fault::LostUntil(span) => Reply::Lost { message, until: Some(now.plus(*span)) },
            Fault::LostBefore
            | Fault::LostAfter
            | Fault::Late(_)
            | Fault::Page
            | Fault::Malformed
            | Fault::TooLarge => Reply::Lost { message, until: None },
        }
    }

    /// The write is carried out although it seems to fail.
    fn arrives(&self) -> bool {
        matches!(self, Fault::LostAfter | Fault::Malformed | Fault::TooLarge)
    }
}

impl Remote for FakeRemote {
    fn origin(&self) -> String {
        self.origin.borrow().clone()
    }

    fn declared(&self) -> Option<Capabilities> {
        self.declares.borrow().clone().filter(|_| self.answered.get())
    }

    fn time_limit(&self) -> Duration {
        self.time_limit.get()
    }

    fn account(&self) -> RemoteResult<Option<Account>> {
        self.read("GET auth", 0, "", None)?;
        Ok(self.server.borrow().data.account.clone())
    }

    fn workspaces(&self) -> RemoteResult<Listed<Workspace>> {
        self.read("GET workspaces", 0, "", None)?;
        Ok(self.server.borrow().data.workspaces.clone().into())
    }

    fn has_workspace(&self, workspace_id: i64) -> RemoteResult<bool> {
        match self.read("GET workspace", workspace_id, "", None) {
            Err(RemoteError::Forbidden(_) | RemoteError::NotFound(_)) => return Ok(false),
            other => other?,
        }
        Ok(self.server.borrow().data.workspaces.iter().any(|workspace| workspace.id == workspace_id))
    }

    fn members(&self, workspace_id: i64) -> RemoteResult<Option<Listed<Member>>> {
        self.read("GET members", workspace_id, "", None)?;
        let of = |member: &&Member| member.workspace_id == workspace_id;
        Ok(Some(self.server.borrow().data.members.iter().filter(of).cloned().collect::<Vec<_>>().into()))
    }

    fn named(&self, kind: &'static Kind, workspace_id: i64) -> RemoteResult<Option<Listed<Row>>> {
        self.read(&format!("GET {}", kind.collection), workspace_id, "", None)?;
        let of = |row: &&Row| row.kind == kind && row.workspace_id == workspace_id;
        Ok(Some(self.server.borrow().data.named.iter().filter(of).cloned().collect::<Vec<_>>().into()))
    }

    fn rows(&self, kind: &'static Kind, workspace_id: i64, query: &Query) -> RemoteResult<Page> {
        if kind.below().is_some() {
            return Err(RemoteError::NotFound("no such list".into()));
        }
        self.read(&format!("GET {}", kind.collection), workspace_id, "", Some(query))?;
        let server = self.server.borrow();
        let honours = &server.behaviour.honours;
        let mut rows = server.tasks(workspace_id, server.behaviour.list_lag);
        rows.retain(|row| row.is_live() || (query.include_deleted && honours.tombstones));
        rows.retain(|row| !server.behaviour.unlisted.contains(&row.id));
        if let Some(after) = query.updated_after.as_deref().and_then(Timestamp::parse).filter(|_| honours.updated_after)
        {
            rows.retain(|row| Timestamp::parse(&row.updated_at).is_none_or(|at| at >= after));
        }
        if honours.sorted {
            rows.sort_by_cached_key(|row| (Timestamp::parse(&row.updated_at), row.id));
        }
        let total = i64::try_from(rows.len()).ok();
        let limit = if honours.max_page == 0 { query.limit } else { query.limit.min(honours.max_page) };
        let page = rows.into_iter().skip(query.offset as usize).take(limit as usize).cloned();
        if page.clone().any(|row| server.behaviour.too_long.contains(&row.id)) {
            return Err(RemoteError::TooLarge("too long".into()));
        }
        let (broken, items): (Vec<Row>, _) = page.partition(|row| server.behaviour.broken.contains(&row.id));
        let unreadable =
            broken.iter().map(|row| Unreadable { id: Some(row.id), message: format!("{} is broken", row.name) });
        Ok(Page { items, unreadable: unreadable.collect(), total })
    }

    fn row(&self, _kind: &'static Kind, workspace_id: i64, name: &str) -> RemoteResult<Option<Row>> {
        match self.read(&format!("GET {name}"), workspace_id, name, None) {
            Err(RemoteError::NotFound(_)) => return Ok(None),
            other => other?,
        }
        let server = self.server.borrow();
        let row = server.task(workspace_id, name, server.behaviour.read_lag).filter(Row::is_live);
        match row {
            Some(row) if server.behaviour.broken.contains(&row.id) => {
                Err(RemoteError::Malformed(format!("{} is broken", row.name)))
            }
            Some(row) if server.behaviour.too_long.contains(&row.id) => {
                Err(RemoteError::TooLarge(format!("{} is too long", row.name)))
            }
            row => Ok(row),
        }
    }

    fn row_by_uid(&self, _kind: &'static Kind, uid: &str) -> RemoteResult<Option<Row>> {
        self.read(&format!("GET {uid}"), 0, uid, None).or_else(|error| match error {
            RemoteError::NotFound(_) => Ok(()),
            other => Err(other),
        })?;
        Ok(self.server.borrow().by_uid(uid).filter(|row| row.is_live()))
    }

    fn links(&self, kind: &'static Kind, workspace_id: i64) -> RemoteResult<Option<Listed<Edge>>> {
        self.read(&format!("GET {}", kind.collection), workspace_id, "", None)?;
        let server = self.server.borrow();
        let readable = server.behaviour.links_readable;
        Ok(readable.then(|| server.edges(workspace_id, server.behaviour.list_lag).into()))
    }

    fn links_of(&self, kind: &'static Kind, workspace_id: i64, name: &str) -> RemoteResult<Option<Vec<String>>> {
        self.read(&format!("GET {name}/{}", kind.collection), workspace_id, name, None)?;
        let server = self.server.borrow();
        let of = server.edges(workspace_id, server.behaviour.read_lag).into_iter().filter(|edge| edge.task == name);
        Ok(server.behaviour.links_readable.then(|| of.map(|edge| edge.depends_on).collect()))
    }

    fn send(&self, request: &Request) -> Reply {
        assert!(Server::is_sendable(request.set), "an operation's id was sent as a reference: {:?}", request.set);
        let fault = self.begin(Call::of(request));
        let write = Write {
            shape: request.shape,
            op_id: request.op_id.into(),
            workspace_id: request.workspace_id,
            name: request.name.into(),
            other: request.other.into(),
            set: request.set.clone(),
            version: request.version,
        };
        let forbidden = self.server.borrow().behaviour.forbidden.contains(&write.workspace_id);
        let now = self.server.borrow().now;
        match fault {
            None if forbidden => Reply::Forbidden("not yours".into()),
            None => self.server.borrow_mut().carry_out(&write),
            Some(fault) => {
                if let Fault::Late(span) = &fault {
                    self.late.borrow_mut().push((now.plus(*span), write));
                } else if fault.arrives() {
                    self.server.borrow_mut().carry_out(&write);
                }
                fault.to_a_write(now)
            }
        }
    }
}

#[cfg(test)]
mod tests;
