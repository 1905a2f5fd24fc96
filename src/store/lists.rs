//! Tasks as people list them: filters, order, pages, counts, and near misses.

use super::rows::{COMMON, COMMON_COUNT, statements};
use super::{Result, ShownRow, Store};
use crate::gather::Gather;
use crate::model::kind::Identity;
use crate::model::normal_form::composed;
use crate::model::task::{self, STATUSES, TASK};
use crate::model::{Field, KINDS, Kind, Row};
use crate::time::Timestamp;
use miniserde::json;
use rusqlite::{ToSql, named_params};
use std::collections::{BTreeMap, BTreeSet};

/// What `task list` asks for. Empty lists and `None` do not filter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub workspace_id: Option<i64>,
    pub project_id: Option<i64>,
    pub statuses: Vec<String>,
    /// Leave out what is done, canceled or archived.
    pub open_only: bool,
    pub priority: Option<i64>,
    pub owner: Option<String>,
    /// All of them must be there.
    pub labels: Vec<String>,
    pub phase: Option<String>,
    pub parent_id: Option<i64>,
    /// Each of them is somewhere in the title or the description; `searched` has made them.
    pub words: Vec<String>,
    /// Only what can be worked on: open, and nothing that it depends on is.
    pub ready: bool,
    /// Only what is open and cannot be worked on.
    pub blocked: bool,
    pub unassigned: bool,
    /// This user's tasks and nobody's.
    pub owner_or_nobody: Option<String>,
    /// Changed on the server since.
    pub updated_since: Option<Timestamp>,
    /// Only tasks with queued operations, also of what is below them.
    pub pending: bool,
    pub sort: Sort,
    pub ascending: bool,
    pub limit: u32,
    pub offset: u32,
    /// The fields that are read of each task, where not all are: a table shows no descriptions.
    pub fields: Option<Vec<Field>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Priority,
    Updated,
    Created,
    Status,
    Number,
    Title,
}

impl Filter {
    fn fields(&self) -> Vec<Field> {
        self.fields.clone().unwrap_or_else(|| TASK.fields.iter().collect())
    }

    /// It leaves out more than what is closed.
    fn narrows(&self) -> bool {
        // Named one by one: a new condition has to be thought of.
        let Filter {
            workspace_id: _,
            project_id,
            statuses,
            open_only: _,
            priority,
            owner,
            labels,
            phase,
            parent_id,
            words,
            ready,
            blocked,
            unassigned,
            owner_or_nobody,
            updated_since,
            pending,
            sort: _,
            ascending: _,
            limit: _,
            offset: _,
            fields: _,
        } = self;
        let given = [project_id.is_some(), priority.is_some(), parent_id.is_some(), owner.is_some(), phase.is_some()];
        given.contains(&true)
            || owner_or_nobody.is_some()
            || updated_since.is_some()
            || !(statuses.is_empty() && labels.is_empty() && words.is_empty())
            || [ready, blocked, unassigned, pending].contains(&&true)
    }

    fn contains_words(&self, title: &str, description: &str) -> bool {
        self.words.iter().all(|word| contains(title, word) || contains(description, word))
    }

    /// The same filter for a task that is not in the cache. `pending`, `ready` and `blocked` have no meaning there.
    pub fn matches(&self, task: &Row) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
        self.project_id.is_none_or(|id| id == task.project_id())
            && (self.statuses.is_empty() || self.statuses.iter().any(|status| status == task.status()))
            && !(self.open_only && task::FINISHED.contains(&task.status()))
            && self.priority.is_none_or(|priority| priority == task.priority())
            && is(&self.owner, task.owner())
            && is(&self.phase, task.text(task::PHASE))
            && self.labels.iter().all(|label| task.labels().contains(label))
            && self.parent_id.is_none_or(|parent| task.parent_id() == Some(parent))
            && self.contains_words(task.title(), task.description().unwrap_or_default())
            && !(self.unassigned && task.owner().is_some_and(|owner| !owner.is_empty()))
            && self.updated_since.is_none_or(|since| Timestamp::parse(&task.updated_at) >= Some(since))
    }

    /// Sorts rows that are not in the cache as `list_tasks` would.
    pub fn sort_rows(&self, rows: &mut [ShownRow]) {
        let time = |text: &str| Timestamp::parse(text).map_or(0, |time| time.0);
        rows.sort_by(|a, b| {
            let (a, b) = (&a.row, &b.row);
            let order = match self.sort {
                Sort::Priority => a.priority().cmp(&b.priority()),
                Sort::Updated => time(&a.updated_at).cmp(&time(&b.updated_at)),
                Sort::Created => time(&a.created_at).cmp(&time(&b.created_at)),
                Sort::Status => stage(a.status()).cmp(&stage(b.status())),
                Sort::Number => a.number().cmp(&b.number()),
                Sort::Title => a.title().to_lowercase().cmp(&b.title().to_lowercase()),
            };
            let order = if self.ascending { order } else { order.reverse() };
            order.then_with(|| time(&b.updated_at).cmp(&time(&a.updated_at))).then(a.id.cmp(&b.id))
        });
    }
}

