-- What a page of tasks needs so that it costs the page and not the workspace: an index for every order that clients ask
-- for, with the columns they filter by (and deleted_at, without which SQLite would look it up in the table), and the numbers of tasks, kept up to date by triggers.

CREATE INDEX tasks_live_by_id ON tasks (workspace_id, id, project_id, status, deleted_at)
    WHERE deleted_at IS NULL;
CREATE INDEX tasks_live_by_update ON tasks (workspace_id, updated_at, id, project_id, status, deleted_at)
    WHERE deleted_at IS NULL;
CREATE INDEX tasks_live_by_creation ON tasks (workspace_id, created_at, id, project_id, status, deleted_at)
    WHERE deleted_at IS NULL;
CREATE INDEX tasks_live_by_priority ON tasks (workspace_id, priority, id, project_id, status, deleted_at)
    WHERE deleted_at IS NULL;
CREATE INDEX tasks_live_by_status ON tasks (
    workspace_id,
    CASE status WHEN 'backlog' THEN 0 WHEN 'todo' THEN 1 WHEN 'active' THEN 2 WHEN 'blocked' THEN 3
        WHEN 'done' THEN 4 WHEN 'canceled' THEN 5 ELSE 6 END,
    id, project_id, status, deleted_at)
    WHERE deleted_at IS NULL;
CREATE INDEX tasks_live_by_owner ON tasks (workspace_id, owner_id, priority, id, project_id, status, deleted_at)
    WHERE deleted_at IS NULL AND owner_id IS NOT NULL;
-- Suggestions are tasks that nobody has.
CREATE INDEX tasks_free ON tasks
    (workspace_id, priority, id, project_id, status, deleted_at, owner_id, assigned_coding_agent)
    WHERE deleted_at IS NULL AND owner_id IS NULL AND assigned_coding_agent IS NULL;

CREATE TABLE task_counts (
    workspace_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    is_deleted INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, project_id, status, is_deleted)
) WITHOUT ROWID;

INSERT INTO task_counts
SELECT workspace_id, project_id, status, deleted_at IS NOT NULL, count(*) FROM tasks GROUP BY 1, 2, 3, 4;

CREATE TRIGGER count_new_task AFTER INSERT ON tasks BEGIN
    INSERT INTO task_counts VALUES (new.workspace_id, new.project_id, new.status, new.deleted_at IS NOT NULL, 1)
        ON CONFLICT DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER count_changed_task AFTER UPDATE OF workspace_id, project_id, status, deleted_at ON tasks
WHEN new.workspace_id <> old.workspace_id OR new.project_id <> old.project_id OR new.status <> old.status
    OR (new.deleted_at IS NULL) <> (old.deleted_at IS NULL)
BEGIN
    UPDATE task_counts SET number = number - 1 WHERE workspace_id = old.workspace_id AND project_id = old.project_id
        AND status = old.status AND is_deleted = (old.deleted_at IS NOT NULL);
    INSERT INTO task_counts VALUES (new.workspace_id, new.project_id, new.status, new.deleted_at IS NOT NULL, 1)
        ON CONFLICT DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER count_removed_task AFTER DELETE ON tasks BEGIN
    UPDATE task_counts SET number = number - 1 WHERE workspace_id = old.workspace_id AND project_id = old.project_id
        AND status = old.status AND is_deleted = (old.deleted_at IS NOT NULL);
END;
