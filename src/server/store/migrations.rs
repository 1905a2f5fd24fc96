//! The schema, as the steps that led to it. A step that was released is never changed: what comes after it is a further
//! step. `PRAGMA user_version` says how many a database has behind it.

use rusqlite::Connection;

/// Step N makes schema N of schema N - 1; the first one makes the tables of an empty database.
const STEPS: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_people.sql"),
    include_str!("migrations/0003_api_keys.sql"),
    include_str!("migrations/0004_task_lists.sql"),
    include_str!("migrations/0005_records.sql"),
    include_str!("migrations/0006_label_counts.sql"),
    include_str!("migrations/0007_comments.sql"),
    include_str!("migrations/0008_attempts.sql"),
];

/// The schema of this program.
pub fn newest() -> i64 {
    STEPS.len() as i64
}

/// Takes the steps that are missing up to schema `wanted`, all of them or none.
pub fn run(connection: &Connection, wanted: i64) -> rusqlite::Result<()> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let missing: Vec<&str> = STEPS
        .iter()
        .zip(1..)
        .filter(|(_, number)| *number > version && *number <= wanted)
        .map(|(step, _)| *step)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let steps = missing.join("\n");
    let done = connection.execute_batch(&format!("BEGIN IMMEDIATE; {steps} PRAGMA user_version = {wanted}; COMMIT;"));
    done.inspect_err(|_| {
        let _ = connection.execute_batch("ROLLBACK");
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables and indexes of a database, without the spelling of their SQL.
    fn shape(connection: &Connection) -> Vec<String> {
        let mut statement = connection
            .prepare(
                "SELECT s.type || ' ' || s.tbl_name || ' ' || c.name || ' ' || c.type || c.\"notnull\" || c.pk
                 FROM sqlite_schema s, pragma_table_xinfo(s.name) c WHERE s.type = 'table'
                 UNION ALL SELECT type || ' ' || name || ' ' || tbl_name FROM sqlite_schema WHERE type <> 'table'
                 ORDER BY 1",
            )
            .expect("SQL");
        let lines = statement.query_map([], |row| row.get(0)).expect("rows").collect::<Result<_, _>>();
        lines.expect("text")
    }

    /// However many steps at a time, the end is the same.
    #[test]
    fn every_older_schema_becomes_the_newest() {
        let fresh = Connection::open_in_memory().expect("memory");
        run(&fresh, newest()).expect("all steps");
        for version in 1..=newest() {
            let old = Connection::open_in_memory().expect("memory");
            run(&old, version).expect("the first steps");
            run(&old, newest()).expect("the rest");
            assert_eq!(shape(&old), shape(&fresh), "from schema {version}");
        }
    }
}
