//! Lines of the journal. No line stops recovery, and what was understood says the same when it is written again.
#![no_main]

use anyt::sync::journal::{decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    check(line);
    // A checksum is not found by chance: the same bytes as the entry of a line that has a right one.
    if let Ok(text) = std::str::from_utf8(line) {
        check(format!("{{\"crc\":{},\"entry\":{text}}}", crc32(line)).as_bytes());
    }
});

fn check(line: &[u8]) {
    let Some(entry) = decode(line) else { return };
    let written = encode(&entry);
    let again = decode(written.trim_end().as_bytes()).expect("what we write we can read");
    assert_eq!(encode(&again), written);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}