/// Place of a status in a task's life; a newer server's words come last.
fn stage(status: &str) -> usize {
    STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len())
}

/// The words of a search as they are compared: composed characters, lower case.
pub fn searched(typed: &str) -> Vec<String> {
    typed.split_whitespace().map(|word| composed(word).to_lowercase()).collect()
}

fn contains(text: &str, word: &str) -> bool {
    if word.is_ascii() {
        return text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
    }
    !text.is_ascii() && composed(text).to_lowercase().contains(word)
}

impl Store {
    /// Identifiers and titles of the live tasks whose number is nearest to `number`: for "did you mean".
    pub fn nearest(&self, workspace_id: i64, number: i64, count: u32) -> Result<Vec<(String, String)>> {
        self.db
            .prepare_cached(
                "SELECT identifier, title FROM tasks WHERE workspace_id = :workspace AND deleted_at IS NULL \
                 ORDER BY abs(number - :number), number LIMIT :count",
            )
            .and_then(|mut query| {
                query
                    .query_map(named_params! {":workspace": workspace_id, ":number": number, ":count": count}, |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })?
                    .collect()
            })
            .map_err(|e| self.error(e))
    }

    /// Identifiers and titles of live tasks whose identifier begins so; the newest changes where nothing was typed.
    pub fn tasks_beginning(&self, workspace_id: i64, start: &str, count: u32) -> Result<Vec<(String, String)>> {
        let sql = if start.is_empty() {
            "SELECT identifier, title FROM tasks WHERE workspace_id = :workspace AND deleted_at IS NULL AND :start = '' \
             ORDER BY updated_us DESC, id LIMIT :count"
        } else {
            "SELECT identifier, title FROM tasks WHERE workspace_id = :workspace AND identifier >= :start \
             AND identifier < :start || x'f48fbfbf' AND deleted_at IS NULL ORDER BY identifier LIMIT :count"
        };
        self.db
            .prepare_cached(sql)
            .and_then(|mut query| {
                let bound = named_params! {":workspace": workspace_id, ":start": start, ":count": count};
                query.query_map(bound, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .map_err(|e| self.error(e))
    }

    /// Live tasks that pass the filter, without the page's limit. Counted in the one index that answers the usual filter
    /// alone: by itself SQLite takes another one and reads every row for its status.
    pub fn count_tasks(&self, filter: &Filter) -> Result<i64> {
        if !filter.words.is_empty() {
            return Ok(self.search(&Filter { limit: u32::MAX, offset: 0, ..filter.clone() }, |_| Ok(()))?.len() as i64);
        }
        if filter.open_only && !filter.narrows() {
            // Three words compared with each row take ten times as long as the row.
            let all = Filter { open_only: false, ..filter.clone() };
            let closed = |status: &str| self.count_tasks(&Filter { statuses: vec![status.into()], ..all.clone() });
            return CLOSED.into_iter().try_fold(self.count_tasks(&all)?, |open, status| Ok(open - closed(status)?));
        }
        let select = Select::new("SELECT count(*) FROM tasks t INDEXED BY tasks_by_status", filter);
        self.db
            .prepare_cached(&select.sql)
            .and_then(|mut query| query.query_row(&*select.bindings(), |row| row.get(0)))
            .map_err(|e| self.error(e))
    }

    /// The same, as far as `most`: what is only said needs no walk through everything.
    pub fn count_up_to(&self, filter: &Filter, most: u32) -> Result<i64> {
        if !filter.words.is_empty() {
            return self.count_tasks(filter);
        }
        let mut select = Select::new("SELECT count(*) FROM (SELECT 1 FROM tasks t INDEXED BY tasks_by_status", filter);
        select.sql.push_str(" LIMIT :most)");
        select.bind(":most", most);
        self.db
            .prepare_cached(&select.sql)
            .and_then(|mut query| query.query_row(&*select.bindings(), |row| row.get(0)))
            .map_err(|e| self.error(e))
    }

    /// One page of live tasks. Ties of the sort key are broken by number, newest first, so that paging is stable.
    pub fn list_tasks(&self, filter: &Filter) -> Result<Vec<ShownRow>> {
        let statements = statements(&TASK);
        let fields = filter.fields();
        let mut rows = self.search(filter, |row| statements.read_some_shown(row, &mut fields.iter().copied()))?;
        let blocked = self.blocked(rows.iter().map(|shown| shown.row.id))?;
        rows.iter_mut().for_each(|shown| shown.blocked = blocked.contains(&shown.row.id));
        // What waits is rare, and asking which task it is about costs more than to find that nothing does.
        if self.count_waiting()? > 0 {
            let waiting = self.waiting_tasks()?;
            rows.iter_mut().for_each(|shown| shown.pending |= waiting.contains(&shown.row.id));
        }
        Ok(rows)
    }

    /// Tasks of which something waits, as `Filter::pending` has them.
    fn waiting_tasks(&self) -> Result<BTreeSet<i64>> {
        self.db
            .prepare_cached(&waiting(&TASK))
            .and_then(|mut query| {
                query.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<Option<i64>>>>()
            })
            .map(|ids| ids.into_iter().flatten().gather())
            .map_err(|e| self.error(e))
    }

    /// One page of the tasks, read by `read`. SQLite knows only ASCII's letters, so words are looked for here.
    fn search<T>(&self, filter: &Filter, read: impl Fn(&rusqlite::Row) -> rusqlite::Result<T>) -> Result<Vec<T>> {
        let fields = filter.fields();
        let mut head = format!("SELECT {COMMON}");
        for field in &fields {
            head.extend([", ", field.column]);
        }
        head.push_str(", remote IS NOT NULL OR id < 0");
        if !filter.words.is_empty() {
            head.push_str(", title, description");
        }
        head.push_str(" FROM tasks t");
        let mut select = Select::new(&head, filter);
        select.sql.push_str(order_by(filter.sort, filter.ascending));
        if filter.words.is_empty() {
            select.sql.push_str(" LIMIT :limit OFFSET :offset");
            select.bind(":limit", filter.limit);
            select.bind(":offset", filter.offset);
        }
        let collect = || {
            let mut query = self.db.prepare_cached(&select.sql)?;
            let (title, description) = (COMMON_COUNT + fields.len() + 1, COMMON_COUNT + fields.len() + 2);
            let mut rows = query.query(&*select.bindings())?;
            let (mut found, mut passed) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                if !filter.words.is_empty() {
                    let text = |at| row.get_ref(at).map(|value| value.as_str().unwrap_or_default());
                    if !filter.contains_words(text(title)?, text(description)?) {
                        continue;
                    }
                    passed += 1;
                    if passed <= filter.offset {
                        continue;
                    }
                }
                found.push(read(row)?);
                if found.len() as u64 == u64::from(filter.limit) {
                    break;
                }
            }
            Ok(found)
        };
        collect().map_err(|e| self.error(e))
    }

    /// Those of the tasks that depend on an open one.
    pub fn blocked(&self, ids: impl Iterator<Item = i64>) -> Result<BTreeSet<i64>> {
        let list = format!("[{}]", ids.map(|id| id.to_string()).collect::<Vec<_>>().join(","));
        self.db
            .prepare_cached(&format!(
                "SELECT t.value FROM json_each(:ids) t WHERE EXISTS ({})",
                OPEN_NEED.replace("t.id", "t.value")
            ))
            .and_then(|mut query| {
                query
                    .query_map(named_params! {":ids": list}, |row| row.get::<_, i64>(0))?
                    .collect::<rusqlite::Result<Vec<_>>>()
            })
            .map(|ids| ids.into_iter().gather())
            .map_err(|e| self.error(e))
    }

    /// How many open tasks depend on each of these.
    pub fn waiting_for(&self, ids: impl Iterator<Item = i64>) -> Result<BTreeMap<i64, i64>> {
        let list = format!("[{}]", ids.map(|id| id.to_string()).collect::<Vec<_>>().join(","));
        self.db
            .prepare_cached(
                "SELECT t.value, (SELECT count(*) FROM task_dependencies d JOIN tasks n ON n.id = d.task_id \
                 WHERE d.depends_on_id = t.value AND n.deleted_at IS NULL \
                 AND n.status <> 'done' AND n.status <> 'canceled' AND n.status <> 'archived') FROM json_each(:ids) t",
            )
            .and_then(|mut query| {
                let pairs = query.query_map(named_params! {":ids": list}, |row| Ok((row.get(0)?, row.get(1)?)))?;
                pairs.collect::<rusqlite::Result<Vec<(i64, i64)>>>()
            })
            .map(|pairs| pairs.into_iter().gather())
            .map_err(|e| self.error(e))
    }

    /// Live rows of a kind that is known by names, oldest first; those that exist only here last.
    pub fn named_rows(&self, kind: &'static Kind, workspace_id: i64) -> Result<Vec<ShownRow>> {
        self.shown(kind, "workspace_id", workspace_id, "id < 0, abs(id)")
    }

    /// Live rows of a kind that are below a row, oldest first.
    pub fn below(&self, kind: &'static Kind, id: i64) -> Result<Vec<ShownRow>> {
        let Some(below) = kind.below() else { return Ok(Vec::new()) };
        self.shown(kind, below.column, id, "id < 0, created_us, abs(id)")
    }

    fn shown(&self, kind: &'static Kind, column: &str, id: i64, order: &str) -> Result<Vec<ShownRow>> {
        let statements = statements(kind);
        let sql = format!(
            "SELECT {}, remote IS NOT NULL OR id < 0 AS pending FROM {} WHERE {column} = ?1 AND deleted_at IS NULL \
             ORDER BY {order}",
            statements.columns, kind.table
        );
        self.db
            .prepare_cached(&sql)
            .and_then(|mut query| query.query_map([id], |row| statements.read_shown(row))?.collect())
            .map_err(|e| self.error(e))
    }

    /// Tasks that a task depends on, and those that depend on it.
    pub fn dependencies_of(&self, task_id: i64) -> Result<(Vec<Row>, Vec<Row>)> {
        let statements = statements(&TASK);
        let list = |near: &str, far: &str| {
            let sql = format!(
                "SELECT {} FROM tasks WHERE deleted_at IS NULL AND id IN \
                 (SELECT {far} FROM task_dependencies WHERE {near} = ?1) ORDER BY number",
                statements.columns
            );
            self.db
                .prepare_cached(&sql)
                .and_then(|mut query| {
                    query.query_map([task_id], |row| statements.read(row))?.collect::<rusqlite::Result<Vec<Row>>>()
                })
                .map_err(|e| self.error(e))
        };
        Ok((list("task_id", "depends_on_id")?, list("depends_on_id", "task_id")?))
    }
}

/// The statuses of tasks that are not open.
const CLOSED: [&str; 3] = ["done", "canceled", "archived"];

/// An open task that `t` depends on.
const OPEN_NEED: &str = "SELECT 1 FROM task_dependencies d JOIN tasks n ON n.id = d.depends_on_id \
     WHERE d.task_id = t.id AND n.deleted_at IS NULL \
     AND n.status <> 'done' AND n.status <> 'canceled' AND n.status <> 'archived'";

/// The ids of the rows of a kind of which something waits: changes of their own, of a row below them, or of a link that they
/// have. That an id is not 0 lets SQLite take the index of overlaid rows. A link says what it is of as operations do: by the
/// server's id, or by the create that has made it.
pub(super) fn waiting(kind: &Kind) -> String {
    let mut selects = Vec::new();
    overlaid(kind, &format!("{}.id", kind.table), "", &mut selects);
    for link in KINDS.into_iter().filter(|link| link.identity == Identity::Pair && link.ends == kind.name) {
        selects.push(format!(
            "SELECT CASE WHEN entity_id GLOB '*-*' THEN (SELECT remote_id FROM sync_queue WHERE op_id = q.entity_id) \
             ELSE CAST(entity_id AS INTEGER) END FROM sync_queue q WHERE synced = 0 AND state <> 'answered' \
             AND entity_type = '{}'",
            link.name
        ));
    }
    selects.join(" UNION ALL ")
}

/// Selects `id` of the rows of a kind that are overlaid, and of those below them, which are joined to what `id` is of.
fn overlaid(kind: &Kind, id: &str, joined: &str, selects: &mut Vec<String>) {
    let table = kind.table;
    for condition in ["id < 0", "id > 0 AND {table}.remote IS NOT NULL"] {
        let condition = condition.replace("{table}", table);
        selects.push(format!("SELECT {id} FROM {table}{joined} WHERE {table}.{condition}"));
    }
    for child in KINDS.into_iter().filter(|child| child.parent().is_some_and(|parent| parent.name == kind.name)) {
        let above = child.below().map_or("", |field| field.column);
        let reference = format!("{}.{above}", child.table);
        match id == format!("{table}.id") {
            true => overlaid(child, &reference, "", selects),
            false => overlaid(child, id, &format!(" JOIN {table} ON {table}.id = {reference}{joined}"), selects),
        }
    }
}

fn order_by(sort: Sort, ascending: bool) -> &'static str {
    match (sort, ascending) {
        (Sort::Priority, false) => " ORDER BY priority DESC, updated_us DESC, id",
        (Sort::Priority, true) => " ORDER BY priority, updated_us DESC, id",
        (Sort::Updated, false) => " ORDER BY updated_us DESC, id",
        (Sort::Updated, true) => " ORDER BY updated_us, id",
        (Sort::Created, false) => " ORDER BY created_us DESC, number DESC",
        (Sort::Created, true) => " ORDER BY created_us, number",
        // By the order of a task's life, not of the alphabet.
        (Sort::Status, false) => {
            " ORDER BY coalesce(nullif(instr('backlog todo active blocked done canceled archived', status), 0), 99) DESC, priority DESC, number"
        }
        (Sort::Status, true) => {
            " ORDER BY coalesce(nullif(instr('backlog todo active blocked done canceled archived', status), 0), 99), priority DESC, number"
        }
        (Sort::Number, false) => " ORDER BY number DESC",
        (Sort::Number, true) => " ORDER BY number",
        (Sort::Title, false) => " ORDER BY title COLLATE NOCASE DESC, number",
        (Sort::Title, true) => " ORDER BY title COLLATE NOCASE, number",
    }
}

