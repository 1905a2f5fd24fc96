//! Rows of `tasks`: reading them for people, finding one by the name somebody typed, writing one.

use super::Cache;
use crate::error::Result;
use crate::model::{Task, canonical_status};
use crate::time::Timestamp;
use miniserde::json;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, named_params};

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
    /// In title or description, ASCII case folded.
    pub search: Option<String>,
    /// Only tasks with queued operations.
    pub pending: bool,
    pub sort: Sort,
    pub ascending: bool,
    pub limit: u32,
    pub offset: u32,
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
    /// The same filter for a task that is not in the cache. `pending` has no meaning there.
    pub fn matches(&self, task: &Task) -> bool {
        let is = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        let contains = |text: &str| {
            let description = task.description.as_deref().unwrap_or("");
            [task.title.as_str(), description].iter().any(|hay| hay.to_ascii_lowercase().contains(text))
        };
        self.project_id.is_none_or(|id| id == task.project_id)
            && (self.statuses.is_empty() || self.statuses.contains(&task.status))
            && !(self.open_only && ["done", "canceled", "archived"].contains(&task.status.as_str()))
            && self.priority.is_none_or(|priority| priority == task.priority)
            && is(&self.owner, &task.owner_id)
            && is(&self.phase, &task.phase)
            && self.labels.iter().all(|label| task.labels.contains(label))
            && self.parent_id.is_none_or(|parent| task.parent_id == Some(parent))
            && self.search.as_ref().is_none_or(|text| contains(&text.to_ascii_lowercase()))
    }

    /// Sorts rows that are not in the cache as `list_tasks` would.
    pub fn sort_rows(&self, rows: &mut [TaskRow]) {
        let time = |text: &str| Timestamp::parse(text).map_or(0, |time| time.0);
        rows.sort_by(|a, b| {
            let (a, b) = (&a.task, &b.task);
            let order = match self.sort {
                Sort::Priority => a.priority.cmp(&b.priority),
                Sort::Updated => time(&a.updated_at).cmp(&time(&b.updated_at)),
                Sort::Created => time(&a.created_at).cmp(&time(&b.created_at)),
                Sort::Status => a.status.cmp(&b.status),
                Sort::Number => a.number.cmp(&b.number),
                Sort::Title => a.title.to_lowercase().cmp(&b.title.to_lowercase()),
            };
            let order = if self.ascending { order } else { order.reverse() };
            order.then_with(|| time(&b.updated_at).cmp(&time(&a.updated_at))).then(a.id.cmp(&b.id))
        });
    }
}

/// A task as lists show it.
#[derive(Debug, Clone)]
pub struct TaskRow {
    pub task: Task,
    /// Operations on it are queued.
    pub pending: bool,
}

/// Every column of `tasks` that a `Task` has, in the order `read` takes them.
macro_rules! columns {
    () => {
        "id, workspace_id, project_id, identifier, number, uid, title, description, status, priority, assignee_id, \
         assignee_type, assigned_coding_agent, labels, phase, estimate, parent_id, goal_id, implementation_plan, \
         checklist, creator_id, version, started_at, completed_at, canceled_at, archived_at, created_at, updated_at, \
         deleted_at, created_us, updated_us"
    };
}
pub(super) use columns;

pub(super) fn read(row: &Row) -> rusqlite::Result<Task> {
    Ok(Task {
        id: row.get(0)?,
        workspace_id: row.get(1)?,
        project_id: row.get(2)?,
        identifier: row.get(3)?,
        number: row.get(4)?,
        uid: row.get(5)?,
        title: row.get(6)?,
        description: row.get(7)?,
        status: row.get(8)?,
        priority: row.get(9)?,
        owner_id: row.get(10)?,
        assignee_type: row.get(11)?,
        assigned_coding_agent: row.get(12)?,
        labels: labels_from_text(&row.get::<_, String>(13)?),
        phase: row.get(14)?,
        estimate: row.get(15)?,
        parent_id: row.get(16)?,
        goal_id: row.get(17)?,
        implementation_plan: row.get(18)?,
        checklist: row.get(19)?,
        creator_id: row.get(20)?,
        version: row.get(21)?,
        started_at: row.get(22)?,
        completed_at: row.get(23)?,
        canceled_at: row.get(24)?,
        archived_at: row.get(25)?,
        created_at: row.get(26)?,
        updated_at: row.get(27)?,
        deleted_at: row.get(28)?,
    })
}

