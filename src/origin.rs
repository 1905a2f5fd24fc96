//! `scheme://host:port` of a URL: what a token is bound to and what tells one server from another. Whether a URL may be
//! talked to at all (plain http, loopback) is the transport's question, not this room's.

use crate::error::{Error, Result};

/// The origin in one spelling: scheme and host in lower case, the port always written. `Error::Usage` for anything but
/// `http://` and `https://`, for a URL that carries a user name or password, and for characters no host has.
pub fn origin(url: &str) -> Result<String> {
    let (scheme, host, port) = parts(url).ok_or_else(|| {
        Error::usage("the API URL is not of the form http(s)://host[:port], without a user name")
            .hint("for example: https://api.anyt.dev or http://localhost:8000")
    })?;
    Ok(format!("{scheme}://{host}:{port}"))
}

/// Scheme, host (an IPv6 address in its brackets) and port; `None` if the URL is not acceptable.
pub fn parts(url: &str) -> Option<(&'static str, String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let (scheme, usual_port) = match scheme.to_ascii_lowercase().as_str() {
        "http" => ("http", 80),
        "https" => ("https", 443),
        _ => return None,
    };
    if url.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => (&authority[..colon], &authority[colon + 1..]),
        _ => (authority, ""),
    };
    let port = if port.is_empty() { usual_port } else { digits(port)? };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let good = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(plain),
    };
    good.then(|| (scheme, host.to_ascii_lowercase(), port))
}

/// Digits only: `u16::from_str` takes a sign.
fn digits(port: &str) -> Option<u16> {
    port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_one_origin() {
        for (url, expected) in [
            ("http://localhost:8000", "http://localhost:8000"),
            ("HTTP://LocalHost:8000/v1/", "http://localhost:8000"),
            ("https://api.anyt.dev", "https://api.anyt.dev:443"),
            ("https://api.anyt.dev:443/x?y#z", "https://api.anyt.dev:443"),
            ("http://[::1]:9/", "http://[::1]:9"),
        ] {
            assert_eq!(origin(url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn what_is_no_plain_origin_is_refused() {
        for url in [
            "",
            "localhost:8000",
            "ftp://h",
            "http://",
            "http://:80",
            "http://a@b",
            "http://127.0.0.1@evil",
            "http://h:99999",
            "http://h:+8",
            "http://h\\@evil",
            "http://h h",
            "http://h\r\n",
            "http://[::1",
            "http://[evil]:1",
            "http://hö",
        ] {
            assert!(origin(url).is_err(), "{url}");
        }
    }
}
