use super::*;

const CONFIG: &str = "{\n  \"environments\": {\n    \"dev\": {\n      \"api_url\": \"http://localhost:8000\",\n      \"auth_token\": \"t\"\n    }\n  }\n}\n";

fn fault_of(text: &str) -> (usize, usize) {
    let fault = check(text.as_bytes()).expect_err(text);
    (fault.line, fault.column)
}

#[test]
fn what_is_json_and_what_is_not() {
    for good in ["{}", " [1, -0.5e+3, \"\\u00e9\\n\"] ", "null", "\u{feff}{\"a\":1}", "\"\u{7f}\"", "[[],{}]"] {
        check(good.as_bytes()).expect(good);
    }
    for bad in [
        "",
        "{",
        "{a:1}",
        "{\"a\":1,}",
        "[1,]",
        "01",
        "1.",
        "+1",
        "\"\t\"",
        "\"\\x\"",
        "\"\\u12\"",
        "tru",
        "{} {}",
        "'a'",
    ] {
        assert!(check(bad.as_bytes()).is_err(), "{bad}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(check(deep.as_bytes()).unwrap_err().what, "this is nested too deeply");
    check(format!("{}{}", "[".repeat(100), "]".repeat(100)).as_bytes()).unwrap();
}

#[test]
fn faults_have_a_line_and_a_column_in_characters() {
    assert_eq!(fault_of("{\n  \"a\": 1\n  \"b\": 2\n}"), (3, 3));
    assert_eq!(fault_of("{\"é\": x}"), (1, 7));
    assert_eq!(fault_of("\u{feff}{x}"), (1, 2));
    assert_eq!(fault_of("{\"a\": 1 // note\n}"), (1, 9));
    assert_eq!(check(b"{\n\"a\": \"\xff\"}").unwrap_err().line, 2);
}

#[test]
fn the_last_of_repeated_keys_counts_and_removal_takes_all() {
    let text = r#"{"e": {"t": 1}, "e": {"t": 2, "a\u0062": 3, "t": 4, "t": 5}, "x": 1.10}"#;
    assert_eq!(get(text, &["e", "t"]).unwrap(), Some("5"));
    assert_eq!(get(text, &["e", "ab"]).unwrap(), Some("3"));
    assert_eq!(get(text, &["x", "t"]).unwrap(), None);
    assert_eq!(Document::parse(text).unwrap().keys(&[]).unwrap(), ["e", "x"]);
    let removed = remove_member(text, &["e", "t"]).unwrap();
    assert_eq!(removed, r#"{"e": {}, "e": {"a\u0062": 3}, "x": 1.10}"#);
    assert_eq!(remove_member(&removed, &["e", "ab"]).unwrap(), r#"{"e": {}, "e": {}, "x": 1.10}"#);
    assert_eq!(remove_member(text, &["nothing"]).unwrap(), text);
}

#[test]
fn a_new_member_follows_the_style_of_the_file() {
    let set = set_member(CONFIG, &["environments", "dev", "auth_token_stored"], "true").unwrap();
    let removed = remove_member(&set, &["environments", "dev", "auth_token"]).unwrap();
    assert_eq!(removed, CONFIG.replace("\"auth_token\": \"t\"", "\"auth_token_stored\": true"));
    let crlf = set_member(&CONFIG.replace('\n', "\r\n"), &["editor"], "\"vi\"").unwrap();
    assert!(crlf.ends_with("  },\r\n  \"editor\": \"vi\"\r\n}\r\n"), "{crlf}");
    assert_eq!(set_member(r#"{"a":1}"#, &["b"], "2").unwrap(), r#"{"a":1,"b":2}"#);
    assert_eq!(set_member(r#"{"a": 1}"#, &["a"], "1e400").unwrap(), r#"{"a": 1e400}"#);
    let tabs = "{\n\t\"environments\": {}\n}";
    let added = set_member(tabs, &["environments", "d"], "{}").unwrap();
    assert_eq!(added, "{\n\t\"environments\": {\n\t\t\"d\": {}\n\t}\n}");
}

#[test]
fn missing_objects_are_made_on_the_way() {
    let made = set_member("{}\n", &["environments", "dev", "api_url"], "\"u\"").unwrap();
    assert_eq!(made, "{\n  \"environments\": {\n    \"dev\": {\n      \"api_url\": \"u\"\n    }\n  }\n}\n");
    let bom = set_member("\u{feff}{\n}", &["a"], "1").unwrap();
    assert_eq!(bom, "\u{feff}{\n  \"a\": 1\n}");
    assert_eq!(set_member(r#"{"a":"x"}"#, &["b", "c"], "1").unwrap(), r#"{"a":"x","b":{"c":1}}"#);
}

#[test]
fn an_edit_that_cannot_be_right_is_refused() {
    assert_eq!(set_member("{\"a\": 5}", &["a", "b"], "1").unwrap_err().what, "an object is expected here");
    assert!(set_member("[]", &["a"], "1").is_err());
    assert!(set_member("{}", &["a"], "1,2").is_err());
    assert!(set_member("{} // x", &["a"], "1").is_err());
}

#[test]
fn strings_are_decoded_and_quoted() {
    assert_eq!(string(r#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#).unwrap(), "a\"\\/\u{8}\u{c}\n\r\té😀");
    assert_eq!(string(r#""\ud83d""#).unwrap(), "\u{fffd}");
    assert_eq!(string("5"), None);
    for text in ["a\"\\\n\u{1b}é", ""] {
        assert_eq!(string(&quote(text)).unwrap(), text);
    }
}

#[test]
fn output_is_inert_and_says_the_same() {
    let evil = "a\u{1b}]52;\u{7f}\u{9b}\u{202e}\u{2066}\r\n\u{200f}é";
    let shown = escape_for_output(&quote(evil));
    assert!(shown.chars().all(|c| !c.is_control() && !"\u{202e}\u{2066}\u{200f}".contains(c)), "{shown}");
    assert_eq!(string(&shown).unwrap(), evil);
    assert_eq!(escape_for_output("{\n  \"a\": 1\n}"), "{\n  \"a\": 1\n}");
}

#[test]
fn values_in_the_shadow_of_repeated_keys_are_found() {
    let text = r#"{"a": {"b": 1, "b": "x"}, "a": null, "a": {"b": [2], "c": 3}, "d": {"b": 4}}"#;
    assert_eq!(get_all(text, &["a", "b"]).unwrap(), ["1", "\"x\"", "[2]"]);
    assert_eq!(get_all(text, &["a", "x"]).unwrap(), [""; 0]);
    assert!(get_all("{", &["a"]).is_err());
}

#[test]
fn half_a_character_is_replaced() {
    for (text, whole) in [
        (r#"{"a":"plain é \n"}"#, r#"{"a":"plain é \n"}"#),
        (r#"["\ud83d"]"#, r#"["\ufffd"]"#),
        (r#"["\ude00\ud83d"]"#, r#"["\ufffd\ufffd"]"#),
        (r#"["\ud83d\ud83d\ude00é"]"#, r#"["\ufffd\ud83d\ude00é"]"#),
        // Escaped itself.
        (r#"["\\ud83d"]"#, r#"["\\ud83d"]"#),
        (r#"["\\\ud83d"]"#, r#"["\\\ufffd"]"#),
        (r#"["\u"#, r#"["\u"#),
        ("\\", "\\"),
        ("\\é", "\\é"),
    ] {
        assert_eq!(with_whole_characters(text), whole);
    }
}