fn labels_from_text(text: &str) -> Vec<String> {
    if text == "[]" { Vec::new() } else { json::from_str(text).unwrap_or_default() }
}

/// Writes a task over whatever row has its id. `table` is `tasks` or `staging.tasks`; `remote` only exists in the
/// former and is set to NULL.
pub(super) fn write(db: &Connection, sql: &str, task: &Task, synced_at: &str) -> rusqlite::Result<()> {
    let instant = |text: &str| Timestamp::parse(text).map_or(0, |time| time.0);
    db.prepare_cached(sql)?
        .execute(named_params! {
            ":id": task.id, ":workspace_id": task.workspace_id, ":project_id": task.project_id,
            ":identifier": task.identifier, ":number": task.number, ":uid": task.uid, ":title": task.title,
            ":description": task.description, ":status": canonical_status(&task.status), ":priority": task.priority,
            ":assignee_id": task.owner_id, ":assignee_type": task.assignee_type,
            ":assigned_coding_agent": task.assigned_coding_agent, ":labels": json::to_string(&task.labels),
            ":phase": task.phase, ":estimate": task.estimate, ":parent_id": task.parent_id, ":goal_id": task.goal_id,
            ":implementation_plan": task.implementation_plan, ":checklist": task.checklist,
            ":creator_id": task.creator_id, ":version": task.version, ":started_at": task.started_at,
            ":completed_at": task.completed_at, ":canceled_at": task.canceled_at, ":archived_at": task.archived_at,
            ":created_at": task.created_at, ":updated_at": task.updated_at, ":deleted_at": task.deleted_at,
            ":created_us": instant(&task.created_at), ":updated_us": instant(&task.updated_at), ":synced_at": synced_at,
        })
        .map(drop)
}

macro_rules! write_into {
    ($table:literal) => {
        concat!(
            "INSERT OR REPLACE INTO ",
            $table,
            " (id, workspace_id, project_id, identifier, number, uid, title, description, status, priority, \
              assignee_id, assignee_type, assigned_coding_agent, labels, phase, estimate, parent_id, goal_id, \
              implementation_plan, checklist, creator_id, version, started_at, completed_at, canceled_at, archived_at, \
              created_at, updated_at, deleted_at, created_us, updated_us, synced_at) VALUES (:id, :workspace_id, \
              :project_id, :identifier, :number, :uid, :title, :description, :status, :priority, :assignee_id, \
              :assignee_type, :assigned_coding_agent, :labels, :phase, :estimate, :parent_id, :goal_id, \
              :implementation_plan, :checklist, :creator_id, :version, :started_at, :completed_at, :canceled_at, \
              :archived_at, :created_at, :updated_at, :deleted_at, :created_us, :updated_us, :synced_at)"
        )
    };
}
pub(super) use write_into;

pub(super) fn by_id(db: &Connection, id: i64) -> rusqlite::Result<Option<Task>> {
    db.prepare_cached(concat!("SELECT ", columns!(), " FROM tasks WHERE id = :id"))?
        .query_row(named_params! {":id": id}, read)
        .optional()
}

impl Cache {
    /// A task by id, also one whose delete is queued.
    pub fn task(&self, id: i64) -> Result<Option<Task>> {
        by_id(&self.db, id).map_err(|e| self.error(e))
    }

