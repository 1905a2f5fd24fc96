-- How many tasks carry a label, so that a list by label knows its length and its best way without looking at each of
-- them; kept up to date by triggers like task_counts. And when an API key was last used.

CREATE TABLE label_counts (
    label_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    is_deleted INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (label_id, project_id, status, is_deleted)
) WITHOUT ROWID;

INSERT INTO label_counts
SELECT c.label_id, t.project_id, t.status, t.deleted_at IS NOT NULL, count(*)
FROM task_labels c JOIN tasks t ON t.id = c.task_id GROUP BY 1, 2, 3, 4;

CREATE TRIGGER count_new_label AFTER INSERT ON task_labels BEGIN
    INSERT INTO label_counts
        SELECT new.label_id, project_id, status, deleted_at IS NOT NULL, 1 FROM tasks WHERE id = new.task_id
        ON CONFLICT DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER count_removed_label AFTER DELETE ON task_labels BEGIN
    UPDATE label_counts SET number = number - 1
    WHERE label_id = old.label_id AND (project_id, status, is_deleted)
        = (SELECT project_id, status, deleted_at IS NOT NULL FROM tasks WHERE id = old.task_id);
END;

CREATE TRIGGER count_labels_of_changed_task AFTER UPDATE OF project_id, status, deleted_at ON tasks
WHEN new.project_id <> old.project_id OR new.status <> old.status
    OR (new.deleted_at IS NULL) <> (old.deleted_at IS NULL)
BEGIN
    UPDATE label_counts SET number = number - 1
    WHERE label_id IN (SELECT label_id FROM task_labels WHERE task_id = old.id) AND project_id = old.project_id
        AND status = old.status AND is_deleted = (old.deleted_at IS NOT NULL);
    INSERT INTO label_counts
        SELECT label_id, new.project_id, new.status, new.deleted_at IS NOT NULL, 1
        FROM task_labels WHERE task_id = new.id
        ON CONFLICT DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER forget_label_count AFTER DELETE ON labels BEGIN
    DELETE FROM label_counts WHERE label_id = old.id;
END;

-- To the minute.
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;
