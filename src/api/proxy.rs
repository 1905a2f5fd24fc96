//! Which proxy, if any, a server is reached through: the environment's words, read once. A loopback server never has
//! one, whatever the environment says: the token would travel to the proxy in clear text.

use crate::origin::{Origin, Scheme};
use std::net::{IpAddr, Ipv4Addr};

/// The environment, as a function so that tests can play their own.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The URL of the proxy for this server: `HTTPS_PROXY` or `HTTP_PROXY` by its scheme, else `ALL_PROXY`, in either case
/// of letters, unless `NO_PROXY` names the host.
pub(super) fn url_for(origin: &Origin, env: Env) -> Option<String> {
    if origin.is_loopback() || first(env, ["NO_PROXY", "no_proxy"]).is_some_and(|list| is_listed(&list, origin)) {
        return None;
    }
    let own = match origin.scheme() {
        Scheme::Https => ["HTTPS_PROXY", "https_proxy"],
        Scheme::Http => ["HTTP_PROXY", "http_proxy"],
    };
    first(env, own).or_else(|| first(env, ["ALL_PROXY", "all_proxy"]))
}

/// Turns the URL into something to connect through. SOCKS is refused rather than passed over: whoever set it does not
/// expect a direct connection.
pub(super) fn open(url: &str) -> Result<ureq::Proxy, String> {
    let unusable = || "the environment names a proxy that cannot be used (only http:// and https:// ones)".to_string();
    let proxy = ureq::Proxy::new(url).map_err(|_| unusable())?;
    match proxy.protocol() {
        ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https => Ok(proxy),
        _ => Err(unusable()),
    }
}

fn first(env: Env, names: [&str; 2]) -> Option<String> {
    names.into_iter().find_map(|name| env(name).filter(|value| !value.trim().is_empty()))
}

/// Host and port of a proxy's URL, for messages: what stands before an `@` is nobody's business.
pub(super) fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.trim_end_matches('/')
}

/// The common reading of `NO_PROXY`: `*`; a host, which covers its subdomains (with or without a leading dot or `*.`);
/// either with a port; addresses as `192.0.2.0/24`, `2001:db8::/32` or `192.0.2.*`.
fn is_listed(list: &str, origin: &Origin) -> bool {
    let host = origin.host().trim_start_matches('[').trim_end_matches(']');
    let with_port = format!(":{}", origin.port());
    let names = |entry: &str| {
        if let Some((network, bits)) = entry.split_once('/') {
            return is_in_network(host, network, bits).unwrap_or(false);
        }
        if let Some(start) = entry.strip_suffix('*').filter(|start| start.ends_with('.')) {
            return host.parse::<Ipv4Addr>().is_ok() && host.starts_with(start);
        }
        let entry = entry.strip_suffix(&with_port).unwrap_or(entry).trim_matches(['[', ']']);
        let name = entry.trim_start_matches('*').trim_start_matches('.');
        let covers = |rest: &str| rest.ends_with('.');
        entry == "*" || (!name.is_empty() && (host == name || host.strip_suffix(name).is_some_and(covers)))
    };
    list.split([',', ' '])
        .map(|entry| entry.trim().to_ascii_lowercase())
        .any(|entry| !entry.is_empty() && names(&entry))
}

/// Whether an address is in a network; `None` for what is no address.
fn is_in_network(host: &str, network: &str, bits: &str) -> Option<bool> {
    let number = |text: &str| match text.trim_matches(['[', ']']).parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => Some((u128::from(address.to_bits()), 32)),
        IpAddr::V6(address) => Some((address.to_bits(), 128)),
    };
    let ((host, long), (network, same)) = (number(host)?, number(network)?);
    let free = (long as u32).checked_sub(bits.parse().ok()?)?;
    Some(long == same && (host ^ network).checked_shr(free).unwrap_or(0) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let origin = Origin::parse(url).expect(url);
        let env = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        url_for(&origin, &env)
    }

    #[test]
    fn loopback_has_no_proxy() {
        let all = [("HTTP_PROXY", "http://p:1"), ("HTTPS_PROXY", "http://p:1"), ("ALL_PROXY", "http://p:1")];
        for url in ["http://127.0.0.1:8000", "http://localhost", "https://[::1]:1"] {
            assert_eq!(chosen(url, &all), None, "{url}");
        }
        assert_eq!(chosen("http://localhost.evil", &all).as_deref(), Some("http://p:1"));
    }

    #[test]
    fn the_scheme_picks_the_variable() {
        let both = [("http_proxy", "http://plain:1"), ("HTTPS_PROXY", "http://tls:1")];
        assert_eq!(chosen("https://a.b", &both).as_deref(), Some("http://tls:1"));
        assert_eq!(chosen("http://a.b", &both).as_deref(), Some("http://plain:1"));
        assert_eq!(chosen("https://a.b", &[("all_proxy", "http://any:1")]).as_deref(), Some("http://any:1"));
        assert_eq!(chosen("https://a.b", &[("HTTPS_PROXY", " ")]), None);
    }

    #[test]
    fn no_proxy_is_honoured() {
        for list in ["*", "anyt.dev", ".anyt.dev", "*.anyt.dev", "x, API.anyt.dev", "api.anyt.dev:443"] {
            assert_eq!(chosen("https://api.anyt.dev", &[("HTTPS_PROXY", "http://p:1"), ("no_proxy", list)]), None);
        }
        for list in ["dev.anyt", "pi.anyt.dev", "api.anyt.dev:8443", ",", "."] {
            let chosen = chosen("https://api.anyt.dev", &[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", list)]);
            assert!(chosen.is_some(), "{list}");
        }
    }

    #[test]
    fn no_proxy_has_networks() {
        let is_direct =
            |url: &str, list: &str| chosen(url, &[("HTTP_PROXY", "http://p:1"), ("NO_PROXY", list)]).is_none();
        for (url, list) in [
            ("http://192.0.2.17:8000", "192.0.2.0/24"),
            ("http://192.0.2.17", "x, 192.0.2.*"),
            ("http://192.0.2.17", "192.0.2.17/32"),
            ("http://192.0.2.17", "0.0.0.0/0"),
            ("http://[2001:db8::17]", "2001:db8::/32"),
            ("http://[2001:db8::17]", "[2001:db8::17]"),
        ] {
            assert!(is_direct(url, list), "{url} {list}");
        }
        for (url, list) in [
            ("http://192.0.3.17", "192.0.2.0/24,192.0.2.*"),
            ("http://192.0.2.17", "192.0.2.0/33"),
            ("http://192.0.2.17", "192.0.2.0/x"),
            ("http://192.0.2.17", "::/0"),
            ("http://a.b", "0.0.0.0/0"),
            ("http://192.0.2.evil.example", "192.0.2.*"),
        ] {
            assert!(!is_direct(url, list), "{url} {list}");
        }
        assert_eq!(authority("http://me:se@cret@proxy.example:3128/"), "proxy.example:3128");
    }

    #[test]
    fn a_socks_proxy_is_an_error_not_a_direct_connection() {
        assert!(open("socks5://p:1").is_err());
        assert!(open("http://me:secret@").is_err_and(|message| !message.contains("secret")));
        assert!(open("http://p:1").is_ok());
    }
}
