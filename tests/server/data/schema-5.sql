-- A database of schema 5 as the server of that time left it; its API key is
-- anyt_agent_0af892562e02a4010df5b9a0ab82cbf5092edeacf6998bf6
PRAGMA foreign_keys = OFF;
PRAGMA application_id = 1634629971;
PRAGMA user_version = 5;
BEGIN TRANSACTION;
CREATE TABLE clock (last INTEGER NOT NULL);
INSERT INTO clock VALUES(1795954271368141);
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO secrets VALUES('salt',X'2161ccd5d2c6ff581e397724782365d1');
CREATE TABLE workspaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identifier TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT,
    owner_id TEXT NOT NULL,
    task_counter INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
);
INSERT INTO workspaces VALUES(1,'DEV','development',NULL,'user',3,1795954270125213,1795954270125213,NULL);
CREATE TABLE members (
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
) WITHOUT ROWID;
INSERT INTO members VALUES(1,'user','owner',1795954270125307);
CREATE TABLE projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL,
    lead_id TEXT,
    start_date TEXT,
    target_date TEXT,
    color TEXT,
    icon TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
, deletion_began INTEGER);
INSERT INTO projects VALUES(1,1,'development','Default project','active',NULL,NULL,NULL,NULL,NULL,1795954270125337,1795954270125337,NULL,NULL);
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    project_id INTEGER NOT NULL REFERENCES projects (id),
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL,
    priority INTEGER NOT NULL,
    owner_id TEXT,
    assignee_type TEXT NOT NULL,
    assigned_coding_agent TEXT,
    phase TEXT,
    estimate REAL,
    parent_id INTEGER REFERENCES tasks (id),
    implementation_plan TEXT,
    checklist TEXT,
    creator_id TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    started_at INTEGER,
    completed_at INTEGER,
    canceled_at INTEGER,
    archived_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER, goal_id INTEGER REFERENCES goals (id), plan_review_status TEXT, plan_reviewed_at INTEGER, plan_reviewed_by TEXT,
    UNIQUE (workspace_id, number)
);
INSERT INTO tasks VALUES(1,1,1,1,'old é',NULL,'backlog',0,NULL,'human',NULL,NULL,NULL,NULL,'a plan',NULL,'user',2,NULL,NULL,NULL,NULL,1795954271115457,1795954271345535,NULL,NULL,'pending',NULL,NULL);
INSERT INTO tasks VALUES(2,1,1,2,'second',NULL,'todo',2,NULL,'human',NULL,NULL,NULL,NULL,NULL,NULL,'user',1,NULL,NULL,NULL,NULL,1795954271136634,1795954271136634,NULL,NULL,NULL,NULL,NULL);
INSERT INTO tasks VALUES(3,1,1,3,'gone',NULL,'backlog',0,NULL,'human',NULL,NULL,NULL,NULL,NULL,NULL,'user',2,NULL,NULL,NULL,NULL,1795954271159130,1795954271181482,1795954271181482,NULL,NULL,NULL,NULL);
CREATE TABLE labels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    color TEXT,
    description TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (workspace_id, name)
);
INSERT INTO labels VALUES(1,1,'x',NULL,NULL,1795954271115736,1795954271115736);
INSERT INTO labels VALUES(2,1,'y',NULL,NULL,1795954271115981,1795954271115981);
CREATE TABLE task_labels (
    task_id INTEGER NOT NULL REFERENCES tasks (id),
    label_id INTEGER NOT NULL REFERENCES labels (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (task_id, label_id)
) WITHOUT ROWID;
INSERT INTO task_labels VALUES(1,1,0);
INSERT INTO task_labels VALUES(1,2,1);
INSERT INTO task_labels VALUES(2,1,0);
INSERT INTO task_labels VALUES(3,1,0);
CREATE TABLE dependencies (
    task_id INTEGER NOT NULL REFERENCES tasks (id),
    depends_on_id INTEGER NOT NULL REFERENCES tasks (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (task_id, depends_on_id)
) WITHOUT ROWID;
CREATE TABLE comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL REFERENCES tasks (id),
    author_id TEXT NOT NULL,
    content TEXT NOT NULL,
    mentioned_users TEXT NOT NULL,
    parent_id INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO comments VALUES(1,1,'user','a comment','[]',NULL,1795954271205312,NULL);
CREATE TABLE preferences (
    user_id TEXT PRIMARY KEY,
    workspace_id INTEGER REFERENCES workspaces (id),
    project_id INTEGER REFERENCES projects (id),
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE idempotency (
    user_id TEXT NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    removed_at INTEGER
) WITHOUT ROWID;
INSERT INTO users VALUES('user',1795954270125128,NULL);
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
CREATE TABLE removed_members (
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    user_id TEXT NOT NULL,
    removed_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
) WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO settings VALUES('default_workspace',1);
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
INSERT INTO api_keys VALUES(1,1,'user','ci','anyt_agent_0af8925',X'7a5b063d59751f0bc7b18e01ed4937f6602c3cdd3b1e8ff60a0f2109b8ea4865','["read","write"]',1795954271368020,NULL,NULL);
CREATE TABLE task_counts (
    workspace_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    is_deleted INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, project_id, status, is_deleted)
) WITHOUT ROWID;
INSERT INTO task_counts VALUES(1,1,'backlog',0,1);
INSERT INTO task_counts VALUES(1,1,'backlog',1,1);
INSERT INTO task_counts VALUES(1,1,'todo',0,1);
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
INSERT INTO goals VALUES(1,1,1,1,'a goal',NULL,NULL,'active','user',1795954271229470,1795954271229470,NULL);
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
INSERT INTO events VALUES(1,1,1,'user','user','task','1','created',NULL,'{"identifier":"DEV-1","title":"old é"}',NULL,1795954271116140);
INSERT INTO events VALUES(2,1,2,'user','user','task','2','created',NULL,'{"identifier":"DEV-2","title":"second"}',NULL,1795954271136870);
INSERT INTO events VALUES(3,1,3,'user','user','task','3','created',NULL,'{"identifier":"DEV-3","title":"gone"}',NULL,1795954271159383);
INSERT INTO events VALUES(4,1,3,'user','user','task','3','deleted',NULL,NULL,NULL,1795954271181643);
INSERT INTO events VALUES(5,1,1,'user','user','comment','1','created',NULL,NULL,NULL,1795954271205369);
INSERT INTO events VALUES(6,1,NULL,'user','user','goal','1','created',NULL,'{"title":"a goal"}',NULL,1795954271229587);
INSERT INTO events VALUES(7,1,1,'user','user','attempt','1','started',NULL,NULL,NULL,1795954271253391);
INSERT INTO events VALUES(8,1,1,'user','user','artifact','1','created',NULL,'{"name":"l"}',NULL,1795954271277433);
INSERT INTO events VALUES(9,1,2,'user','user','pull_request','1','registered',NULL,'{"pr_url":"https://x.example/1"}',NULL,1795954271321506);
INSERT INTO events VALUES(10,1,1,'user','user','task','1','plan_submitted',NULL,NULL,NULL,1795954271345669);
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
INSERT INTO attempts VALUES(1,1,'user','user',1795954271253325,NULL,'running',NULL,NULL,NULL,NULL,NULL,NULL,1795954271253325);
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
INSERT INTO artifacts VALUES(1,1,'log','l',NULL,NULL,9,'some text',1795954271277358,'some text');
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
INSERT INTO pull_requests VALUES(1,2,NULL,1,1,'https://x.example/1','a','main','abc','open','pending',0,0,0,'pending',NULL,0,0,0,NULL,NULL,NULL,NULL,1795954271321419,NULL,NULL,1795954271321419,1795954271321419);
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
INSERT INTO task_views VALUES(1,1,'user','mine',NULL,'{"status":"todo"}',0,0,1795954271302250,1795954271302250);
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
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('tokens',0);
INSERT INTO sqlite_sequence VALUES('workspaces',1);
INSERT INTO sqlite_sequence VALUES('projects',1);
INSERT INTO sqlite_sequence VALUES('tasks',3);
INSERT INTO sqlite_sequence VALUES('labels',2);
INSERT INTO sqlite_sequence VALUES('events',10);
INSERT INTO sqlite_sequence VALUES('comments',1);
INSERT INTO sqlite_sequence VALUES('goals',1);
INSERT INTO sqlite_sequence VALUES('attempts',1);
INSERT INTO sqlite_sequence VALUES('artifacts',1);
INSERT INTO sqlite_sequence VALUES('task_views',1);
INSERT INTO sqlite_sequence VALUES('pull_requests',1);
INSERT INTO sqlite_sequence VALUES('api_keys',1);
CREATE INDEX projects_by_workspace ON projects (workspace_id, id);
CREATE INDEX tasks_by_update ON tasks (workspace_id, updated_at, id);
CREATE INDEX tasks_by_parent ON tasks (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX tasks_by_project ON tasks (project_id);
CREATE INDEX task_labels_by_label ON task_labels (label_id);
CREATE INDEX dependencies_by_target ON dependencies (depends_on_id);
CREATE INDEX comments_by_task ON comments (task_id, id);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
CREATE INDEX api_keys_by_workspace ON api_keys (workspace_id, id);
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
CREATE INDEX tasks_free ON tasks
    (workspace_id, priority, id, project_id, status, deleted_at, owner_id, assigned_coding_agent)
    WHERE deleted_at IS NULL AND owner_id IS NULL AND assigned_coding_agent IS NULL;
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
CREATE INDEX tasks_by_goal ON tasks (goal_id) WHERE goal_id IS NOT NULL;
CREATE INDEX events_by_workspace ON events (workspace_id, id);
CREATE INDEX events_by_task ON events (task_id, id) WHERE task_id IS NOT NULL;
CREATE INDEX events_by_entity ON events (workspace_id, entity_type, entity_id, id);
CREATE INDEX attempts_by_task ON attempts (task_id, id);
CREATE INDEX artifacts_by_attempt ON artifacts (attempt_id, id);
CREATE INDEX pull_requests_by_workspace ON pull_requests (workspace_id, id);
COMMIT;
