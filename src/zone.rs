//! The time zone of the person at the terminal, for times on screen: `TZ`, else /etc/localtime, as tzfile(5) (RFC 9636) and
//! POSIX have them. What cannot be read is UTC. Stored and sent times never come through here.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const FOLDER: &str = "/usr/share/zoneinfo";
const DAY: i64 = 86_400;

/// Seconds east of Greenwich at a time (seconds since 1970) in this process's zone.
pub fn offset(at: i64) -> i64 {
    static ZONE: OnceLock<Zone> = OnceLock::new();
    ZONE.get_or_init(|| Zone::named(std::env::var("TZ").ok().as_deref())).offset(at)
}

#[derive(Debug, Default, PartialEq)]
struct Zone {
    /// When another offset begins, and that one.
    changes: Vec<(i64, i64)>,
    /// Before the first change.
    first: i64,
    /// After the last one.
    rule: Option<Rule>,
}

/// A `TZ` of POSIX: `CET-1CEST,M3.5.0,M10.5.0/3`.
#[derive(Debug, PartialEq)]
struct Rule {
    standard: i64,
    /// The offset in summer, when it begins, and when it ends.
    summer: Option<(i64, Day, Day)>,
}

/// `M3.5.0/2`: month, week (5: the last), day of the week, and seconds of that day.
#[derive(Debug, PartialEq)]
struct Day {
    month: i64,
    week: i64,
    weekday: i64,
    second: i64,
}

impl Zone {
    fn named(tz: Option<&str>) -> Zone {
        let file = |path: PathBuf| std::fs::read(path).ok().and_then(|bytes| Zone::read(&bytes));
        let name = tz.map(|tz| tz.strip_prefix(':').unwrap_or(tz));
        match name {
            None => file("/etc/localtime".into()),
            Some("") => None,
            Some(name) => {
                let inside = !name.contains("..");
                let found = inside.then(|| file(Path::new(FOLDER).join(name))).flatten();
                found.or_else(|| Some(Zone { rule: Some(Rule::parse(name)?), ..Zone::default() }))
            }
        }
        .unwrap_or_default()
    }

    /// A file of tzfile(5), from version 2 on: its second part has times of 64 bits.
    fn read(bytes: &[u8]) -> Option<Zone> {
        let counts = |at: usize| -> Option<Vec<usize>> {
            let header = bytes.get(at..at + 44)?;
            let count = |word| usize::try_from(integer(word)).ok().filter(|count| *count <= bytes.len());
            header.starts_with(b"TZif").then(|| header[20..].chunks(4).map(count).collect())?
        };
        let first = counts(0)?;
        let [utc, standard, leap, times, types, letters] = first[..] else { return None };
        let second = 44 + times * 5 + types * 6 + letters + leap * 8 + standard + utc;
        let counts = counts(second)?;
        let [utc, standard, leap, times, types, letters] = counts[..] else { return None };
        let mut rest = &bytes[second + 44..];
        let mut take = |count: usize| -> Option<&[u8]> {
            let (taken, left) = rest.split_at_checked(count)?;
            rest = left;
            Some(taken)
        };
        let (at, which, kinds) = (take(times * 8)?, take(times)?, take(types * 6)?);
        take(letters + leap * 12 + standard + utc)?;
        let offset = |kind: usize| kinds.chunks(6).nth(kind).map_or(0, |kind| integer(&kind[..4]));
        let changes = at.chunks(8).zip(which).map(|(at, kind)| (integer(at), offset(usize::from(*kind)))).collect();
        let footer = std::str::from_utf8(rest).ok().map(str::trim).and_then(Rule::parse);
        Some(Zone { changes, first: offset(0), rule: footer })
    }

    fn offset(&self, at: i64) -> i64 {
        let known = self.changes.partition_point(|(from, _)| *from <= at);
        match &self.rule {
            Some(rule) if known == self.changes.len() => rule.offset(at),
            _ => known.checked_sub(1).map_or(self.first, |last| self.changes[last].1),
        }
    }
}

/// Big-endian, of 4 or 8 bytes, with a sign.
fn integer(bytes: &[u8]) -> i64 {
    let start = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(start, |number, byte| (number << 8) | i64::from(*byte))
}

