//! The header in which a server says what it honours:
//! `AnyTask-Capabilities: keys=2592000, if-match, tombstones, updated-after, sort=updated_at, consistent`.

use crate::sync::remote::Capabilities;
use std::time::Duration;

/// Words that are not known are passed over. `keys_honoured`: the same answer says `Idempotency-Key-Honoured: true`,
/// without which the word `keys` may be of somebody on the way.
pub(super) fn read(header: &str, keys_honoured: bool) -> Capabilities {
    let mut capabilities = Capabilities::default();
    for word in header.split(',') {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "keys" if keys_honoured => capabilities.keys = value.parse().ok().map(Duration::from_secs),
            "if-match" => capabilities.if_match = true,
            "tombstones" => capabilities.tombstones = true,
            "updated-after" => capabilities.updated_after = true,
            "sort" => capabilities.sorted = value == "updated_at",
            "consistent" => capabilities.consistent = true,
            "max-page" => capabilities.max_page = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    capabilities
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_and_none() {
        let header = "keys=2592000, if-match, tombstones, Updated-After, sort=updated_at, consistent, someday=1";
        let all = Capabilities {
            keys: Some(Duration::from_secs(2_592_000)),
            if_match: true,
            tombstones: true,
            updated_after: true,
            sorted: true,
            consistent: true,
            max_page: 0,
        };
        assert_eq!(read(header, true), all);
        assert_eq!(read(header, false), Capabilities { keys: None, ..all });
        assert_eq!(read("keys=for ever, sort=id,,", true), Capabilities::default());
    }
}
