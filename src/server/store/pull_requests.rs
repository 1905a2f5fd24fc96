//! Pull requests of tasks (api.md 3.12), as whoever registered them says.

use crate::problem::{Outcome, Problem};
use crate::store::{clock, existing, page};
use crate::wire::Page;
use anyt::time::Timestamp;
use rusqlite::{Connection, Row, ToSql, named_params};

#[derive(Debug, Clone, PartialEq)]
pub struct PullRequest {
    pub id: i64,
    pub task_id: i64,
    pub attempt_id: Option<i64>,
    pub workspace_id: i64,
    pub project_id: i64,
    pub number: i64,
    pub url: String,
    pub head_branch: String,
    pub base_branch: String,
    pub opened_at: Timestamp,
    pub merged_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub state: State,
}

/// What changes while it is open.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    pub head_sha: String,
    pub status: String,
    pub review_status: String,
    pub review_count: i64,
    pub approved_count: i64,
    pub changes_requested_count: i64,
    pub ci_status: String,
    pub ci_conclusion: Option<String>,
    pub ci_check_runs_total: i64,
    pub ci_check_runs_completed: i64,
    pub ci_check_runs_failed: i64,
    pub mergeable: Option<bool>,
    pub mergeable_state: Option<String>,
    pub merge_commit_sha: Option<String>,
    /// A JSON object.
    pub extra_metadata: Option<String>,
}

fn from_row(row: &Row) -> rusqlite::Result<PullRequest> {
    let time = |column: &str| row.get::<_, Option<i64>>(column).map(|at| at.map(Timestamp));
    Ok(PullRequest {
        id: row.get("id")?,
        task_id: row.get("task_id")?,
        attempt_id: row.get("attempt_id")?,
        workspace_id: row.get("workspace_id")?,
        project_id: row.get("project_id")?,
        number: row.get("pr_number")?,
        url: row.get("pr_url")?,
        head_branch: row.get("head_branch")?,
        base_branch: row.get("base_branch")?,
        opened_at: Timestamp(row.get("opened_at")?),
        merged_at: time("merged_at")?,
        closed_at: time("closed_at")?,
        created_at: Timestamp(row.get("created_at")?),
        updated_at: Timestamp(row.get("updated_at")?),
        state: State {
            head_sha: row.get("head_sha")?,
            status: row.get("pr_status")?,
            review_status: row.get("review_status")?,
            review_count: row.get("review_count")?,
            approved_count: row.get("approved_count")?,
            changes_requested_count: row.get("changes_requested_count")?,
            ci_status: row.get("ci_status")?,
            ci_conclusion: row.get("ci_conclusion")?,
            ci_check_runs_total: row.get("ci_check_runs_total")?,
            ci_check_runs_completed: row.get("ci_check_runs_completed")?,
            ci_check_runs_failed: row.get("ci_check_runs_failed")?,
            mergeable: row.get("mergeable")?,
            mergeable_state: row.get("mergeable_state")?,
            merge_commit_sha: row.get("merge_commit_sha")?,
            extra_metadata: row.get("extra_metadata")?,
        },
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT p.*, t.project_id FROM pull_requests p JOIN tasks t ON t.id = p.task_id ", $rest)
    };
}

/// Those of one task, oldest first.
pub fn of_task(connection: &Connection, task_id: i64) -> Outcome<Vec<PullRequest>> {
    let mut statement = connection.prepare_cached(select!("WHERE p.task_id = :task ORDER BY p.id"))?;
    Ok(page::rows(&mut statement, named_params! { ":task": task_id }, from_row)?)
}

/// Those of live tasks of the workspace, newest first.
pub fn list(
    connection: &Connection,
    workspace_id: i64,
    (status, project): (Option<&str>, Option<i64>),
    page: Page,
) -> Outcome<Vec<PullRequest>> {
    let mut statement = connection.prepare_cached(select!(
        "WHERE p.workspace_id = :workspace AND t.deleted_at IS NULL AND (:status IS NULL OR p.pr_status = :status)
             AND (:project IS NULL OR t.project_id = :project)
         ORDER BY p.id DESC LIMIT :limit OFFSET :offset"
    ))?;
    let arguments = named_params! {
        ":workspace": workspace_id, ":status": status, ":project": project, ":limit": page.limit,
        ":offset": page.offset,
    };
    Ok(page::rows(&mut statement, arguments, from_row)?)
}

/// A pull request of a live task of the workspace.
pub fn get(connection: &Connection, workspace_id: i64, id: i64) -> Outcome<PullRequest> {
    let found = connection
        .prepare_cached(select!("WHERE p.id = :id AND p.workspace_id = :workspace AND t.deleted_at IS NULL"))?
        .query_row(named_params! { ":id": id, ":workspace": workspace_id }, from_row);
    existing(found, "pull request", id)
}

/// What the server decides (ids, times) is not read. 409 where the task has it already. Returns the new id.
pub fn create(connection: &Connection, new: &PullRequest) -> Outcome<i64> {
    let taken: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM pull_requests WHERE task_id = :task AND pr_url = :url)",
        named_params! { ":task": new.task_id, ":url": new.url },
        |row| row.get(0),
    )?;
    if taken {
        return Err(Problem::conflict("pull-request-exists", format!("the task has {} already", new.url)));
    }
    let now = clock::tick(connection)?;
    connection.execute(
        "INSERT INTO pull_requests (task_id, attempt_id, workspace_id, pr_number, pr_url, head_branch, base_branch,
             head_sha, pr_status, opened_at, created_at, updated_at)
         VALUES (:task, :attempt, :workspace, :number, :url, :head, :base, :sha, :status, :now, :now, :now)",
        named_params! {
            ":task": new.task_id, ":attempt": new.attempt_id, ":workspace": new.workspace_id, ":number": new.number,
            ":url": new.url, ":head": new.head_branch, ":base": new.base_branch, ":sha": new.state.head_sha,
            ":status": new.state.status, ":now": now,
        },
    )?;
    let id = connection.last_insert_rowid();
    mark_end(connection, id, &new.state.status, now)?;
    Ok(id)
}

