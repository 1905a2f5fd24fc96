//! `backup FILE`: a copy of one state of the database, while a server goes on writing. It gets its name only when it is
//! whole and on the disk.

use super::install::{self, Half};
use super::present;
use crate::cli::Line;
use crate::say;
use crate::store::schema;
use anyt::error::{Error, Result};
use std::path::Path;

pub fn run(line: &Line) -> Result<()> {
    let (database, target) = (present(line)?, Path::new(line.argument()));
    if target.exists() {
        return Err(Error::failure(format!("{} exists already; nothing was written", target.display())));
    }
    let connection = schema::open_as_it_is(&database)?;
    let half = Half::begin(target)?;
    connection
        .execute("VACUUM INTO ?", [half.path().to_string_lossy()])
        .map_err(|error| Error::failure(format!("cannot write {}: {error}", target.display())))?;
    let schema = install::verify(half.path())?;
    half.finish(target)?;
    let size = std::fs::metadata(target).map_or(0, |file| file.len());
    say(&format!("{}: {size} bytes, schema {schema}, verified\n", target.display()))
}
