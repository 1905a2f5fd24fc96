-- API keys (api.md 3.13): a user's, for one workspace, with permissions.

CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    -- The first letters of the key, to tell it from others.
    prefix TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    -- A JSON list of words.
    permissions TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
);
CREATE INDEX api_keys_by_workspace ON api_keys (workspace_id, id);
