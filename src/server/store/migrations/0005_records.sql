-- What published clients keep beside tasks: plan reviews, events, attempts with artifacts, pull requests, goals, saved
-- views, settings of coding agents.

ALTER TABLE tasks ADD COLUMN goal_id INTEGER REFERENCES goals (id);
ALTER TABLE tasks ADD COLUMN plan_review_status TEXT;
ALTER TABLE tasks ADD COLUMN plan_reviewed_at INTEGER;
ALTER TABLE tasks ADD COLUMN plan_reviewed_by TEXT;
CREATE INDEX tasks_by_goal ON tasks (goal_id) WHERE goal_id IS NOT NULL;

CREATE TABLE goals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    project_id INTEGER NOT NULL REFERENCES projects (id),
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    -- A JSON object.
    context TEXT,
    status TEXT NOT NULL,
    creator_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    UNIQUE (workspace_id, number)
);

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    -- The task whose history it belongs to.
    task_id INTEGER REFERENCES tasks (id),
    actor_id TEXT NOT NULL,
    actor_type TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    -- A JSON object: from a field's name to its old and new value.
    changes TEXT,
    -- A JSON object.
    extra_metadata TEXT,
    coding_agent TEXT,
    created_at INTEGER NOT NULL
);
CREATE INDEX events_by_workspace ON events (workspace_id, id);
CREATE INDEX events_by_task ON events (task_id, id) WHERE task_id IS NOT NULL;
CREATE INDEX events_by_entity ON events (workspace_id, entity_type, entity_id, id);

CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL REFERENCES tasks (id),
    actor_id TEXT NOT NULL,
    actor_type TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    status TEXT NOT NULL,
    failure_class TEXT,
    failure_message TEXT,
    cost_tokens INTEGER,
    wall_clock_ms INTEGER,
    -- A JSON object.
    extra_metadata TEXT,
    coding_agent TEXT,
    created_at INTEGER NOT NULL
);
CREATE INDEX attempts_by_task ON attempts (task_id, id);

CREATE TABLE artifacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    attempt_id INTEGER NOT NULL REFERENCES attempts (id),
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    mime_type TEXT,
    extra_metadata TEXT,
    size_bytes INTEGER NOT NULL,
    preview TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- Last, so that lists need not read it.
    content TEXT NOT NULL
);
CREATE INDEX artifacts_by_attempt ON artifacts (attempt_id, id);

CREATE TABLE pull_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL REFERENCES tasks (id),
    attempt_id INTEGER REFERENCES attempts (id),
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    pr_number INTEGER NOT NULL,
    pr_url TEXT NOT NULL,
    head_branch TEXT NOT NULL,
    base_branch TEXT NOT NULL,
    head_sha TEXT NOT NULL,
    pr_status TEXT NOT NULL,
    review_status TEXT NOT NULL DEFAULT 'pending',
    review_count INTEGER NOT NULL DEFAULT 0,
    approved_count INTEGER NOT NULL DEFAULT 0,
    changes_requested_count INTEGER NOT NULL DEFAULT 0,
    ci_status TEXT NOT NULL DEFAULT 'pending',
    ci_conclusion TEXT,
    ci_check_runs_total INTEGER NOT NULL DEFAULT 0,
    ci_check_runs_completed INTEGER NOT NULL DEFAULT 0,
    ci_check_runs_failed INTEGER NOT NULL DEFAULT 0,
    mergeable INTEGER,
    mergeable_state TEXT,
    merge_commit_sha TEXT,
    extra_metadata TEXT,
    opened_at INTEGER NOT NULL,
    merged_at INTEGER,
    closed_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (task_id, pr_url)
);
CREATE INDEX pull_requests_by_workspace ON pull_requests (workspace_id, id);

CREATE TABLE task_views (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    -- A JSON object.
    filters TEXT NOT NULL,
    is_default INTEGER NOT NULL,
    display_order INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (workspace_id, user_id, name)
);

CREATE TABLE coding_agent_configs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    -- Empty for the workspace's own.
    user_id TEXT NOT NULL,
    agent_type TEXT NOT NULL,
    display_name TEXT,
    is_enabled INTEGER NOT NULL,
    -- A JSON object.
    config TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (workspace_id, user_id, agent_type)
);
