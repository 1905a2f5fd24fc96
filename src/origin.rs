//! Which server a URL names: scheme, host and port, parsed rather than compared as text, because a credential is bound
//! to an origin and `https://api.anyt.dev.evil` begins like `https://api.anyt.dev`. Opens nothing, resolves nothing.

use crate::error::{Error, Result};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The origin of a URL as text, the one form in which a credential is bound to it.
pub fn origin(url: &str) -> Result<String> {
    Origin::parse(url).map(|origin| origin.to_string())
}

/// Two origins, as text, are one server: equal, or this machine under two of its names (`localhost`, `127.0.0.1`,
/// `[::1]`) at one port. A credential is bound to the very origin all the same.
pub fn is_same_server(one: &str, other: &str) -> bool {
    one == other
        || match (Origin::parse(one), Origin::parse(other)) {
            (Ok(one), Ok(other)) => one.is_same_server(&other),
            _ => false,
        }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn parse(word: &str) -> Option<Scheme> {
        match word.to_ascii_lowercase().as_str() {
            "http" => Some(Scheme::Http),
            "https" => Some(Scheme::Https),
            _ => None,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// A server. Two origins are equal when scheme, host and port are; Display writes `http://127.0.0.1:8000`, without the
/// port where it is the scheme's own, always in the same form, so that the text may be stored and compared too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    /// Lower case; an IPv6 address in brackets, in its shortest form.
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of a base URL, under the rules of `Base::parse`.
    pub fn parse(url: &str) -> Result<Origin> {
        Base::parse(url).map(|base| base.origin)
    }

    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Lower case, IPv6 in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// 127.0.0.0/8, ::1 or `localhost`. Neither ::ffff:127.0.0.1 nor the shorthands of inet_aton (`127.1`,
    /// `2130706433`) count: what looks odd gets no privilege.
    pub fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost"
            || bare.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
            || bare.parse::<Ipv6Addr>().is_ok_and(|address| address == Ipv6Addr::LOCALHOST)
    }

    fn is_same_server(&self, other: &Origin) -> bool {
        let usual_name = |origin: &Origin| ["localhost", "127.0.0.1", "[::1]"].contains(&origin.host.as_str());
        (self.scheme, self.port) == (other.scheme, other.port)
            && (self.host == other.host || (usual_name(self) && usual_name(other)))
    }

    /// Host, and port unless it is the scheme's own: what stands in a URL after `://`.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// An absolute URL cut into its origin and everything behind it. The reason it is none, otherwise.
    pub fn split(url: &str) -> Result<(Origin, &str), &'static str> {
        let (scheme, rest) = url.split_once("://").ok_or("it does not begin with http:// or https://")?;
        let scheme = Scheme::parse(scheme).ok_or("only http:// and https:// are spoken here")?;
        // A backslash is a slash to some parsers: it ends the authority here too, and is refused behind it.
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("it must not contain a user name or password");
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            None | Some("") => scheme.default_port(),
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port != 0).ok_or("its port is no port")?
            }
            Some(_) => return Err("its port is no port"),
        };
        Ok((Origin { scheme, host: canonical_host(host)?, port }, rest))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.word(), self.authority())
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    if !authority.starts_with('[') {
        return Ok(match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        });
    }
    let end = authority.find(']').ok_or("its IPv6 address lacks the closing bracket")? + 1;
    match &authority[end..] {
        "" => Ok((&authority[..end], None)),
        rest => Ok((&authority[..end], Some(rest.strip_prefix(':').ok_or("its port is no port")?))),
    }
}

fn canonical_host(host: &str) -> Result<String, &'static str> {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().map(|ip| format!("[{ip}]")).map_err(|_| "its IPv6 address is none");
    }
    let named = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if named { Ok(host.to_ascii_lowercase()) } else { Err("its host name is none") }
}

/// Where a server's API lives: the origin and a path in front of `/v1`, mostly empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub origin: Origin,
    /// Empty, or `/anytask`: begins with a slash and ends without.
    pub prefix: String,
}

