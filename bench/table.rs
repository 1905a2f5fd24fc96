//! The rows as they come, and the table they make.

use crate::measure::Pairs;
use std::time::Duration;

struct Row {
    work: String,
    ours: String,
    yardstick: String,
    ratio: String,
    reach: String,
}

pub struct Table {
    /// Only rows whose names contain one of these; all when there are none.
    words: Vec<String>,
    rows: Vec<Row>,
}

impl Table {
    pub fn new(words: Vec<String>) -> Table {
        Table { words, rows: Vec::new() }
    }

    pub fn wants(&self, work: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| work.contains(word.as_str()))
    }

    pub fn wants_any(&self, works: &[&str]) -> bool {
        works.iter().any(|work| self.wants(work))
    }

    /// Work that has a yardstick. `note` is what else was seen of ours.
    pub fn compare(&mut self, work: &str, yardstick: &str, pairs: &Pairs, note: &str, reach: &str) {
        let ours = format!("{}{note}", time(pairs.ours()));
        self.add(work, &ours, &format!("{} ({yardstick})", time(pairs.yardstick())), &pairs.ratio(), reach);
    }

    /// Work that has none, or whose yardstick is not here: then `without` says so.
    pub fn alone(&mut self, work: &str, ours: &str, without: &str, reach: &str) {
        self.add(work, ours, without, "–", reach);
    }

    fn add(&mut self, work: &str, ours: &str, yardstick: &str, ratio: &str, reach: &str) {
        eprintln!("{work}: {ours} | {yardstick} | {ratio}");
        let [work, ours, yardstick, ratio, reach] = [work, ours, yardstick, ratio, reach].map(String::from);
        self.rows.push(Row { work, ours, yardstick, ratio, reach });
    }

    pub fn print(&self) {
        println!("| work | ours | yardstick | ratio, median (least – most) | reach |");
        println!("|---|---|---|---|---|");
        for Row { work, ours, yardstick, ratio, reach } in &self.rows {
            println!("| {work} | {ours} | {yardstick} | {ratio} | {reach} |");
        }
    }
}

pub fn time(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds >= 1.0 => format!("{seconds:.2} s"),
        seconds => format!("{:.2} ms", seconds * 1000.0),
    }
}

pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
