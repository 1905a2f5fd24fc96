//! Lines of queue.jsonl. No line ends the program, and what was understood says the same when it is written again.
#![no_main]

use anyt::document::{operation_from_json, operation_to_json, parse};
use anyt::model::Operation;
use libfuzzer_sys::fuzz_target;
use miniserde::json::{self, Value};

fuzz_target!(|line: &str| {
    let Some(operation) = operation_from_json(&parse(line)) else { return };
    let written = write(&operation);
    let again = operation_from_json(&parse(&written)).expect("what we write we can read");
    assert_eq!(write(&again), written);
});

fn write(operation: &Operation) -> String {
    json::to_string(&Value::Object(operation_to_json(operation)))
}