/// A query that grows by fixed conditions; values are bound, never written into the text.
struct Select {
    sql: String,
    values: Vec<(String, Box<dyn ToSql>)>,
}

impl Select {
    fn new(head: &str, filter: &Filter) -> Select {
        let mut select = Select { sql: format!("{head} WHERE t.deleted_at IS NULL"), values: Vec::new() };
        select.equals("workspace_id", ":workspace", filter.workspace_id);
        select.equals("project_id", ":project", filter.project_id);
        select.equals("priority", ":priority", filter.priority);
        select.equals("assignee_id", ":owner", filter.owner.clone());
        select.equals("phase", ":phase", filter.phase.clone());
        select.equals("parent_id", ":parent", filter.parent_id);
        if !filter.statuses.is_empty() {
            select.sql.push_str(" AND status IN (SELECT value FROM json_each(:statuses))");
            select.bind(":statuses", json::to_string(&filter.statuses));
        }
        if filter.open_only {
            // For a list after NOT IN SQLite makes a table, and looks into it for each row.
            select.sql.push_str(" AND status <> 'done' AND status <> 'canceled' AND status <> 'archived'");
        }
        if !filter.labels.is_empty() {
            select.sql.push_str(
                " AND NOT EXISTS (SELECT value FROM json_each(:labels) EXCEPT SELECT value FROM json_each(t.labels))",
            );
            select.bind(":labels", json::to_string(&filter.labels));
        }
        if filter.ready {
            select.sql.push_str(&format!(" AND status <> 'blocked' AND NOT EXISTS ({OPEN_NEED})"));
        }
        if filter.blocked {
            select.sql.push_str(&format!(" AND (status = 'blocked' OR EXISTS ({OPEN_NEED}))"));
        }
        if filter.unassigned {
            select.sql.push_str(" AND (assignee_id IS NULL OR assignee_id = '')");
        }
        if let Some(owner) = &filter.owner_or_nobody {
            select.sql.push_str(" AND (assignee_id IS NULL OR assignee_id IN ('', :owner_or))");
            select.bind(":owner_or", owner.clone());
        }
        if let Some(since) = filter.updated_since {
            select.sql.push_str(" AND updated_us >= :since");
            select.bind(":since", since.0);
        }
        if filter.pending {
            select.sql.push_str(&format!(" AND id IN ({})", waiting(&TASK)));
        }
        select
    }

    fn equals(&mut self, column: &'static str, name: &'static str, value: Option<impl ToSql + 'static>) {
        if let Some(value) = value {
            self.sql.push_str(&format!(" AND {column} = {name}"));
            self.bind(name, value);
        }
    }

    fn bind(&mut self, name: &str, value: impl ToSql + 'static) {
        self.values.push((name.to_string(), Box::new(value)));
    }

    fn bindings(&self) -> Vec<(&str, &dyn ToSql)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_ref())).collect()
    }
}
