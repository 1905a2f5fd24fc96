//! A strict scanner of JSON text (RFC 8259) that knows where things are.

use std::ops::Range;

use super::Fault;

/// Deeper nesting than this is a fault: the scanner recurses.
const DEEPEST: usize = 128;
pub const TOO_DEEP: &str = "this is nested too deeply";

/// One `"key": value` of an object, in bytes of the text.
pub struct Member {
    /// Without quotes and escapes.
    pub key: String,
    /// The key's opening quote.
    pub start: usize,
    /// Behind the key's closing quote.
    pub key_end: usize,
    pub value: Value,
}

/// A value, in bytes of the text.
pub struct Value {
    pub at: Range<usize>,
    pub inside: Inside,
}

pub enum Inside {
    Nothing,
    Members(Vec<Member>),
}

pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str, at: usize) -> Scanner<'a> {
        Scanner { text, at, depth: 0 }
    }

    /// Passes over one value with the white space before it, and says where it is.
    pub fn value(&mut self) -> Result<Value, Fault> {
        self.space();
        let start = self.at;
        let mut inside = Inside::Nothing;
        match self.peek() {
            Some(b'{') => inside = Inside::Members(self.object()?),
            Some(b'[') => self.array()?,
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            Some(b'/') => return Err(self.fault("comments are not JSON")),
            Some(_) => return Err(self.fault("a value is expected here")),
            None => return Err(self.fault("a value is missing at the end of the text")),
        }
        Ok(Value { at: start..self.at, inside })
    }

    /// Nothing but white space may follow.
    pub fn end(&mut self) -> Result<(), Fault> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.fault("something follows the end of the document")) }
    }

    /// Passes over the object that begins here.
    fn object(&mut self) -> Result<Vec<Member>, Fault> {
        self.open()?;
        let mut members = Vec::new();
        if self.close(b'}') {
            return Ok(members);
        }
        loop {
            self.space();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.fault("a key in double quotes is expected here"));
            }
            self.string()?;
            let key_end = self.at;
            self.space();
            if !self.take(b':') {
                return Err(self.fault("':' is expected here"));
            }
            let value = self.value()?;
            members.push(Member { key: unescape(&self.text[start..key_end]), start, key_end, value });
            if self.close(b'}') {
                return Ok(members);
            }
            if !self.take(b',') {
                return Err(self.fault("',' or '}' is expected here"));
            }
        }
    }

    /// Passes over the array that begins here.
    fn array(&mut self) -> Result<(), Fault> {
        self.open()?;
        if self.close(b']') {
            return Ok(());
        }
        loop {
            self.value()?;
            if self.close(b']') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(self.fault("',' or ']' is expected here"));
            }
        }
    }

    /// Steps over an opening brace or bracket.
    fn open(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.fault(TOO_DEEP));
        }
        self.at += 1;
        Ok(())
    }

    /// Steps over the closing one, if it comes next.
    fn close(&mut self, byte: u8) -> bool {
        self.space();
        let closed = self.take(byte);
        self.depth -= usize::from(closed);
        closed
    }

    fn string(&mut self) -> Result<(), Fault> {
        self.at += 1;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let is_mark = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
            self.at += rest.iter().position(is_mark).unwrap_or(rest.len());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.fault("a control character inside a string")),
                None => return Err(self.fault("a string without its closing quote")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let digits = self.text.as_bytes().get(self.at + 2..self.at + 6);
        let length = match self.text.as_bytes().get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) => 6,
            _ => return Err(self.fault("this is no escape that JSON knows")),
        };
        self.at += length;
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        match self.peek() {
            Some(b'0'..=b'9') => Err(self.fault("a number cannot begin with 0")),
            _ => Ok(()),
        }
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.fault("a digit is expected here")) }
    }

    fn word(&mut self, word: &str) -> Result<(), Fault> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.fault("a value is expected here"));
        }
        self.at += word.len();
        Ok(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn fault(&self, what: &'static str) -> Fault {
        Fault::at(self.text.as_bytes(), self.at, what)
    }
}

/// The text of a scanned string, quotes included. A surrogate without its partner becomes U+FFFD.
pub fn unescape(raw: &str) -> String {
    let inside = raw.get(1..raw.len().saturating_sub(1)).unwrap_or("");
    if !inside.contains('\\') {
        return inside.to_string();
    }
    let mut units: Vec<u16> = Vec::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        let c = if c == '\\' { escaped(&mut chars, &mut units) } else { Some(c) };
        if let Some(c) = c {
            units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
        }
    }
    String::from_utf16_lossy(&units)
}

/// What follows a backslash: a character, or a code unit that is pushed right away.
fn escaped(chars: &mut std::str::Chars<'_>, units: &mut Vec<u16>) -> Option<char> {
    Some(match chars.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let digits: String = chars.take(4).collect();
            units.extend(u16::from_str_radix(&digits, 16));
            return None;
        }
        same => same,
    })
}
