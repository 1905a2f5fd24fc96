//! Three texts of one description. Notes are merged without a panic, the same whichever side is called which, and
//! nothing that either side added is lost.
#![no_main]

use anyt::notes::merge;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: [&str; 3]| {
    let [base, local, remote] = texts;
    let merged = merge(base, local, remote, before);
    assert_eq!(merge(base, remote, local, before), merged);
    let Some(text) = merged else { return };
    let known: Vec<&str> = base.split('\n').collect();
    for line in local.split('\n').chain(remote.split('\n')) {
        assert!(known.contains(&line) || text.split('\n').any(|kept| kept == line), "{line:?} is lost in {text:?}");
    }
});

/// The texts before the notes, where at most one side changed its own.
fn before(base: &str, local: &str, remote: &str) -> Option<String> {
    let changed = if local == base { remote } else { local };
    (local == base || remote == base || local == remote).then(|| changed.to_string())
}
