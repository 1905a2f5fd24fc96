-- A database of schema 1 as anyt-server 0.1.0 left it; the token of its first start is
-- anyt_31e09a472d73f1d554780c329a15126ed3f6f79a06d543f8
PRAGMA foreign_keys = OFF;
PRAGMA application_id = 1634629971;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE clock (last INTEGER NOT NULL);
INSERT INTO "clock" VALUES(1795931137080464);
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
INSERT INTO "comments" VALUES(1,1,'user','a comment','["bob"]',NULL,1795931136963878,NULL);
CREATE TABLE dependencies (
    task_id INTEGER NOT NULL REFERENCES tasks (id),
    depends_on_id INTEGER NOT NULL REFERENCES tasks (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (task_id, depends_on_id)
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
INSERT INTO "labels" VALUES(1,1,'x','#ff0000',NULL,1795931136933720,1795931136972220);
INSERT INTO "labels" VALUES(2,1,'y',NULL,NULL,1795931136933818,1795931136933818);
CREATE TABLE members (
    workspace_id INTEGER NOT NULL REFERENCES workspaces (id),
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
) WITHOUT ROWID;
INSERT INTO "members" VALUES(1,'ann','maintainer',1795931136982680);
INSERT INTO "members" VALUES(1,'bob','contributor',1795931136992855);
INSERT INTO "members" VALUES(1,'eve','viewer',1795931137002066);
INSERT INTO "members" VALUES(1,'odd','czar',1795931137009390);
INSERT INTO "members" VALUES(1,'user','admin',1795931135925509);
INSERT INTO "members" VALUES(2,'user','admin',1795931137043141);
CREATE TABLE preferences (
    user_id TEXT PRIMARY KEY,
    workspace_id INTEGER REFERENCES workspaces (id),
    project_id INTEGER REFERENCES projects (id),
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
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
);
INSERT INTO "projects" VALUES(1,1,'development','Default project','active',NULL,NULL,NULL,NULL,NULL,1795931135925549,1795931135925549,NULL);
INSERT INTO "projects" VALUES(2,1,'gone',NULL,'active',NULL,NULL,NULL,NULL,NULL,1795931137054831,1795931137080464,1795931137080464);
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO "secrets" VALUES('salt',X'E5E385363CCA19DD99AFE82BB1087C0E');
CREATE TABLE task_labels (
    task_id INTEGER NOT NULL REFERENCES tasks (id),
    label_id INTEGER NOT NULL REFERENCES labels (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (task_id, label_id)
) WITHOUT ROWID;
INSERT INTO "task_labels" VALUES(1,1,0);
INSERT INTO "task_labels" VALUES(1,2,1);
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
    deleted_at INTEGER,
    UNIQUE (workspace_id, number)
);
INSERT INTO "tasks" VALUES(1,1,1,1,'old é 🎉','text','backlog',0,NULL,'human',NULL,NULL,2.5,NULL,NULL,NULL,'user',1,NULL,NULL,NULL,NULL,1795931136933557,1795931136933557,NULL);
INSERT INTO "tasks" VALUES(2,1,2,2,'goes with it',NULL,'backlog',0,NULL,'human',NULL,NULL,NULL,NULL,NULL,NULL,'user',2,NULL,NULL,NULL,NULL,1795931137066446,1795931137080412,1795931137080412);
CREATE TABLE tokens (digest BLOB PRIMARY KEY, user_id TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "tokens" VALUES(X'804E177738328A891137CDE5B5232899DE667D2E04E9E39336A1F7429D4ED6C8','user',1795931135925267);
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
INSERT INTO "workspaces" VALUES(1,'DEV','development',NULL,'user',2,1795931135925413,1795931135925413,NULL);
INSERT INTO "workspaces" VALUES(2,'PER','Private',NULL,'user',0,1795931137043049,1795931137043049,NULL);
CREATE INDEX projects_by_workspace ON projects (workspace_id, id);
CREATE INDEX tasks_by_update ON tasks (workspace_id, updated_at, id);
CREATE INDEX tasks_by_parent ON tasks (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX tasks_by_project ON tasks (project_id);
CREATE INDEX task_labels_by_label ON task_labels (label_id);
CREATE INDEX dependencies_by_target ON dependencies (depends_on_id);
CREATE INDEX comments_by_task ON comments (task_id, id);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('workspaces',2);
INSERT INTO "sqlite_sequence" VALUES('projects',2);
INSERT INTO "sqlite_sequence" VALUES('tasks',2);
INSERT INTO "sqlite_sequence" VALUES('labels',2);
INSERT INTO "sqlite_sequence" VALUES('comments',1);
COMMIT;
