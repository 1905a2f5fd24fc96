pub fn script() -> String { String::new() }