impl Rule {
    fn parse(text: &str) -> Option<Rule> {
        let mut parts = text.split(',');
        let rest = after_name(parts.next()?)?;
        let end = rest.find(|c: char| c == '<' || c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let standard = -clock(&rest[..end])?;
        let Some(rest) = after_name(&rest[end..]) else { return Some(Rule { standard, summer: None }) };
        let summer = if rest.is_empty() { standard + 3600 } else { -clock(rest)? };
        Some(Rule { standard, summer: Some((summer, Day::parse(parts.next()?)?, Day::parse(parts.next()?)?)) })
    }

    fn offset(&self, at: i64) -> i64 {
        let Some((summer, begin, end)) = &self.summer else { return self.standard };
        let year = crate::time::civil_from_days((at + self.standard).div_euclid(DAY)).0;
        // Each is told in the time before it.
        let (begin, end) = (begin.in_year(year) - self.standard, end.in_year(year) - summer);
        let is_summer = if begin < end { (begin..end).contains(&at) } else { !(end..begin).contains(&at) };
        if is_summer { *summer } else { self.standard }
    }
}

impl Day {
    fn parse(text: &str) -> Option<Day> {
        let (date, time) = text.split_once('/').unwrap_or((text, "2"));
        let numbers: Vec<i64> = date.strip_prefix('M')?.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [month @ 1..=12, week @ 1..=5, weekday @ 0..=6] = numbers[..] else { return None };
        Some(Day { month, week, weekday, second: clock(time)? })
    }

    /// Seconds since 1970, as if the zone were UTC.
    fn in_year(&self, year: i64) -> i64 {
        let first = crate::time::days_from_civil(year, self.month, 1);
        let (next_year, next) = if self.month == 12 { (year + 1, 1) } else { (year, self.month + 1) };
        let length = crate::time::days_from_civil(next_year, next, 1) - first;
        // The first day of 1970 was a Thursday.
        let mut day = (self.weekday - (first + 4)).rem_euclid(7) + (self.week - 1) * 7;
        while day >= length {
            day -= 7;
        }
        (first + day) * DAY + self.second
    }
}

/// What follows the name of a zone: letters, or anything between `<` and `>`.
fn after_name(text: &str) -> Option<&str> {
    if let Some(quoted) = text.strip_prefix('<') {
        return quoted.split_once('>').map(|(_, rest)| rest);
    }
    let rest = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    (text.len() - rest.len() >= 3).then_some(rest)
}

/// `[+-]hh[:mm[:ss]]` in seconds.
fn clock(text: &str) -> Option<i64> {
    let digits = text.trim_start_matches(['+', '-']);
    let mut seconds = 0;
    for (part, factor) in digits.split(':').zip([3600, 60, 1]) {
        seconds += part.parse::<u16>().ok().map(i64::from)? * factor;
    }
    Some(if text.starts_with('-') { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn hours(zone: &Zone, at: &str) -> f64 {
        let at = Timestamp::parse(at).expect(at).0.div_euclid(1_000_000);
        zone.offset(at) as f64 / 3600.0
    }

    #[test]
    fn rules_of_posix() {
        for (tz, at, expected) in [
            ("UTC0", "2026-07-01T00:00:00Z", 0.0),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 1.0),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 2.0),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:59Z", 2.0),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 1.0),
            ("EST5EDT,M3.2.0,M11.1.0", "2026-07-01T00:00:00Z", -4.0),
            ("NZST-12NZDT,M9.5.0,M4.1.0/3", "2026-01-01T00:00:00Z", 13.0),
            ("<+0545>-5:45", "2026-01-01T00:00:00Z", 5.75),
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-12-01T00:00:00Z", -2.0),
        ] {
            assert_eq!(hours(&Zone::named(Some(tz)), at), expected, "{tz} {at}");
        }
        for nothing in
            ["", "Nowhere/At_all", "../../../etc/passwd", "M", "CET-1CEST", "CET-1CEST,J60,J300", "A\u{e9}-1", "<+01-1"]
        {
            assert_eq!(hours(&Zone::named(Some(nothing)), "2026-07-01T00:00:00Z"), 0.0, "{nothing}");
        }
    }

    #[test]
    fn files_are_read_and_damaged_ones_are_utc() {
        // Version 2: no times in the first part; two changes, two kinds, a footer.
        let header = |times: u8, types: u8| {
            let mut header = b"TZif2".to_vec();
            header.extend([0; 15]);
            for count in [0, 0, 0, times, types, 4] {
                header.extend([0, 0, 0, count]);
            }
            header
        };
        let kind = |offset: i32| [&offset.to_be_bytes()[..], &[0, 0]].concat();
        let mut file = [header(0, 1), kind(0), b"UTC\0".to_vec(), header(2, 2)].concat();
        file.extend(100i64.to_be_bytes());
        file.extend(200i64.to_be_bytes());
        file.extend([1, 0]);
        file.extend([kind(-3600), kind(7200), b"ABC\0".to_vec(), b"\n<+03>-3\n".to_vec()].concat());
        let zone = Zone::read(&file).expect("it is one");
        assert_eq!([0, 100, 199, 200].map(|at| zone.offset(at)), [-3600, 7200, 7200, 10800]);
        for length in 0..file.len() {
            if let Some(zone) = Zone::read(&file[..length]) {
                zone.offset(0);
            }
        }
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0xff;
            if let Some(zone) = Zone::read(&damaged) {
                zone.offset(1_700_000_000);
            }
        }
    }
}
