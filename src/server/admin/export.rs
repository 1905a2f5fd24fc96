//! `export FILE` and `import FILE`: everything as JSON lines, for other programs and other years, and back.

use super::install::{self, Half};
use super::{file, present};
use crate::cli::Line;
use crate::import::open;
use crate::say;
use crate::store::lock::Lock;
use crate::store::schema::{self, Location};
use crate::store::{dump, integrity};
use anyt::error::{Error, Result};
use std::io::BufWriter;
use std::path::Path;

pub fn write(line: &Line) -> Result<()> {
    let (database, target) = (present(line)?, line.argument());
    let mut connection = schema::open_as_it_is(&database)?;
    if target == "-" {
        return dump::write(&mut connection, &mut BufWriter::new(std::io::stdout().lock())).map(drop);
    }
    let target = Path::new(target);
    if target.exists() {
        return Err(Error::failure(format!("{} exists already; nothing was written", target.display())));
    }
    let half = Half::begin(target)?;
    let file = std::fs::File::options().write(true).open(half.path());
    let file = file.map_err(|error| Error::io("write", half.path(), error))?;
    let rows = dump::write(&mut connection, &mut BufWriter::new(file))?;
    half.finish(target)?;
    say(&format!("{}: {rows} rows\n", target.display()))
}

/// Only where there is no database yet: an import adds to nothing.
pub fn read(line: &Line) -> Result<()> {
    let (database, source) = (file(line)?, line.argument_text()?);
    let _lock = Lock::take(&Location::File(database.clone()))?;
    if std::fs::metadata(&database).is_ok_and(|file| file.len() > 0) {
        let message = format!("{} exists already; an import makes a new database", database.display());
        return Err(Error::failure(message).hint("name another with --db"));
    }
    let mut lines = open(source)?;
    let half = Half::begin(&database)?;
    let connection = schema::make(half.path())?;
    let rows = dump::read(&connection, &mut *lines).map_err(|error| error.of(&format!("{source}: ")))?;
    let state = integrity::full(&connection).map_err(|error| Error::failure(error.to_string()))?;
    if let integrity::State::Damaged(faults) = state {
        return Err(Error::failure(format!("{source}: {faults}")));
    }
    drop(connection);
    install::replace_database(half, &database)?;
    say(&format!("{}: {rows} rows\n", database.display()))
}
