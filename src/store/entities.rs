//! Workspaces and members: read for people, replaced by a pull; and names of labels and projects.

use super::end::forget_marks;
use super::rows::{put_server_row, rows_of};
use super::{Result, Store, run};
use crate::model::project::PROJECT;
use crate::model::{Listed, Member, Project, Workspace};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

fn workspace(row: &Row) -> rusqlite::Result<Workspace> {
    Ok(Workspace {
        id: row.get(0)?,
        identifier: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        task_counter: row.get(4)?,
        state: None,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
    })
}

impl Store {
    /// Oldest first, as generation D orders them (api.md 2.3).
    pub fn workspaces(&self) -> Result<Vec<Workspace>> {
        self.db
            .prepare_cached(
                "SELECT id, identifier, name, description, task_counter, created_at, updated_at FROM workspaces ORDER BY id",
            )
            .and_then(|mut query| query.query_map([], workspace)?.collect())
            .map_err(|e| self.error(e))
    }

    /// Live projects of a workspace, oldest first; those that exist only here last.
    pub fn projects(&self, workspace_id: i64) -> Result<Vec<Project>> {
        Ok(self.named_rows(&PROJECT, workspace_id)?.iter().map(|shown| Project::of(&shown.row)).collect())
    }

    /// A workspace's members, by their user ids.
    pub fn members(&self, workspace_id: i64) -> Result<Vec<Member>> {
        let member =
            |row: &Row| Ok(Member { workspace_id, user_id: row.get(0)?, role: row.get(1)?, created_at: row.get(2)? });
        self.db
            .prepare_cached(
                "SELECT user_id, role, created_at FROM members WHERE workspace_id = :workspace ORDER BY user_id",
            )
            .and_then(|mut query| query.query_map(named_params! {":workspace": workspace_id}, member)?.collect())
            .map_err(|e| self.error(e))
    }

    /// The name of a person, as the newest of their comments has it: members come without names (api.md 3.6).
    pub fn person(&self, user_id: &str) -> Result<Option<String>> {
        self.db
            .prepare_cached(
                "SELECT author_name FROM comments WHERE author_id = ?1 AND author_name IS NOT NULL \
                 ORDER BY created_us DESC LIMIT 1",
            )
            .and_then(|mut query| query.query_row([user_id], |row| row.get(0)).optional())
            .map_err(|e| self.error(e))
    }

    pub fn label_names(&self, workspace_id: i64) -> Result<Vec<String>> {
        self.names(
            "SELECT name FROM labels WHERE workspace_id = :workspace AND deleted_at IS NULL ORDER BY name",
            workspace_id,
        )
    }

    fn names(&self, sql: &str, workspace_id: i64) -> Result<Vec<String>> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut query| {
                query.query_map(named_params! {":workspace": workspace_id}, |row| row.get(0))?.collect()
            })
            .map_err(|e| self.error(e))
    }

    /// Remembers workspaces and projects learnt outside a sync (`init`, `project create`).
    pub fn remember(&mut self, workspaces: &[Workspace], projects: &[crate::model::Row], now: &str) -> Result<()> {
        self.write(|db| {
            workspaces.iter().try_for_each(|workspace| put_workspace(db, workspace, now))?;
            projects.iter().try_for_each(|project| put_server_row(db, project, now))
        })
    }
}

/// Forgets everything a server told; the queue stays.
pub(super) fn forget_server(db: &Connection) -> rusqlite::Result<()> {
    rows_of().try_for_each(|kind| run(db, &format!("DELETE FROM {} WHERE id > 0", kind.table), []).map(drop))?;
    db.execute_batch(
        "DELETE FROM task_dependencies; DELETE FROM members; \
         DELETE FROM workspaces; DELETE FROM renames; DELETE FROM conflicts; \
         DELETE FROM sync_metadata WHERE key LIKE 'cursor:%' OR key LIKE 'cursor_task:%' OR key LIKE 'absent:%' \
         OR key LIKE 'listed:%' OR key LIKE 'unlisted:%' OR key LIKE 'state:%'; \
         DELETE FROM sync_queue WHERE synced = 1",
    )
}

/// Forgets a workspace and what belongs to it beside its tasks.
pub(super) fn forget_workspace(db: &Connection, workspace_id: i64) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM workspaces WHERE id = :workspace",
        "DELETE FROM projects WHERE workspace_id = :workspace AND id > 0",
        "DELETE FROM labels WHERE workspace_id = :workspace AND id > 0",
        "DELETE FROM members WHERE workspace_id = :workspace",
        "DELETE FROM renames WHERE workspace_id = :workspace",
    ] {
        run(db, sql, named_params! {":workspace": workspace_id})?;
    }
    forget_marks(db, workspace_id)
}

pub(super) fn put_workspace(db: &Connection, workspace: &Workspace, now: &str) -> rusqlite::Result<()> {
    run(
        db,
        "INSERT OR REPLACE INTO workspaces (id, identifier, name, description, created_at, updated_at, synced_at, \
         task_counter) VALUES (:id, :identifier, :name, :description, :created_at, :updated_at, :synced_at, :counter)",
        named_params! {
            ":id": workspace.id, ":identifier": workspace.identifier, ":name": workspace.name,
            ":description": workspace.description, ":created_at": workspace.created_at,
            ":updated_at": workspace.updated_at, ":synced_at": now, ":counter": workspace.task_counter,
        },
    )
    .map(drop)
}

/// A list that is not whole adds and changes rows, and takes none away.
fn forget_rows(db: &Connection, table: &str, workspace_id: i64) -> rusqlite::Result<()> {
    run(db, &format!("DELETE FROM {table} WHERE workspace_id = :workspace"), named_params! {":workspace": workspace_id})
        .map(drop)
}

pub(super) fn replace_members(
    db: &Connection,
    workspace_id: i64,
    members: &Listed<Member>,
    now: &str,
) -> rusqlite::Result<()> {
    if members.is_whole() {
        forget_rows(db, "members", workspace_id)?;
    }
    let mut insert = db.prepare_cached(
        "INSERT OR REPLACE INTO members (workspace_id, user_id, role, created_at, synced_at) \
         VALUES (:workspace, :user, :role, :created_at, :synced_at)",
    )?;
    members.items.iter().try_for_each(|member| {
        insert
            .execute(named_params! {
                ":workspace": workspace_id, ":user": member.user_id, ":role": member.role,
                ":created_at": member.created_at, ":synced_at": now,
            })
            .map(drop)
    })
}
