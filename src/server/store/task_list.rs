//! The task list: filters, order, paging (api.md 2.5, 4.9). A page costs what is on it, not what the workspace holds.
//!
//! A statement has the conditions of the filters that were given and no others, so that SQLite can walk the index whose
//! order is asked for. How many there are comes from `task_counts` where it can. Tasks that carry a label are found in
//! that order too where many carry it, else from the label; `label_counts` tells. A page nearer to the end of the list is
//! read from there, backwards. The order always ends with the id, so that pages neither skip nor repeat a row.

use crate::problem::Outcome;
use crate::store::labels::{self, Carried};
use crate::store::tasks::{self, Task};
use crate::wire::Page;
use rusqlite::{Connection, ToSql};

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
    /// All of them.
    pub labels: Vec<String>,
    /// The parent's id.
    pub parent: Option<i64>,
    pub has_subtasks: Option<bool>,
    pub agent: Option<String>,
    pub created_after: Option<i64>,
    pub updated_after: Option<i64>,
    pub completed_after: Option<i64>,
    pub completed_before: Option<i64>,
    /// Only tasks that nobody has, neither a person nor a coding agent.
    pub is_free: bool,
    /// Only tasks that depend on one which is not done.
    pub is_blocked: bool,
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

    fn column(self) -> &'static str {
        match self {
            Sort::Id => "t.id",
            Sort::Number => "t.number",
            Sort::Priority => "t.priority",
            // The very words of the index.
            Sort::Status => {
                "CASE t.status WHEN 'backlog' THEN 0 WHEN 'todo' THEN 1 WHEN 'active' THEN 2 WHEN 'blocked' THEN 3
                     WHEN 'done' THEN 4 WHEN 'canceled' THEN 5 ELSE 6 END"
            }
            Sort::Title => "t.title",
            Sort::CreatedAt => "t.created_at",
            Sort::UpdatedAt => "t.updated_at",
            Sort::CompletedAt => "t.completed_at",
        }
    }

    /// By the index that has live tasks in this order, with project and status at hand.
    fn way(self) -> &'static str {
        match self {
            Sort::Id => " INDEXED BY tasks_live_by_id",
            Sort::Priority => " INDEXED BY tasks_live_by_priority",
            Sort::Status => " INDEXED BY tasks_live_by_status",
            Sort::CreatedAt => " INDEXED BY tasks_live_by_creation",
            Sort::UpdatedAt => " INDEXED BY tasks_live_by_update",
            Sort::Number | Sort::Title | Sort::CompletedAt => "",
        }
    }
}

/// The conditions of one request, with their values in the order of the marks.
struct Question<'a> {
    conditions: String,
    values: Vec<&'a dyn ToSql>,
}

/// The labels that the tasks have to carry, and whether to find the tasks by the first of them.
#[derive(Default)]
struct Choice {
    labels: Vec<Carried>,
    from_label: bool,
}

const CARRIERS: &str = "t.id IN (SELECT task_id FROM task_labels WHERE label_id = ?)";
const CARRIES: &str = "EXISTS (SELECT 1 FROM task_labels c WHERE c.task_id = t.id AND c.label_id = ?)";

const BLOCKED: &str = " AND EXISTS (SELECT 1 FROM dependencies d CROSS JOIN tasks b ON b.id = d.depends_on_id
     WHERE d.task_id = t.id AND b.deleted_at IS NULL AND b.status <> 'done')";

