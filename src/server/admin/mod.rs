//! What an administrator does to the database, mostly while a server is using it: users, tokens, backups. Results go to
//! standard output, errors to `main`.

mod backup;
mod check;
mod export;
mod install;
mod restore;
mod tokens;
mod users;

use crate::cli::Line;
use crate::cli::table::Id;
use crate::options;
use crate::problem::Problem;
use crate::store::Store;
use crate::store::schema::Location;
use anyt::error::{Error, Result};
use rusqlite::Connection;
use std::path::PathBuf;

pub fn run(line: &Line) -> Result<()> {
    match line.id {
        Id::UserAdd => users::add(line),
        Id::UserList => users::list(line),
        Id::UserRemove => users::remove(line),
        Id::TokenCreate => tokens::create(line),
        Id::TokenList => tokens::list(line),
        Id::TokenRevoke => tokens::revoke(line),
        Id::Backup => backup::run(line),
        Id::RestoreBackup => restore::backup(line),
        Id::RestoreWorkspace => restore::workspace(line),
        Id::RestoreProject => restore::project(line),
        Id::Export => export::write(line),
        Id::Import => export::read(line),
        Id::Check => check::run(line),
        Id::Serve | Id::Generate => Ok(()),
    }
}

/// The file of `--db`; there is nothing to administer in memory.
fn file(line: &Line) -> Result<PathBuf> {
    match options::location(line) {
        Location::File(path) => Ok(path),
        Location::Memory => Err(Error::usage("a database in memory is gone with its server; --db takes a file here")),
    }
}

/// The same, which has to be there: a mistyped name must not become an empty database.
fn present(line: &Line) -> Result<PathBuf> {
    let path = file(line)?;
    if path.exists() {
        return Ok(path);
    }
    let message = format!("there is no database {}", path.display());
    Err(Error::failure(message).hint("anyt-server makes it when it starts; --db says where it is"))
}

/// One change, all of it or none, that a running server knows of from its next request on.
fn change<T>(line: &Line, work: impl FnOnce(&Connection) -> std::result::Result<T, Refusal>) -> Result<T> {
    let store = Store::open_beside(&Location::File(present(line)?))?;
    store.write(work).map_err(|refusal| refusal.0)
}

/// Why a change was not made.
struct Refusal(Error);

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Refusal {
        Refusal(Error::failure(format!("database: {error}")))
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Refusal {
        Refusal(Error::failure(problem.detail))
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal(error)
    }
}

/// Rows under a head, each column as wide as its widest text.
fn columns<const N: usize>(head: [&str; N], rows: Vec<[String; N]>) -> String {
    let head = head.map(str::to_string);
    let widths: [usize; N] = std::array::from_fn(|column| {
        [&head].into_iter().chain(&rows).map(|row| row[column].chars().count()).max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in [&head].into_iter().chain(&rows) {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}
