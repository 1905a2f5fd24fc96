//! A token in memory: it cannot be printed by accident.

use std::fmt;

/// A shorter secret is looked for as it stands only: its other spellings would be found in innocent text.
const SHORTEST: usize = 8;

const REDACTED: &[u8] = b"(redacted)";

/// A user token or an agent key. Debug says `(redacted)` and there is no Display; `expose` is for the request header
/// and for the store, nothing else.
///
/// Its memory is not overwritten when it goes: the environment, the header that was sent and the buffers that it was read
/// into have copies that no drop of ours reaches. That there is no core dump (`forbid_core_dumps`) covers them all.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text as it is; `credentials::clean` trims and checks what people typed.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Agent keys go into `X-API-Key`, everything else into `Authorization` (api.md 1.2). The longer prefix decides,
    /// because `anyt_agent_` also begins with `anyt_`.
    pub fn is_agent_key(&self) -> bool {
        self.0.starts_with("anyt_agent_")
    }

    /// `text` with every occurrence of this secret replaced, for error messages and `-v` lines: also where somebody has put
    /// it into an address, into JSON, into base64 or hexadecimal, or has changed its case. Servers and proxies echo what
    /// they were sent in all of these.
    pub fn scrub(&self, text: &str) -> String {
        if self.0.len() < SHORTEST {
            return if self.0.is_empty() { text.to_string() } else { text.replace(&self.0, "(redacted)") };
        }
        let encoded = self.encoded();
        let bytes = text.as_bytes();
        let mut scrubbed = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let spelled = spelled(rest, self.0.as_bytes());
            let found = spelled.or_else(|| encoded.iter().find(|form| begins(rest, form)).map(Vec::len));
            match found {
                Some(length) => {
                    scrubbed.extend_from_slice(REDACTED);
                    at += length;
                }
                None => {
                    scrubbed.push(bytes[at]);
                    at += 1;
                }
            }
        }
        String::from_utf8_lossy(&scrubbed).into_owned()
    }

    /// In hexadecimal and in base64, where the letters depend on what stands before it (three ways) and on the alphabet.
    fn encoded(&self) -> Vec<Vec<u8>> {
        let hex = self.0.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
        let base64 =
            (0..3).flat_map(|before| [b"+/", b"-_"].map(|last_two| base64_core(self.0.as_bytes(), before, last_two)));
        std::iter::once(hex).chain(base64).collect()
    }
}

/// How many bytes of the beginning of `text` spell the secret, each byte in its own way, perhaps wrapped.
fn spelled(text: &[u8], secret: &[u8]) -> Option<usize> {
    secret.iter().try_fold(0, |at, byte| {
        let next = if at == 0 { 0 } else { at + wrap(&text[at..]) };
        Some(next + spelling(&text[next..], *byte)?)
    })
}

/// How many bytes there break a line: blanks and control characters, also as JSON has them.
fn wrap(text: &[u8]) -> usize {
    match text {
        [b'\\', b'n' | b'r' | b't', rest @ ..] => 2 + wrap(rest),
        [first, rest @ ..] if first.is_ascii_whitespace() || first.is_ascii_control() => 1 + wrap(rest),
        _ => 0,
    }
}

/// How many bytes spell this one: itself in either case, `%5F` in an address, `\u005f` or `\/` in JSON.
fn spelling(text: &[u8], byte: u8) -> Option<usize> {
    let as_is = |text: &[u8]| text.first().is_some_and(|first| first.eq_ignore_ascii_case(&byte));
    let in_hex = |digits: Option<&[u8]>| {
        let value = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        value.is_some_and(|value| value.eq_ignore_ascii_case(&byte))
    };
    match text {
        [b'%', digits @ ..] if in_hex(digits.get(..2)) => Some(3),
        [b'\\', b'u', b'0', b'0', digits @ ..] if in_hex(digits.get(..2)) => Some(6),
        [b'\\', rest @ ..] if b"\\\"/".contains(&byte) && as_is(rest) => Some(2),
        text => as_is(text).then_some(1),
    }
}

fn begins(text: &[u8], form: &[u8]) -> bool {
    text.get(..form.len()).is_some_and(|start| start.eq_ignore_ascii_case(form))
}

/// The base64 letters that stand for these bytes alone, when `before` (0 to 2) other bytes stand in their first group.
fn base64_core(bytes: &[u8], before: usize, last_two: &[u8; 2]) -> Vec<u8> {
    let bit = |index: usize| bytes.get(index / 8).is_some_and(|byte| byte >> (7 - index % 8) & 1 == 1);
    // The first whole group of six bits: 0, 4 or 2 bits in.
    let first = (6 - before * 8 % 6) % 6;
    let letter = |start: usize| match (start..start + 6).fold(0, |value, index| value << 1 | u8::from(bit(index))) {
        value @ 0..26 => b'A' + value,
        value @ 26..52 => b'a' + value - 26,
        value @ 52..62 => b'0' + value - 52,
        value => last_two[usize::from(value - 62)],
    };
    (first..=bytes.len() * 8 - 6).step_by(6).map(letter).collect()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "anyt_Cnry/9f3+Kq7==";

    #[test]
    fn a_secret_is_found_however_it_is_spelled() {
        for echo in [
            TOKEN,
            "ANYT_cnry/9F3+kq7==",
            "anyt_Cnry%2F9f3%2BKq7%3D%3D",
            "anyt_Cnry%2f9f3%2bKq7%3d%3d",
            r"anyt_Cnry\/9f3+Kq7==",
            r"\u0061nyt\u005FCnry/9f3+Kq7==",
            "616e79745f436e72792f3966332b4b71373d3d",
            "616E79745F436E72792F3966332B4B71373D3D",
            "anyt_Cnry/9f\r\n 3+Kq7==",
            r"anyt_\nCnry/9f3+Kq7==",
        ] {
            let secret = Secret::new(TOKEN);
            assert_eq!(secret.scrub(&format!("é {echo} ü {echo}")), "é (redacted) ü (redacted)", "{echo}");
        }
    }

    /// A letter at either end may stay: it stands for a part of a neighbour too.
    #[test]
    fn a_secret_in_base64_is_found_whatever_stands_before_it() {
        // What `base64` writes for the token alone, after `u:` and after `Bearer `.
        for (echo, expected) in [
            ("YW55dF9DbnJ5LzlmMytLcTc9PQ==", "(redacted)Q=="),
            ("dTphbnl0X0NucnkvOWYzK0txNz09", "dTp(redacted)"),
            ("QmVhcmVyIGFueXRfQ25yeS85ZjMrS3E3PT0=", "QmVhcmVyIG(redacted)0="),
        ] {
            assert_eq!(Secret::new(TOKEN).scrub(echo), expected);
        }
        let url_safe = "YW55dF8-Pz8_Pj8_Pj8_";
        assert_eq!(Secret::new("anyt_>???>??>??").scrub(url_safe), "(redacted)");
    }

    #[test]
    fn innocent_text_stays() {
        let secret = Secret::new("anyt_Canary");
        for text in ["", "anyt_Canar", "%61nyt_Canar%", "a\\u00", "YW55dF9DYW5", "héllo wörld"] {
            assert_eq!(secret.scrub(text), text);
        }
        assert_eq!(Secret::new("t").scrub("a T is a %74, not a t"), "a T is a %74, no(redacted) a (redacted)");
        assert_eq!(Secret::new("").scrub("x"), "x");
        assert_eq!(Secret::new("ключ-ключ").scrub("это ключ-ключ!"), "это (redacted)!");
    }
}
