-- The tables of anyt 0.1.0.
CREATE TABLE workspaces (
  id INTEGER PRIMARY KEY,
  identifier TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  synced_at TEXT NOT NULL,
  -- added
  task_counter INTEGER
);

CREATE TABLE projects (
  id INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  status TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  synced_at TEXT NOT NULL,
  FOREIGN KEY (workspace_id) REFERENCES workspaces(id)
);

CREATE TABLE tasks (
  id INTEGER PRIMARY KEY,
  project_id INTEGER NOT NULL,
  workspace_id INTEGER NOT NULL,
  identifier TEXT NOT NULL,
  title TEXT NOT NULL,
  description TEXT,
  status TEXT NOT NULL,
  priority INTEGER NOT NULL,
  assignee_id TEXT,
  version INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  synced_at TEXT NOT NULL,
  -- added
  number INTEGER NOT NULL,
  uid TEXT,
  assignee_type TEXT,
  assigned_coding_agent TEXT,
  labels TEXT NOT NULL DEFAULT '[]',   -- JSON array of names
  phase TEXT,
  estimate REAL,                       -- hours
  parent_id INTEGER,
  goal_id INTEGER,
  implementation_plan TEXT,
  checklist TEXT,
  creator_id TEXT,
  started_at TEXT,
  completed_at TEXT,
  canceled_at TEXT,
  archived_at TEXT,
  deleted_at TEXT,                     -- deleted here, not yet on the server
  created_us INTEGER NOT NULL,
  updated_us INTEGER NOT NULL,
  remote TEXT,                         -- the server's row as JSON, while operations on it are queued
  FOREIGN KEY (project_id) REFERENCES projects(id),
  FOREIGN KEY (workspace_id) REFERENCES workspaces(id)
);
CREATE INDEX tasks_by_identifier ON tasks(workspace_id, identifier);
CREATE INDEX tasks_by_number ON tasks(workspace_id, number);
CREATE INDEX tasks_by_priority ON tasks(workspace_id, priority DESC, updated_us DESC, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_by_update ON tasks(workspace_id, updated_us DESC, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_by_status ON tasks(workspace_id, status, priority DESC) WHERE deleted_at IS NULL;
CREATE INDEX tasks_by_parent ON tasks(parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE task_dependencies (
  id INTEGER PRIMARY KEY,
  task_id INTEGER NOT NULL,
  depends_on_id INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  synced_at TEXT NOT NULL,
  FOREIGN KEY (task_id) REFERENCES tasks(id),
  FOREIGN KEY (depends_on_id) REFERENCES tasks(id)
);
CREATE UNIQUE INDEX dependencies_by_task ON task_dependencies(task_id, depends_on_id);
CREATE INDEX dependencies_by_target ON task_dependencies(depends_on_id);

CREATE TABLE attempts (
  id INTEGER PRIMARY KEY,
  task_id INTEGER NOT NULL,
  status TEXT NOT NULL,
  failure_type TEXT,
  cost_tokens INTEGER,
  wall_clock_ms INTEGER,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  synced_at TEXT NOT NULL,
  FOREIGN KEY (task_id) REFERENCES tasks(id)
);

CREATE TABLE sync_queue (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  operation TEXT NOT NULL,
  entity_type TEXT NOT NULL,
  entity_id TEXT,
  remote_id INTEGER,
  payload TEXT NOT NULL,
  created_at TEXT NOT NULL,
  synced INTEGER DEFAULT 0,
  synced_at TEXT,
  error TEXT,
  -- added
  op_id TEXT NOT NULL UNIQUE,          -- UUID, the Idempotency-Key of a create
  workspace_id INTEGER NOT NULL,
  identifier TEXT NOT NULL,            -- the task's, for people and request paths
  depends_on_id INTEGER,               -- dependency operations: the task depended on
  depends_on TEXT,
  uncertain TEXT                       -- JSON: sent, answer unknown
);
CREATE INDEX queue_pending ON sync_queue(synced, id);

CREATE TABLE sync_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  direction TEXT NOT NULL,
  synced_at TEXT NOT NULL,
  changes INTEGER NOT NULL,
  conflicts INTEGER DEFAULT 0,
  errors INTEGER DEFAULT 0,
  -- added
  detail TEXT                          -- the error, or what a policy decided
);

CREATE TABLE sync_metadata (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
INSERT INTO sync_metadata (key, value) VALUES ('last_sync', '');

-- added tables
CREATE TABLE labels (
  id INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  color TEXT,
  description TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT,
  synced_at TEXT NOT NULL
);

CREATE TABLE members (
  workspace_id INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  role TEXT NOT NULL,
  created_at TEXT NOT NULL,
  synced_at TEXT NOT NULL,
  PRIMARY KEY (workspace_id, user_id)
);

CREATE TABLE artifacts (
  id INTEGER PRIMARY KEY,
  attempt_id INTEGER NOT NULL,
  type TEXT NOT NULL,
  name TEXT NOT NULL,
  uri TEXT,
  size_bytes INTEGER,
  mime_type TEXT,
  preview TEXT,
  created_at TEXT NOT NULL,
  synced_at TEXT NOT NULL,
  FOREIGN KEY (attempt_id) REFERENCES attempts(id)
);

-- The inbox: tasks whose queued operations wait for a decision.
CREATE TABLE conflicts (
  task_id INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  identifier TEXT NOT NULL,
  remote TEXT,                         -- the server's task as JSON; NULL: deleted there
  found_at TEXT NOT NULL
);

-- Names that provisional tasks had before the server gave them another.
CREATE TABLE renames (
  workspace_id INTEGER NOT NULL,
  old_identifier TEXT NOT NULL,
  task_id INTEGER NOT NULL,
  renamed_at TEXT NOT NULL,
  PRIMARY KEY (workspace_id, old_identifier, task_id)
);
