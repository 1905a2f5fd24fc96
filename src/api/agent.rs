//! ureq, set up the way this program needs it: deadlines on everything, no redirects of its own, no status as an error,
//! no proxy for loopback, roots that work in an empty container. Built at the first request: it may read a CA file.

use super::addresses::{Addresses, Opening};
use super::proxy;
use super::sent::{Mark, Marking};
use super::tls;
use crate::pipe::{self, Patience};
use std::path::Path;
use std::time::Duration;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, RustlsConnector};
use ureq::{Agent, config::Config};

/// Resolving and connecting get no longer than this of a request's time.
const CONNECT: Duration = Duration::from_secs(10);
/// Well below the idle time after which common servers hang up (2 s and 5 s), so that a request seldom meets a
/// connection that is closing.
const IDLE: Duration = Duration::from_millis(1_500);

/// What an agent is built from.
pub(super) struct Setup<'a> {
    /// `host[:port]` of the server.
    pub(super) authority: String,
    pub(super) proxy: Option<&'a str>,
    pub(super) ca_file: Option<&'a Path>,
    pub(super) timeout: Duration,
}

/// An agent that keeps one connection for the run, and what is known of the request under way. ureq never repeats a
/// request by itself; it looks whether a kept connection is still open before it writes into it. One that the server
/// closes in that very moment leaves a write in doubt, which the engine settles by looking.
pub(super) struct Line {
    pub(super) agent: Agent,
    pub(super) mark: Mark,
}

impl Line {
    pub(super) fn build(setup: &Setup) -> Result<Line, String> {
        let mark = Mark::default();
        let connect = Some(setup.timeout.min(CONNECT));
        let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(tls::provider());
        let config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .tls_config(tls.root_certs(roots(setup.ca_file)?).build())
            .proxy(setup.proxy.map(proxy::open).transpose()?)
            .user_agent(concat!("anyt/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .timeout_global(Some(setup.timeout))
            .timeout_resolve(connect)
            .timeout_connect(connect)
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .max_idle_age(IDLE)
            .build();
        let addresses = Addresses::default();
        let marking = Marking { mark: mark.clone(), authority: setup.authority.clone() };
        let connector =
            ().chain(ConnectProxyConnector::default())
                .chain(Opening(addresses.clone()))
                .chain(RustlsConnector::default())
                .chain(marking);
        Ok(Line { agent: Agent::with_parts(config, connector, addresses), mark })
    }
}

/// Bytes; the roots of all the world are a tenth of it.
const LARGEST_CA_FILE: usize = 4 << 20;

/// For a CA file that is a pipe.
const PATIENCE: Patience = Patience { for_a_writer: Duration::from_secs(3), for_all: Duration::from_secs(3) };

/// The bundled Mozilla roots, or in their place the certificates of a PEM file, as curl's `--cacert` has it.
fn roots(ca_file: Option<&Path>) -> Result<RootCerts, String> {
    let Some(path) = ca_file else { return Ok(RootCerts::WebPki) };
    let fault = |what: String| format!("the CA file {}: {what}", path.display());
    let bytes = pipe::read(path, LARGEST_CA_FILE, PATIENCE).map_err(|error| fault(error.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&bytes) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| fault(format!("damaged: {error}")))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(fault("it holds no certificate in PEM form".into()));
    }
    Ok(RootCerts::from(certificates))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(ca_file: Option<&Path>) -> Result<Line, String> {
        Line::build(&Setup { authority: "a.b".into(), proxy: None, ca_file, timeout: Duration::from_secs(1) })
    }

    #[test]
    fn a_ca_file_must_be_one() {
        assert!(build(None).is_ok());
        let missing = Path::new("/nonexistent/ca.pem");
        assert!(build(Some(missing)).is_err_and(|words| words.contains("/nonexistent/ca.pem")));
        let not_pem = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(build(Some(&not_pem)).is_err_and(|words| words.contains("no certificate")));
    }
}
