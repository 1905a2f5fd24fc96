//! What the promises about speed and size are measured with (`make bench`): each piece of work is done by ours and by a
//! yardstick in turn, so that a busy machine slows both, and the ratio is that of each pair. A Markdown table on standard
//! output; what is missing here (curl, sqlite3, git, the static file) is said in its row.
//!
//! `cargo bench --features server --bench yardsticks -- list push` does only the rows whose names contain a word;
//! `--quick` makes everything a hundredth of its size, to see that all of it runs. `ANYT_BENCH_BASE` names another anyt, of
//! an earlier version, which is then the yardstick of an offline write.

#[path = "../tests/common/mod.rs"]
#[allow(dead_code, unused_imports)]
mod common;

mod backlog;
mod client;
mod lines;
mod measure;
mod replay;
mod server;
mod size;
mod table;

use table::Table;

/// How much of everything there is.
pub struct Scale {
    pub quick: bool,
}

impl Scale {
    pub fn of(&self, full: usize) -> usize {
        if self.quick { (full / 100).max(1) } else { full }
    }

    /// How often a pair is measured.
    pub fn pairs(&self, full: usize) -> usize {
        if self.quick { 3 } else { full }
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [word, command @ ..] = &args[..]
        && word == measure::ALONE
    {
        return measure::alone(command);
    }
    let scale = Scale { quick: args.iter().any(|arg| arg == "--quick") };
    // Cargo adds a flag of its own.
    let words = args.into_iter().filter(|arg| !arg.starts_with("--")).collect();
    let mut table = Table::new(words);
    client::starting(&mut table, &scale);
    client::pushing(&mut table, &scale);
    client::at_ten_thousand(&mut table, &scale);
    client::writing(&mut table, &scale);
    client::at_a_hundred_thousand(&mut table, &scale);
    server::at_a_hundred_thousand(&mut table, &scale);
    server::writing(&mut table, &scale);
    size::sizes(&mut table);
    table.print();
}
