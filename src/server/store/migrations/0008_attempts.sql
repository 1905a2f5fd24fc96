-- Attempts and artifacts are listed by what changed. A new artifact changes its attempt, which counts it.
ALTER TABLE attempts ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE attempts SET updated_at = coalesce(
    (SELECT max(created_at) FROM artifacts WHERE attempt_id = attempts.id AND created_at > attempts.ended_at),
    ended_at, created_at);
CREATE INDEX attempts_by_change ON attempts (updated_at, id);
CREATE INDEX artifacts_by_change ON artifacts (created_at, id);
