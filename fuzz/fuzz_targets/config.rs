//! config.json as others wrote it. Whatever the bytes are: reading says what is wrong or works; an edit does what it
//! says, leaves JSON behind, and taking it back leaves no trace of the value.
#![no_main]

use anyt::json;
use libfuzzer_sys::fuzz_target;

const PATH: [&str; 3] = ["environments", "dev", "auth_token_stored"];

fuzz_target!(|bytes: &[u8]| {
    let valid = json::check(bytes).is_ok();
    let Ok(text) = std::str::from_utf8(bytes) else { return assert!(!valid) };
    let before = json::get(text, &PATH);
    let _ = json::keys(text, &["environments"]);
    assert!(valid || before.is_err());
    if let Ok(edited) = json::set_member(text, &PATH, "true") {
        assert!(valid && json::check(edited.as_bytes()).is_ok());
        assert_eq!(json::get(&edited, &PATH).expect("it is JSON"), Some("true"));
        let removed = json::remove_member(&edited, &PATH).expect("it is JSON");
        assert!(json::check(removed.as_bytes()).is_ok());
        assert_eq!(json::get(&removed, &PATH).expect("it is JSON"), None);
    }
    if valid {
        assert!(!json::escape_for_output(text).contains('\u{9b}'));
    }
});
