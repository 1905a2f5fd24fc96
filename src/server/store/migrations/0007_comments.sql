-- A deleted comment stays as a tombstone without its text, and comments are listed by what changed.
ALTER TABLE comments ADD COLUMN deleted_at INTEGER;
CREATE INDEX comments_by_change ON comments (coalesce(deleted_at, updated_at, created_at), id);
