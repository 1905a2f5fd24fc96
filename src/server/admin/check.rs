//! `check`: is the database whole?

use super::{install, present};
use crate::cli::Line;
use crate::say;
use anyt::error::Result;

pub fn run(line: &Line) -> Result<()> {
    let database = present(line)?;
    let schema = install::verify(&database)?;
    say(&format!("{} is whole, schema {schema}\n", database.display()))
}
