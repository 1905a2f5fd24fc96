//! What people and servers write for tasks, environments, servers, times and spans.
#![no_main]

use anyt::origin::Origin;
use anyt::names::Name;
use anyt::paths::EnvName;
use anyt::time::{Timestamp, parse_span};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(name) = Name::parse(text) {
        assert!(name.number >= 0);
    }
    let _ = anyt::model::number_of(text);
    if let Ok(env) = EnvName::parse(text) {
        assert!(!env.as_str().contains(['/', '\\', '\0']) && env.as_str() != "..");
    }
    if let Ok(origin) = Origin::parse(text) {
        let _ = (origin.is_loopback(), origin.authority());
    }
    if let Some(at) = Timestamp::parse(text) {
        assert_eq!(Timestamp::parse(&at.rfc3339()), Some(at));
        let _ = (at.minute(), at.ago(Timestamp::now()));
    }
    if let Some(at) = Timestamp::parse_http_date(text) {
        assert_eq!(Timestamp::parse(&at.rfc3339()), Some(at));
    }
    let _ = parse_span(text);
});
