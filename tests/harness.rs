mod common;
#[test]
fn x() {}