    /// The server's row of a task, without what is queued.
    pub fn server_task(&self, id: i64) -> Result<Option<Task>> {
        super::overlay::server_row(&self.db, id).map_err(|e| self.error(e))
    }

    /// A live task by its exact identifier.
    pub fn task_named(&self, workspace_id: i64, identifier: &str) -> Result<Option<Task>> {
        self.db
            .prepare_cached(concat!(
                "SELECT ",
                columns!(),
                " FROM tasks WHERE workspace_id = :workspace AND identifier = :identifier AND deleted_at IS NULL \
                 ORDER BY id DESC LIMIT 1"
            ))
            .and_then(|mut query| {
                query.query_row(named_params! {":workspace": workspace_id, ":identifier": identifier}, read).optional()
            })
            .map_err(|e| self.error(e))
    }

    /// Some task has this identifier, also one whose delete is queued.
    pub fn has_name(&self, workspace_id: i64, identifier: &str) -> Result<bool> {
        self.db
            .prepare_cached("SELECT 1 FROM tasks WHERE workspace_id = :workspace AND identifier = :identifier")
            .and_then(|mut query| query.exists(named_params! {":workspace": workspace_id, ":identifier": identifier}))
            .map_err(|e| self.error(e))
    }

    /// A live task by its server uid (`t_…`).
    pub fn task_by_uid(&self, uid: &str) -> Result<Option<Task>> {
        self.db
            .prepare_cached(concat!("SELECT ", columns!(), " FROM tasks WHERE uid = :uid AND deleted_at IS NULL"))
            .and_then(|mut query| query.query_row(named_params! {":uid": uid}, read).optional())
            .map_err(|e| self.error(e))
    }

    /// The task that was called `identifier` before it got another name, later than `after` (RFC 3339; empty: ever).
    pub fn renamed_task(&self, workspace_id: i64, identifier: &str, after: &str) -> Result<Option<Task>> {
        let id: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT task_id FROM renames WHERE workspace_id = :workspace AND old_identifier = :identifier \
                 AND renamed_at > :after ORDER BY renamed_at DESC LIMIT 1",
            )
            .and_then(|mut query| {
                query
                    .query_row(
                        named_params! {":workspace": workspace_id, ":identifier": identifier, ":after": after},
                        |row| row.get(0),
                    )
                    .optional()
            })
            .map_err(|e| self.error(e))?;
        id.map_or(Ok(None), |id| self.task(id))
    }

    /// Identifiers and titles of the live tasks whose number is nearest to `number`: for "did you mean".
    pub fn nearest_tasks(&self, workspace_id: i64, number: i64, count: u32) -> Result<Vec<(String, String)>> {
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

    /// The highest task number known in a workspace, 0 when there is none: numbers are never given twice (api.md 4.2).
    pub fn highest_number(&self, workspace_id: i64) -> Result<i64> {
        highest_number(&self.db, workspace_id).map_err(|e| self.error(e))
    }

    /// Live tasks that pass the filter, without the page's limit. Counted in the one index that answers the usual filter
    /// alone: by itself SQLite takes another one and reads every row for its status.
    pub fn count_tasks(&self, filter: &Filter) -> Result<i64> {
        let select = Select::new("SELECT count(*) FROM tasks t INDEXED BY tasks_by_status", filter);
        self.db
            .prepare_cached(&select.sql)
            .and_then(|mut query| query.query_row(&*select.bindings(), |row| row.get(0)))
            .map_err(|e| self.error(e))
    }

    /// One page of live tasks. Ties of the sort key are broken by number, newest first, so that paging is stable.
    pub fn list_tasks(&self, filter: &Filter) -> Result<Vec<TaskRow>> {
        let mut select =
            Select::new(concat!("SELECT ", columns!(), ", remote IS NOT NULL OR id < 0 FROM tasks t"), filter);
        select.sql.push_str(order_by(filter.sort, filter.ascending));
        select.sql.push_str(" LIMIT :limit OFFSET :offset");
        select.bind(":limit", filter.limit);
        select.bind(":offset", filter.offset);
        self.db
            .prepare_cached(&select.sql)
            .and_then(|mut query| {
                query
                    .query_map(&*select.bindings(), |row| Ok(TaskRow { task: read(row)?, pending: row.get(31)? }))?
                    .collect()
            })
            .map_err(|e| self.error(e))
    }

    /// Every live task of a workspace that the server knows, for tests of convergence and for counting.
    pub fn count_server_tasks(&self, workspace_id: i64) -> Result<i64> {
        self.db
            .prepare_cached("SELECT count(*) FROM tasks WHERE workspace_id = :workspace AND id > 0")
            .and_then(|mut query| query.query_row(named_params! {":workspace": workspace_id}, |row| row.get(0)))
            .map_err(|e| self.error(e))
    }

    /// Identifiers a task depends on, and those that depend on it, each with title and status.
    pub fn dependencies_of(&self, task_id: i64) -> Result<(Vec<Task>, Vec<Task>)> {
        let list = |sql: &str| {
            self.db
                .prepare_cached(sql)
                .and_then(|mut query| {
                    query.query_map(named_params! {":id": task_id}, read)?.collect::<rusqlite::Result<Vec<Task>>>()
                })
                .map_err(|e| self.error(e))
        };
        Ok((
            list(concat!(
                "SELECT ",
                columns!(),
                " FROM tasks WHERE deleted_at IS NULL AND id IN \
                 (SELECT depends_on_id FROM task_dependencies WHERE task_id = :id) ORDER BY number"
            ))?,
            list(concat!(
                "SELECT ",
                columns!(),
                " FROM tasks WHERE deleted_at IS NULL AND id IN \
                 (SELECT task_id FROM task_dependencies WHERE depends_on_id = :id) ORDER BY number"
            ))?,
        ))
    }
}