impl Base {
    /// Reads an API URL as people write it in a config: `https://api.anyt.dev`, with or without a trailing slash or
    /// `/v1`. No user name, query or fragment. Errors are `Usage` and never repeat a URL that may hold a password or a token.
    pub fn parse(text: &str) -> Result<Base> {
        let text = text.trim();
        let refuse = |reason: &str| {
            // A token that was typed in its place is not repeated either.
            let secret = text.contains(['@', '?', '#']) || text.contains("anyt_");
            let shown = if secret { String::new() } else { format!(" '{text}'") };
            Error::usage(format!("the API URL{shown} cannot be used: {reason}"))
                .hint("write it like https://api.anyt.dev or http://127.0.0.1:8000")
        };
        let (origin, path) = Origin::split(text).map_err(refuse)?;
        if path.contains(['?', '#']) {
            return Err(refuse("it must end before any ? or #"));
        }
        if !path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%".contains(&b)) {
            return Err(refuse("its path has characters that need escaping"));
        }
        let path = path.trim_end_matches('/');
        let prefix = path.strip_suffix("/v1").unwrap_or(path).trim_end_matches('/');
        Ok(Base { origin, prefix: prefix.to_string() })
    }

    /// A credential in clear text goes to this machine only, unless somebody asked for it.
    pub fn refuse_clear_text(&self, allow_insecure_http: bool) -> Result<()> {
        if self.origin.scheme == Scheme::Https || self.origin.is_loopback() || allow_insecure_http {
            return Ok(());
        }
        Err(Error::failure(format!("{} would send the token unencrypted over the network", self.origin))
            .hint("use https://, or --allow-insecure-http if the network is yours"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> String {
        Origin::parse(url).expect(url).to_string()
    }

    #[test]
    fn origins_have_one_form() {
        assert_eq!(origin("https://API.anyt.dev/"), "https://api.anyt.dev");
        assert_eq!(origin("HTTPS://api.anyt.dev:443/v1"), "https://api.anyt.dev");
        assert_eq!(origin("http://127.0.0.1:8000"), "http://127.0.0.1:8000");
        assert_eq!(origin("http://[0:0::1]:8000/"), "http://[::1]:8000");
        assert_eq!(origin(" https://[2001:DB8::1] "), "https://[2001:db8::1]");
        assert_eq!(origin("http://localhost:"), "http://localhost");
    }

    #[test]
    fn this_machine_is_one_server_under_its_usual_names() {
        for other in ["http://127.0.0.1:8000", "http://[::1]:8000/v1", "http://LOCALHOST:8000"] {
            assert!(is_same_server("http://localhost:8000", other), "{other}");
        }
        for other in
            ["http://127.0.0.1:8001", "https://127.0.0.1:8000", "http://127.0.0.2:8000", "http://a.b:8000", "x"]
        {
            assert!(!is_same_server("http://localhost:8000", other), "{other}");
        }
    }

    #[test]
    fn trailing_slash_and_v1_are_tolerated_and_a_prefix_is_kept() {
        for (url, prefix) in [
            ("https://a.b", ""),
            ("https://a.b/", ""),
            ("https://a.b/v1", ""),
            ("https://a.b/v1/", ""),
            ("https://a.b/anytask/v1", "/anytask"),
            ("https://a.b/anytask//", "/anytask"),
        ] {
            assert_eq!(Base::parse(url).expect(url).prefix, prefix, "{url}");
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for url in [
            "",
            "api.anyt.dev",
            "ftp://a.b",
            "https://",
            "https:///v1",
            "https://user@a.b",
            "https://127.0.0.1@evil",
            "https://a.b?x=1",
            "https://a.b/#x",
            "https://a.b:0",
            "https://a.b:65536",
            "https://a.b:+80",
            "https://a.b:80:80",
            "https://[::1",
            "https://[::1]x",
            "https://[fe80::1%eth0]",
            "https://::1",
            "https://a b",
            "https://a.b\\@c.d",
            "https://a.b/x y",
            "https://a.b/\r\nX: y",
            "https://münchen.example",
        ] {
            assert!(matches!(Base::parse(url), Err(Error::Usage { .. })), "{url}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_not_repeated() {
        let error = Base::parse("https://me:hunter2@a.b").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn only_the_machine_itself_is_loopback() {
        for url in ["http://127.0.0.1", "http://127.8.9.1:1", "http://[::1]:8000", "http://LOCALHOST"] {
            assert!(Origin::parse(url).expect(url).is_loopback(), "{url}");
        }
        for url in [
            "http://localhost.evil",
            "http://127.0.0.1.evil",
            "http://[::ffff:127.0.0.1]",
            "http://127.1",
            "http://2130706433",
            "http://0.0.0.0",
            "http://[::]",
            "http://localhost.",
        ] {
            assert!(!Origin::parse(url).expect(url).is_loopback(), "{url}");
        }
    }

    #[test]
    fn clear_text_stays_on_this_machine() {
        let check = |url: &str, allowed| Base::parse(url).expect(url).refuse_clear_text(allowed).is_ok();
        assert!(check("http://localhost:8000", false) && check("https://a.b", false) && check("http://a.b", true));
        assert!(!check("http://a.b", false) && !check("http://[::ffff:127.0.0.1]", false));
    }
}