pub fn save(connection: &Connection, id: i64, state: &State) -> Outcome<()> {
    let now = clock::tick(connection)?;
    let values: [(&str, &dyn ToSql); 17] = [
        (":id", &id),
        (":now", &now),
        (":sha", &state.head_sha),
        (":status", &state.status),
        (":review", &state.review_status),
        (":reviews", &state.review_count),
        (":approved", &state.approved_count),
        (":requested", &state.changes_requested_count),
        (":ci", &state.ci_status),
        (":conclusion", &state.ci_conclusion),
        (":runs", &state.ci_check_runs_total),
        (":completed", &state.ci_check_runs_completed),
        (":failed", &state.ci_check_runs_failed),
        (":mergeable", &state.mergeable),
        (":mergeable_state", &state.mergeable_state),
        (":merge_sha", &state.merge_commit_sha),
        (":extra", &state.extra_metadata),
    ];
    connection
        .prepare_cached(
            "UPDATE pull_requests SET head_sha = :sha, pr_status = :status, review_status = :review,
                 review_count = :reviews, approved_count = :approved, changes_requested_count = :requested,
                 ci_status = :ci, ci_conclusion = :conclusion, ci_check_runs_total = :runs,
                 ci_check_runs_completed = :completed, ci_check_runs_failed = :failed, mergeable = :mergeable,
                 mergeable_state = :mergeable_state, merge_commit_sha = :merge_sha, extra_metadata = :extra,
                 updated_at = :now
             WHERE id = :id",
        )?
        .execute(&values[..])?;
    mark_end(connection, id, &state.status, now)
}

/// The times of merging and closing follow the status; one that was set stays until it is opened again.
fn mark_end(connection: &Connection, id: i64, status: &str, now: i64) -> Outcome<()> {
    connection.execute(
        "UPDATE pull_requests SET
             merged_at = CASE WHEN :status = 'merged' THEN coalesce(merged_at, :now) END,
             closed_at = CASE WHEN :status IN ('merged', 'closed') THEN coalesce(closed_at, :now) END
         WHERE id = :id",
        named_params! { ":id": id, ":status": status, ":now": now },
    )?;
    Ok(())
}