pub(super) fn highest_number(db: &Connection, workspace_id: i64) -> rusqlite::Result<i64> {
    db.prepare_cached(
        "SELECT max(coalesce((SELECT max(number) FROM tasks WHERE workspace_id = :workspace), 0), \
         coalesce((SELECT task_counter FROM workspaces WHERE id = :workspace), 0))",
    )?
    .query_row(named_params! {":workspace": workspace_id}, |row| row.get(0))
}

fn order_by(sort: Sort, ascending: bool) -> &'static str {
    match (sort, ascending) {
        (Sort::Priority, false) => " ORDER BY priority DESC, updated_us DESC, id",
        (Sort::Priority, true) => " ORDER BY priority, updated_us DESC, id",
        (Sort::Updated, false) => " ORDER BY updated_us DESC, id",
        (Sort::Updated, true) => " ORDER BY updated_us, id",
        (Sort::Created, false) => " ORDER BY created_us DESC, number DESC",
        (Sort::Created, true) => " ORDER BY created_us, number",
        (Sort::Status, false) => " ORDER BY status DESC, priority DESC, number",
        (Sort::Status, true) => " ORDER BY status, priority DESC, number",
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
        let mut select = Select { sql: format!("{head} WHERE deleted_at IS NULL"), values: Vec::new() };
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
            select.sql.push_str(" AND status NOT IN ('done', 'canceled', 'archived')");
        }
        if !filter.labels.is_empty() {
            select.sql.push_str(
                " AND NOT EXISTS (SELECT value FROM json_each(:labels) EXCEPT SELECT value FROM json_each(t.labels))",
            );
            select.bind(":labels", json::to_string(&filter.labels));
        }
        if let Some(text) = &filter.search {
            select
                .sql
                .push_str(" AND (instr(lower(title), :search) OR instr(lower(coalesce(description, '')), :search))");
            select.bind(":search", text.to_ascii_lowercase());
        }
        if filter.pending {
            select.sql.push_str(" AND (remote IS NOT NULL OR id < 0)");
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
