CREATE TABLE workspaces (
  id INTEGER PRIMARY KEY, identifier TEXT NOT NULL, name TEXT NOT NULL, description TEXT, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, synced_at TEXT NOT NULL, task_counter INTEGER
);
CREATE TABLE projects (
  id INTEGER PRIMARY KEY, workspace_id INTEGER NOT NULL, name TEXT NOT NULL, description TEXT, status TEXT NOT NULL,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, synced_at TEXT NOT NULL, identifier TEXT NOT NULL DEFAULT '',
  number INTEGER NOT NULL DEFAULT 0, uid TEXT, version INTEGER NOT NULL DEFAULT 0, deleted_at TEXT,
  created_us INTEGER NOT NULL DEFAULT 0, updated_us INTEGER NOT NULL DEFAULT 0, lead_id TEXT, start_date TEXT,
  target_date TEXT, color TEXT, icon TEXT, remote TEXT, made_by TEXT, unknown TEXT,
  FOREIGN KEY (workspace_id) REFERENCES workspaces(id)
);
CREATE UNIQUE INDEX projects_by_maker ON projects(made_by) WHERE made_by IS NOT NULL;
CREATE INDEX projects_overlaid ON projects(id) WHERE remote IS NOT NULL;

CREATE TABLE tasks (
  id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, workspace_id INTEGER NOT NULL, identifier TEXT NOT NULL,
  title TEXT NOT NULL, description TEXT, status TEXT NOT NULL, priority INTEGER NOT NULL, assignee_id TEXT,
  version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, synced_at TEXT NOT NULL,
  number INTEGER NOT NULL, uid TEXT, assignee_type TEXT, assigned_coding_agent TEXT, labels TEXT NOT NULL DEFAULT '[]',
  phase TEXT, estimate REAL, parent_id INTEGER, goal_id INTEGER, implementation_plan TEXT, checklist TEXT, creator_id TEXT,
  started_at TEXT, completed_at TEXT, canceled_at TEXT, archived_at TEXT, deleted_at TEXT, created_us INTEGER NOT NULL,
  updated_us INTEGER NOT NULL, remote TEXT, made_by TEXT, below_read INTEGER, unknown TEXT,
  FOREIGN KEY (project_id) REFERENCES projects(id), FOREIGN KEY (workspace_id) REFERENCES workspaces(id)
);
CREATE INDEX tasks_by_identifier ON tasks(workspace_id, identifier);
CREATE INDEX tasks_by_number ON tasks(workspace_id, number);
CREATE INDEX tasks_by_priority ON tasks(workspace_id, priority DESC, updated_us DESC, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_by_update ON tasks(workspace_id, updated_us DESC, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_by_status ON tasks(workspace_id, status, priority DESC) WHERE deleted_at IS NULL;
CREATE INDEX tasks_by_parent ON tasks(parent_id) WHERE parent_id IS NOT NULL;
CREATE UNIQUE INDEX tasks_by_maker ON tasks(made_by) WHERE made_by IS NOT NULL;
CREATE INDEX tasks_overlaid ON tasks(id) WHERE remote IS NOT NULL;
CREATE TABLE task_dependencies (
  id INTEGER PRIMARY KEY, task_id INTEGER NOT NULL, depends_on_id INTEGER NOT NULL, created_at TEXT NOT NULL,
  synced_at TEXT NOT NULL, FOREIGN KEY (task_id) REFERENCES tasks(id), FOREIGN KEY (depends_on_id) REFERENCES tasks(id)
);
CREATE UNIQUE INDEX dependencies_by_task ON task_dependencies(task_id, depends_on_id);
CREATE INDEX dependencies_by_target ON task_dependencies(depends_on_id);
CREATE TABLE attempts (
  id INTEGER PRIMARY KEY, task_id INTEGER, workspace_id INTEGER NOT NULL, identifier TEXT NOT NULL, status TEXT,
  failure_type TEXT, failure_message TEXT, cost_tokens INTEGER, wall_clock_ms INTEGER, notes TEXT,
  executed_by_coding_agent TEXT, actor_id TEXT, actor_type TEXT, started_at TEXT, ended_at TEXT, artifacts_count INTEGER,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, synced_at TEXT NOT NULL, number INTEGER NOT NULL, uid TEXT,
  version INTEGER NOT NULL, deleted_at TEXT, created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL, remote TEXT,
  made_by TEXT, below_read INTEGER, unknown TEXT
);
CREATE INDEX attempts_by_task ON attempts(task_id, created_us);
CREATE UNIQUE INDEX attempts_by_maker ON attempts(made_by) WHERE made_by IS NOT NULL;
CREATE INDEX attempts_overlaid ON attempts(id) WHERE remote IS NOT NULL;

CREATE TABLE artifacts (
  id INTEGER PRIMARY KEY, attempt_id INTEGER, workspace_id INTEGER NOT NULL, identifier TEXT NOT NULL, name TEXT, type TEXT,
  mime_type TEXT, content TEXT, size_bytes INTEGER, preview TEXT, uri TEXT, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, synced_at TEXT NOT NULL, number INTEGER NOT NULL, uid TEXT, version INTEGER NOT NULL,
  deleted_at TEXT, created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL, remote TEXT, made_by TEXT, unknown TEXT
);
CREATE INDEX artifacts_by_attempt ON artifacts(attempt_id, created_us);
CREATE UNIQUE INDEX artifacts_by_maker ON artifacts(made_by) WHERE made_by IS NOT NULL;
CREATE INDEX artifacts_overlaid ON artifacts(id) WHERE remote IS NOT NULL;

CREATE TABLE sync_queue (
  id INTEGER PRIMARY KEY AUTOINCREMENT, operation TEXT NOT NULL, entity_type TEXT NOT NULL, entity_id TEXT,
  remote_id INTEGER, payload TEXT NOT NULL, created_at TEXT NOT NULL, synced INTEGER DEFAULT 0, synced_at TEXT, error TEXT,
  op_id TEXT NOT NULL UNIQUE, workspace_id INTEGER NOT NULL, identifier TEXT NOT NULL, depends_on_id_v2 INTEGER,
  depends_on_v2 TEXT, uncertain_v2 TEXT, state TEXT NOT NULL DEFAULT 'queued', other TEXT, other_name TEXT,
  replaces INTEGER, server TEXT, account TEXT, answer TEXT
);
CREATE INDEX queue_pending ON sync_queue(synced, id);
CREATE INDEX queue_by_task ON sync_queue(entity_id, synced);
CREATE INDEX queue_rejected ON sync_queue(entity_id) WHERE state = 'rejected';
CREATE INDEX queue_by_other ON sync_queue(other) WHERE other IS NOT NULL;
CREATE INDEX queue_by_remote ON sync_queue(remote_id) WHERE remote_id IS NOT NULL;
CREATE INDEX queue_by_replaced ON sync_queue(replaces) WHERE replaces IS NOT NULL;

CREATE TABLE sync_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT, direction TEXT NOT NULL, synced_at TEXT NOT NULL, changes INTEGER NOT NULL,
  conflicts INTEGER DEFAULT 0, errors INTEGER DEFAULT 0, detail TEXT
);
CREATE TABLE sync_metadata (
  key TEXT PRIMARY KEY, value TEXT NOT NULL
);
CREATE TABLE labels (
  id INTEGER PRIMARY KEY, workspace_id INTEGER NOT NULL, name TEXT NOT NULL, color TEXT, description TEXT,
  created_at TEXT NOT NULL, updated_at TEXT, synced_at TEXT NOT NULL, identifier TEXT NOT NULL DEFAULT '',
  number INTEGER NOT NULL DEFAULT 0, uid TEXT, version INTEGER NOT NULL DEFAULT 0, deleted_at TEXT,
  created_us INTEGER NOT NULL DEFAULT 0, updated_us INTEGER NOT NULL DEFAULT 0, remote TEXT, made_by TEXT, unknown TEXT
);
CREATE UNIQUE INDEX labels_by_maker ON labels(made_by) WHERE made_by IS NOT NULL;
CREATE INDEX labels_overlaid ON labels(id) WHERE remote IS NOT NULL;
CREATE TABLE members (
  workspace_id INTEGER NOT NULL, user_id TEXT NOT NULL, role TEXT NOT NULL, created_at TEXT NOT NULL,
  synced_at TEXT NOT NULL, PRIMARY KEY (workspace_id, user_id)
);
CREATE TABLE comments (
  id INTEGER PRIMARY KEY, task_id INTEGER, workspace_id INTEGER NOT NULL, identifier TEXT NOT NULL, content TEXT,
  author_id TEXT, author_name TEXT, mentioned_users TEXT NOT NULL DEFAULT '[]', created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, synced_at TEXT NOT NULL, number INTEGER NOT NULL, uid TEXT, version INTEGER NOT NULL,
  deleted_at TEXT, created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL, remote TEXT, made_by TEXT, unknown TEXT
);
CREATE INDEX comments_by_task ON comments(task_id, created_us);
CREATE INDEX comments_by_author ON comments(author_id, created_us) WHERE author_name IS NOT NULL;
CREATE UNIQUE INDEX comments_by_maker ON comments(made_by) WHERE made_by IS NOT NULL;
CREATE INDEX comments_overlaid ON comments(id) WHERE remote IS NOT NULL;

CREATE TABLE contents (
  id INTEGER PRIMARY KEY, created_us INTEGER NOT NULL, kept_us INTEGER NOT NULL, content TEXT NOT NULL
);

CREATE TABLE sends (
  id INTEGER PRIMARY KEY, op_id TEXT NOT NULL, at_us INTEGER NOT NULL, sent TEXT NOT NULL, version INTEGER NOT NULL,
  highest_number INTEGER NOT NULL, replied_us INTEGER, reply TEXT, message TEXT
);
CREATE INDEX sends_by_operation ON sends(op_id);

CREATE TABLE conflicts (
  entity_type TEXT NOT NULL, entity_id INTEGER NOT NULL, workspace_id INTEGER NOT NULL, identifier TEXT NOT NULL,
  remote TEXT, found_at TEXT NOT NULL, PRIMARY KEY (entity_type, entity_id)
) WITHOUT ROWID;

CREATE TABLE renames (
  workspace_id INTEGER NOT NULL, old_identifier TEXT NOT NULL, task_id INTEGER NOT NULL, renamed_at TEXT NOT NULL,
  PRIMARY KEY (workspace_id, old_identifier, task_id)
);
CREATE INDEX renames_by_task ON renames(task_id);

CREATE TABLE staged_tasks (
  id INTEGER PRIMARY KEY, project_id INTEGER, workspace_id INTEGER, identifier TEXT, title TEXT, description TEXT,
  status TEXT, priority INTEGER, assignee_id TEXT, version INTEGER, created_at TEXT, updated_at TEXT, synced_at TEXT,
  number INTEGER, uid TEXT, assignee_type TEXT, assigned_coding_agent TEXT, labels TEXT, phase TEXT, estimate REAL,
  parent_id INTEGER, goal_id INTEGER, implementation_plan TEXT, checklist TEXT, creator_id TEXT, started_at TEXT,
  completed_at TEXT, canceled_at TEXT, archived_at TEXT, deleted_at TEXT, created_us INTEGER, updated_us INTEGER,
  unknown TEXT
);
CREATE TABLE staged_projects (
  id INTEGER PRIMARY KEY, workspace_id INTEGER, identifier TEXT, name TEXT, description TEXT, status TEXT, lead_id TEXT,
  start_date TEXT, target_date TEXT, color TEXT, icon TEXT, created_at TEXT, updated_at TEXT, synced_at TEXT,
  number INTEGER, uid TEXT, version INTEGER, deleted_at TEXT, created_us INTEGER, updated_us INTEGER, unknown TEXT
);
CREATE TABLE staged_labels (
  id INTEGER PRIMARY KEY, workspace_id INTEGER, identifier TEXT, name TEXT, color TEXT, description TEXT, created_at TEXT,
  updated_at TEXT, synced_at TEXT, number INTEGER, uid TEXT, version INTEGER, deleted_at TEXT, created_us INTEGER,
  updated_us INTEGER, unknown TEXT
);
CREATE TABLE staged_comments (
  id INTEGER PRIMARY KEY, task_id INTEGER, workspace_id INTEGER, identifier TEXT, content TEXT, author_id TEXT,
  author_name TEXT, mentioned_users TEXT, created_at TEXT, updated_at TEXT, synced_at TEXT, number INTEGER, uid TEXT,
  version INTEGER, deleted_at TEXT, created_us INTEGER, updated_us INTEGER, unknown TEXT
);
CREATE TABLE staged_attempts (
  id INTEGER PRIMARY KEY, task_id INTEGER, workspace_id INTEGER, identifier TEXT, status TEXT, failure_type TEXT,
  failure_message TEXT, cost_tokens INTEGER, wall_clock_ms INTEGER, notes TEXT, executed_by_coding_agent TEXT,
  actor_id TEXT, actor_type TEXT, started_at TEXT, ended_at TEXT, artifacts_count INTEGER, created_at TEXT, updated_at TEXT,
  synced_at TEXT, number INTEGER, uid TEXT, version INTEGER, deleted_at TEXT, created_us INTEGER, updated_us INTEGER,
  unknown TEXT
);
CREATE TABLE staged_artifacts (
  id INTEGER PRIMARY KEY, attempt_id INTEGER, workspace_id INTEGER, identifier TEXT, name TEXT, type TEXT, mime_type TEXT,
  content TEXT, size_bytes INTEGER, preview TEXT, uri TEXT, created_at TEXT, updated_at TEXT, synced_at TEXT,
  number INTEGER, uid TEXT, version INTEGER, deleted_at TEXT, created_us INTEGER, updated_us INTEGER, unknown TEXT
);
CREATE TABLE staged_links (
  workspace_id INTEGER, kind TEXT, name TEXT, other TEXT, PRIMARY KEY (workspace_id, kind, name, other)
) WITHOUT ROWID;
CREATE TABLE staged_gone (
  kind TEXT, id INTEGER, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE staged_walks (
  workspace_id INTEGER PRIMARY KEY, walk TEXT NOT NULL
);
