//! Reads the journal of anyt 0.1.0: JSON lines with a checksum, `{"crc":N,"entry":{…}}`, of the kinds `meant`, `queued`,
//! `sending`, `answered` and `dropped`. Folded, it says of each operation what was last known of it.

use super::operation::Parts;
use crate::document::{self, as_text, member};
use crate::error::{Error, Result};
use crate::model::Row;
use crate::model::task::TASK;
use miniserde::json::Value;
use std::collections::HashMap;
use std::path::Path;

#[derive(Default)]
pub(super) struct Journal {
    /// Which server and account the operations are meant for.
    pub meant: Option<(String, Option<String>)>,
    /// As they were first queued.
    pub histories: Vec<History>,
    /// Whole lines that cannot be read.
    pub damaged: Vec<Vec<u8>>,
}

/// What the journal says of one operation.
pub(super) struct History {
    pub op_id: String,
    /// The newest form, and its place among all lines: provisional ids were given again.
    pub queued: Option<Parts>,
    /// Of the last request that was about to leave.
    pub sending: Option<Value>,
    pub answered: Option<Option<Row>>,
    pub dropped: bool,
}

/// No file says nothing.
pub(super) fn read(path: &Path) -> Result<Journal> {
    crate::pipe::refuse(path)?;
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Journal::default()),
        Err(error) => return Err(Error::io("read", path, error)),
    };
    let (mut journal, mut places) = (Journal::default(), HashMap::new());
    for line in bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        match decode(line) {
            Some(entry) => journal.take(&entry, &mut places),
            // A line that was torn by a crash does not end as one, and was never confirmed: it is no damage.
            None if line.ends_with(b"}") => journal.damaged.push(line.to_vec()),
            None => {}
        }
    }
    Ok(journal)
}

impl Journal {
    fn take(&mut self, entry: &Value, places: &mut HashMap<String, usize>) {
        let get = |name| member(entry, name);
        let kind = as_text(get("kind")).unwrap_or_default();
        if kind == "meant" {
            self.meant = self.meant.take().or_else(|| Some((as_text(get("server"))?, as_text(get("account")))));
            return;
        }
        let queued = get("operation").and_then(Parts::from_json);
        let Some(op_id) = queued.as_ref().map(|parts| parts.op_id.clone()).or_else(|| as_text(get("op_id"))) else {
            return;
        };
        let place = *places.entry(op_id.clone()).or_insert_with(|| {
            let (queued, sending, answered, dropped) = (None, None, None, false);
            self.histories.push(History { op_id, queued, sending, answered, dropped });
            self.histories.len() - 1
        });
        let history = &mut self.histories[place];
        match kind.as_str() {
            "queued" => {
                history.queued = queued;
                // Brought back after it was dropped.
                history.dropped = false;
            }
            "sending" => history.sending = get("uncertain").cloned(),
            "answered" => {
                history.answered = Some(get("task").and_then(|task| document::row_from_json(&TASK, task)));
            }
            "dropped" => history.dropped = true,
            _ => {}
        }
    }
}

/// The entry of a line. `None` for one that is torn or damaged.
fn decode(line: &[u8]) -> Option<Value> {
    let line = std::str::from_utf8(line).ok()?;
    let body = line.strip_prefix("{\"crc\":")?;
    let (crc, rest) = body.split_once(",\"entry\":")?;
    let entry = rest.strip_suffix('}')?;
    if crc.parse() != Ok(crc32(entry.as_bytes())) {
        return None;
    }
    match document::parse(entry) {
        Value::Null => None,
        entry => Some(entry),
    }
}

/// CRC-32 (IEEE 802.3), bit by bit.
pub(in crate::store) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn crc_is_the_standard_one() {
        assert_eq!(super::crc32(b"123456789"), 0xCBF4_3926);
    }
}
