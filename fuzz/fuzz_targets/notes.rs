//! Three texts of one description. Notes are merged without a panic, the same whichever side is called which, and
//! nothing that either side added is lost.
#![no_main]

use anyt::model::{Field, Value};
use anyt::sync::merge::{Merged, field};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: [&str; 3]| {
    let [base, local, remote] = texts.map(|text| Value::Text(text.to_string()));
    let merged = field(Field::Description, &base, &local, &remote);
    let Merged::Both(Value::Text(text)) = &merged else { return };
    assert_eq!(field(Field::Description, &base, &remote, &local), merged);
    let known: Vec<&str> = texts[0].lines().collect();
    for line in texts[1].lines().chain(texts[2].lines()) {
        assert!(known.contains(&line) || text.lines().any(|kept| kept == line), "{line:?} is lost in {text:?}");
    }
});