impl<'a> Question<'a> {
    fn of(workspace_id: &'a i64, filter: &'a Filter, choice: &'a Choice) -> Question<'a> {
        let mut question = Question { conditions: "t.workspace_id = ?".into(), values: vec![workspace_id] };
        if !filter.include_deleted {
            question.conditions.push_str(" AND t.deleted_at IS NULL");
        }
        if filter.is_free {
            question.conditions.push_str(" AND t.owner_id IS NULL AND t.assigned_coding_agent IS NULL");
        }
        if filter.is_blocked {
            question.conditions.push_str(BLOCKED);
        }
        question.with("t.updated_at >= ?", &filter.updated_after);
        question.with("t.project_id = ?", &filter.project);
        question.with("t.status IN (SELECT value FROM json_each(?))", &filter.status);
        question.with("t.priority IN (SELECT value FROM json_each(?))", &filter.priority);
        question.with("t.priority >= ?", &filter.priority_gte);
        question.with("t.priority <= ?", &filter.priority_lte);
        question.with("t.owner_id = ?", &filter.owner);
        question.with("t.creator_id = ?", &filter.creator);
        question.with("t.assigned_coding_agent = ?", &filter.agent);
        question.with("t.parent_id = ?", &filter.parent);
        question.with("t.created_at >= ?", &filter.created_after);
        question.with("t.completed_at >= ?", &filter.completed_after);
        question.with("t.completed_at <= ?", &filter.completed_before);
        question.with(
            "? = EXISTS (SELECT 1 FROM tasks s WHERE s.parent_id = t.id AND s.deleted_at IS NULL)",
            &filter.has_subtasks,
        );
        for (position, label) in choice.labels.iter().enumerate() {
            let is_start = choice.from_label && position == 0;
            question.add(if is_start { CARRIERS } else { CARRIES }, &[&label.id]);
        }
        question
    }

    fn with<T: ToSql>(&mut self, condition: &str, value: &'a Option<T>) {
        if let Some(value) = value {
            self.add(condition, &[value]);
        }
    }

    fn add(&mut self, condition: &str, values: &[&'a dyn ToSql]) {
        self.conditions.push_str(" AND ");
        self.conditions.push_str(condition);
        self.values.extend_from_slice(values);
    }
}

impl Filter {
    /// Whether anything but project, status, deletion, labels and the time of change is asked.
    fn is_narrow(&self) -> bool {
        let wide = Filter {
            project: self.project,
            status: self.status.clone(),
            updated_after: self.updated_after,
            include_deleted: self.include_deleted,
            labels: self.labels.clone(),
            ..Filter::default()
        };
        *self != wide
    }

    /// How to find the tasks: by what narrows the list most, else along the order that is asked for. SQLite would take the
    /// order whenever there is an index for it, and walk the workspace for the children of one task.
    fn way(&self, sort: Sort, choice: &Choice) -> &'static str {
        if self.parent.is_some() {
            return " INDEXED BY tasks_by_parent";
        }
        if choice.from_label {
            // By id, from the label's tasks.
            return " NOT INDEXED";
        }
        if self.owner.is_some() && !self.include_deleted {
            return " INDEXED BY tasks_live_by_owner";
        }
        if self.is_free {
            let others = Filter { is_free: false, is_blocked: false, ..self.clone() };
            return if others.is_narrow() || sort != Sort::Priority { "" } else { " INDEXED BY tasks_free" };
        }
        match (self.is_narrow(), self.include_deleted, sort) {
            (false, true, Sort::UpdatedAt) => " INDEXED BY tasks_by_update",
            (false, false, sort) if self.updated_after.is_none() || sort == Sort::UpdatedAt => sort.way(),
            _ => "",
        }
    }
}

/// The ids of one page.
fn statement(way: &str, question: &Question, sort: Sort, descending: bool) -> String {
    let (conditions, column) = (&question.conditions, sort.column());
    let direction = if descending { "DESC" } else { "ASC" };
    format!(
        "SELECT t.id FROM tasks t{way} WHERE {conditions} ORDER BY {column} {direction}, t.id {direction} LIMIT ? OFFSET ?"
    )
}

fn counting(filter: &Filter, choice: &Choice, question: &Question) -> String {
    let order = if filter.is_free { Sort::Priority } else { Sort::UpdatedAt };
    format!("SELECT count(*) FROM tasks t{} WHERE {}", filter.way(order, choice), question.conditions)
}

/// One page of the matches, and how many there are in all.
pub fn list(
    connection: &Connection,
    workspace_id: i64,
    filter: &Filter,
    (sort, descending): (Sort, bool),
    page: Page,
) -> Outcome<(Vec<Task>, i64)> {
    let Some(labels) = labels::carried(connection, workspace_id, &filter.labels)? else { return Ok((Vec::new(), 0)) };
    let total = count_carriers(connection, workspace_id, filter, &labels)?;
    let wanted = (total - page.offset).clamp(0, page.limit);
    if wanted == 0 {
        return Ok((Vec::new(), total));
    }
    let behind = total - page.offset - wanted;
    let is_backwards = behind < page.offset;
    let (skipped, descending) = if is_backwards { (behind, !descending) } else { (page.offset, descending) };

    let choice = choice(connection, workspace_id, filter, sort, labels, (skipped + wanted, total))?;
    let question = Question::of(&workspace_id, filter, &choice);
    let window: [&dyn ToSql; 2] = [&wanted, &skipped];
    let values: Vec<&dyn ToSql> = question.values.iter().chain(&window).copied().collect();
    let mut statement =
        connection.prepare_cached(&statement(filter.way(sort, &choice), &question, sort, descending))?;
    let mut ids: Vec<i64> =
        statement.query_map(values.as_slice(), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    if is_backwards {
        ids.reverse();
    }
    Ok((tasks::by_ids(connection, &ids)?, total))
}

/// How many tasks match.
pub fn count(connection: &Connection, workspace_id: i64, filter: &Filter) -> Outcome<i64> {
    match labels::carried(connection, workspace_id, &filter.labels)? {
        Some(labels) => count_carriers(connection, workspace_id, filter, &labels),
        None => Ok(0),
    }
}

/// The same, of tasks that carry these labels.
fn count_carriers(connection: &Connection, workspace_id: i64, filter: &Filter, labels: &[Carried]) -> Outcome<i64> {
    if !filter.is_narrow() && filter.updated_after.is_none() && labels.len() < 2 {
        return kept_count(connection, workspace_id, filter, labels.first());
    }
    let choice = Choice { from_label: !labels.is_empty(), labels: labels.to_vec() };
    let question = Question::of(&workspace_id, filter, &choice);
    let mut statement = connection.prepare_cached(&counting(filter, &choice, &question))?;
    Ok(statement.query_row(question.values.as_slice(), |row| row.get(0))?)
}

/// How to find tasks that carry labels. Along the order that is asked for, one of so many tasks is one of `total`, which
/// is what makes a page; from the label, all of its tasks are sorted.
fn choice(
    connection: &Connection,
    workspace_id: i64,
    filter: &Filter,
    sort: Sort,
    labels: Vec<Carried>,
    (wanted, total): (i64, i64),
) -> Outcome<Choice> {
    let Some(rarest) = labels.first().copied() else { return Ok(Choice::default()) };
    let has_index = !sort.way().is_empty() && !filter.is_narrow() && !filter.include_deleted;
    if !has_index || filter.updated_after.is_some() {
        return Ok(Choice { labels, from_label: true });
    }
    let all = kept_count(connection, workspace_id, filter, None)?;
    // 128 bits: a page may begin at any offset.
    let steps = i128::from(wanted) * i128::from(all) / i128::from(total.max(1));
    Ok(Choice { labels, from_label: i128::from(rarest.tasks) < steps })
}

/// How many tasks there are, or how many carry the label, by project, status and deletion alone.
fn kept_count(connection: &Connection, workspace_id: i64, filter: &Filter, label: Option<&Carried>) -> Outcome<i64> {
    let (table, mut question) = match label {
        Some(label) => ("label_counts", Question { conditions: "t.label_id = ?".into(), values: vec![&label.id] }),
        None => ("task_counts", Question { conditions: "t.workspace_id = ?".into(), values: vec![&workspace_id] }),
    };
    question.with("t.project_id = ?", &filter.project);
    question.with("t.status IN (SELECT value FROM json_each(?))", &filter.status);
    if !filter.include_deleted {
        question.conditions.push_str(" AND t.is_deleted = 0");
    }
    let sql = format!("SELECT coalesce(sum(number), 0) FROM {table} t WHERE {}", question.conditions);
    Ok(connection.prepare_cached(&sql)?.query_row(question.values.as_slice(), |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema::{self, Location};

    const SORTS: [Sort; 5] = [Sort::Id, Sort::Priority, Sort::Status, Sort::CreatedAt, Sort::UpdatedAt];

    /// What clients ask for: everything, one project, some statuses, what has changed.
    fn filters() -> Vec<Filter> {
        let everything = Filter::default();
        let project = Filter { project: Some(1), ..Filter::default() };
        let status = Filter { status: Some("[\"todo\"]".into()), ..project.clone() };
        vec![everything, project, status]
    }

    fn plan(connection: &Connection, sql: &str) -> String {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("SQL");
        let mut rows = statement.raw_query();
        let mut lines = String::new();
        while let Some(row) = rows.next().expect("a plan") {
            lines += &row.get::<_, String>("detail").expect("text");
            lines.push('\n');
        }
        lines
    }

    #[test]
    fn every_order_that_clients_ask_for_is_that_of_a_covering_index() {
        let connection = schema::open(&Location::Memory, schema::Age::Any).expect("a database");
        for (filter, sort, descending) in filters()
            .iter()
            .flat_map(|filter| SORTS.iter().flat_map(move |sort| [(filter, *sort, true), (filter, *sort, false)]))
        {
            for labels in [vec![], vec![Carried { id: 1, tasks: 1 }; 2]] {
                let choice = Choice { labels, from_label: false };
                let question = Question::of(&1, filter, &choice);
                let plan = plan(&connection, &statement(filter.way(sort, &choice), &question, sort, descending));
                let index = sort.way().trim_start_matches(" INDEXED BY ");
                assert!(plan.contains(&format!("SEARCH t USING COVERING INDEX {index} (workspace_id=?)")), "{plan}");
                assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN c"), "{plan}");
            }
        }
    }

    #[test]
    fn changes_are_pulled_and_counted_along_an_index() {
        let connection = schema::open(&Location::Memory, schema::Age::Any).expect("a database");
        for (include_deleted, index) in [(false, "tasks_live_by_update"), (true, "tasks_by_update")] {
            let filter = Filter { updated_after: Some(1), include_deleted, ..Filter::default() };
            let none = Choice::default();
            let question = Question::of(&1, &filter, &none);
            let way = filter.way(Sort::UpdatedAt, &none);
            for sql in [statement(way, &question, Sort::UpdatedAt, false), counting(&filter, &none, &question)] {
                let plan = plan(&connection, &sql);
                assert!(plan.contains(&format!("INDEX {index} (workspace_id=? AND updated_at>?)")), "{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            }
        }
    }

    #[test]
    fn whatever_else_is_asked_starts_from_an_index_too() {
        let connection = schema::open(&Location::Memory, schema::Age::Any).expect("a database");
        let text = |text: &str| Some(text.to_string());
        for (filter, index) in [
            (Filter { owner: text("ann"), ..Filter::default() }, "tasks_live_by_owner"),
            (Filter { parent: Some(1), ..Filter::default() }, "tasks_by_parent"),
            (Filter { creator: text("ann"), ..Filter::default() }, "tasks_live_by_"),
            (Filter { include_deleted: true, ..Filter::default() }, "(workspace_id=?"),
            (Filter { is_free: true, status: text("[]"), ..Filter::default() }, "COVERING INDEX tasks_free"),
        ] {
            let none = Choice::default();
            let question = Question::of(&1, &filter, &none);
            let way = filter.way(Sort::Priority, &none);
            for sql in [statement(way, &question, Sort::Priority, true), counting(&filter, &none, &question)] {
                let plan = plan(&connection, &sql);
                assert!(plan.contains(index) && !plan.contains("SCAN t"), "{sql}\n{plan}");
            }
        }
        let rare = Choice { labels: vec![Carried { id: 1, tasks: 1 }; 2], from_label: true };
        let filter = Filter::default();
        let question = Question::of(&1, &filter, &rare);
        let way = filter.way(Sort::Priority, &rare);
        for sql in [statement(way, &question, Sort::Priority, true), counting(&filter, &rare, &question)] {
            let plan = plan(&connection, &sql);
            assert!(plan.contains("INTEGER PRIMARY KEY") && plan.contains("task_labels_by_label"), "{sql}\n{plan}");
            assert!(!plan.contains("SCAN t") && !plan.contains("SCAN c"), "{sql}\n{plan}");
        }
    }
}
