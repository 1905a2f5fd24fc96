//! The task list: filters, order, paging (api.md 2.5, 4.9).
//!
//! The statement is one text whatever is asked; a filter that was not given has a value that lets everything through.
//! Only the ORDER BY differs, and always ends with the id, so that pages neither skip nor repeat a row.

use crate::problem::Outcome;
use crate::store::tasks::{Task, from_row, select};
use crate::wire::Page;
use rusqlite::{Connection, ToSql, named_params};

macro_rules! matching {
    () => {
        "WHERE t.workspace_id = :workspace
             AND t.updated_at >= :updated_after
             AND (:include_deleted OR t.deleted_at IS NULL)
             AND (:project IS NULL OR t.project_id = :project)
             AND (:status IS NULL OR t.status IN (SELECT value FROM json_each(:status)))
             AND (:priority IS NULL OR t.priority IN (SELECT value FROM json_each(:priority)))
             AND (:priority_gte IS NULL OR t.priority >= :priority_gte)
             AND (:priority_lte IS NULL OR t.priority <= :priority_lte)
             AND (:owner IS NULL OR t.owner_id = :owner)
             AND (:creator IS NULL OR t.creator_id = :creator)
             AND (:agent IS NULL OR t.assigned_coding_agent = :agent)
             AND (:parent IS NULL OR t.parent_id = :parent)
             AND (:created_after IS NULL OR t.created_at >= :created_after)
             AND (:completed_after IS NULL OR t.completed_at >= :completed_after)
             AND (:completed_before IS NULL OR t.completed_at <= :completed_before)
             AND (:has_subtasks IS NULL OR :has_subtasks =
                 EXISTS (SELECT 1 FROM tasks s WHERE s.parent_id = t.id AND s.deleted_at IS NULL))
             AND NOT EXISTS (SELECT 1 FROM json_each(coalesce(:labels, '[]')) wanted WHERE wanted.value NOT IN
                 (SELECT l.name FROM task_labels c JOIN labels l ON l.id = c.label_id WHERE c.task_id = t.id)) "
    };
}

/// What to list. `None` lets everything through; times are microseconds and inclusive.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    pub project: Option<i64>,
    /// A JSON array: any of them.
    pub status: Option<String>,
    /// A JSON array: any of them.
    pub priority: Option<String>,
    pub priority_gte: Option<i64>,
    pub priority_lte: Option<i64>,
    pub owner: Option<String>,
    pub creator: Option<String>,
    /// A JSON array: all of them.
    pub labels: Option<String>,
    /// The parent's id.
    pub parent: Option<i64>,
    pub has_subtasks: Option<bool>,
    pub agent: Option<String>,
    pub created_after: Option<i64>,
    pub updated_after: Option<i64>,
    pub completed_after: Option<i64>,
    pub completed_before: Option<i64>,
    pub include_deleted: bool,
}

/// The columns one may sort by. Statuses sort in the order of a task's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Id,
    Number,
    Priority,
    Status,
    Title,
    CreatedAt,
    UpdatedAt,
    CompletedAt,
}

impl Sort {
    pub fn from_name(name: &str) -> Option<Sort> {
        Some(match name {
            "id" => Sort::Id,
            "number" | "identifier" => Sort::Number,
            "priority" => Sort::Priority,
            "status" => Sort::Status,
            "title" => Sort::Title,
            "created_at" => Sort::CreatedAt,
            "updated_at" => Sort::UpdatedAt,
            "completed_at" => Sort::CompletedAt,
            _ => return None,
        })
    }

    fn statement(self, descending: bool) -> &'static str {
        macro_rules! ordered {
            ($column:literal) => {
                match descending {
                    false => concat!(
                        select!(""),
                        matching!(),
                        "ORDER BY ",
                        $column,
                        " ASC, t.id ASC LIMIT :limit OFFSET :offset"
                    ),
                    true => concat!(
                        select!(""),
                        matching!(),
                        "ORDER BY ",
                        $column,
                        " DESC, t.id DESC LIMIT :limit OFFSET :offset"
                    ),
                }
            };
        }
        match self {
            Sort::Id => ordered!("t.id"),
            Sort::Number => ordered!("t.number"),
            Sort::Priority => ordered!("t.priority"),
            Sort::Status => ordered!(
                "CASE t.status WHEN 'backlog' THEN 0 WHEN 'todo' THEN 1 WHEN 'active' THEN 2 WHEN 'blocked' THEN 3
                     WHEN 'done' THEN 4 WHEN 'canceled' THEN 5 ELSE 6 END"
            ),
            Sort::Title => ordered!("t.title"),
            Sort::CreatedAt => ordered!("t.created_at"),
            Sort::UpdatedAt => ordered!("t.updated_at"),
            Sort::CompletedAt => ordered!("t.completed_at"),
        }
    }
}

/// One page of the matches, and how many there are in all.
pub fn list(
    connection: &Connection,
    workspace_id: i64,
    filter: &Filter,
    (sort, descending): (Sort, bool),
    page: Page,
) -> Outcome<(Vec<Task>, i64)> {
    let updated_after = filter.updated_after.unwrap_or(i64::MIN);
    let matching: &[(&str, &dyn ToSql)] = named_params! {
        ":workspace": workspace_id, ":updated_after": updated_after, ":include_deleted": filter.include_deleted,
        ":project": filter.project, ":status": filter.status, ":priority": filter.priority,
        ":priority_gte": filter.priority_gte, ":priority_lte": filter.priority_lte, ":owner": filter.owner,
        ":creator": filter.creator, ":agent": filter.agent, ":parent": filter.parent,
        ":created_after": filter.created_after, ":completed_after": filter.completed_after,
        ":completed_before": filter.completed_before, ":has_subtasks": filter.has_subtasks,
        ":labels": filter.labels,
    };
    let total = connection
        .prepare_cached(concat!("SELECT count(*) FROM tasks t ", matching!()))?
        .query_row(matching, |row| row.get(0))?;
    let window: &[(&str, &dyn ToSql)] = named_params! { ":limit": page.limit, ":offset": page.offset };
    let arguments: Vec<(&str, &dyn ToSql)> = matching.iter().chain(window).copied().collect();
    let mut statement = connection.prepare_cached(sort.statement(descending))?;
    let items = statement.query_map(arguments.as_slice(), from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok((items, total))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema::{self, Location};

    fn plan(sql: &str) -> String {
        let connection = schema::open(&Location::Memory, schema::Age::Any).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut rows = statement.raw_query();
        let mut lines = String::new();
        while let Some(row) = rows.next().unwrap() {
            lines += &row.get::<_, String>("detail").unwrap();
            lines.push('\n');
        }
        lines
    }

    #[test]
    fn pulling_changes_walks_an_index_and_sorts_nothing() {
        let plan = plan(Sort::UpdatedAt.statement(false));
        assert!(plan.contains("USING INDEX tasks_by_update (workspace_id=? AND updated_at>?)"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE FOR ORDER BY"), "{plan}");
    }

    #[test]
    fn counting_changes_walks_the_same_index() {
        let plan = plan(concat!("SELECT count(*) FROM tasks t ", matching!()));
        assert!(plan.contains("tasks_by_update (workspace_id=? AND updated_at>?)"), "{plan}");
    }
}
