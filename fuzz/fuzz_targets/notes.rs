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
    let known: Vec<&str> = texts[0].split('\n').collect();
    for line in texts[1].split('\n').chain(texts[2].split('\n')) {
        assert!(known.contains(&line) || text.split('\n').any(|kept| kept == line), "{line:?} is lost in {text:?}");
    }
});
