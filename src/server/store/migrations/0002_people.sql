-- Users, tokens that can be listed and revoked, roles that mean something, deletions that can be undone.

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    removed_at INTEGER
) WITHOUT ROWID;

INSERT INTO users (id, created_at)
SELECT id, min(created_at) FROM (
    SELECT user_id AS id, created_at FROM members
    UNION ALL SELECT owner_id, created_at FROM workspaces
    UNION ALL SELECT user_id, created_at FROM tokens)
GROUP BY id;

ALTER TABLE tokens RENAME TO tokens_of_schema_1;

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    -- The first letters of the token, to tell it from others.
    prefix TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
);

INSERT INTO tokens (user_id, name, prefix, digest, created_at)
SELECT user_id, 'first start', '', digest, created_at FROM tokens_of_schema_1 ORDER BY created_at;

DROP TABLE tokens_of_schema_1;

-- Schema 1 kept any word and looked at none.
UPDATE members SET role = CASE
    WHEN user_id = (SELECT owner_id FROM workspaces WHERE id = members.workspace_id) THEN 'owner'
    WHEN lower(role) IN ('admin', 'maintainer') THEN 'admin'
    WHEN lower(role) = 'viewer' THEN 'viewer'
    ELSE 'member' END;

-- Who was removed from a workspace stays out of it until a person adds them again.
CREATE TABLE removed_members (
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    user_id TEXT NOT NULL,
    removed_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
) WITHOUT ROWID;

CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

-- The workspace of --token users: the one that the first start made.
INSERT INTO settings (name, value) SELECT 'default_workspace', min(id) FROM workspaces HAVING min(id) IS NOT NULL;

-- Tasks that were deleted from this instant on went with their project, and come back with it.
ALTER TABLE projects ADD COLUMN deletion_began INTEGER;
