//! TLS before a server that speaks none: a door that ends it and hands on one request after the other. Its certificate
//! is its own authority, made for one test.

use super::accept::Acceptor;
use super::http::{self, Message};
use super::tempdir::TempDir;
use rcgen::{CertificateParams, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// A certificate and its key; the certificate is a file as well, for the client to be told of.
pub struct Certificate {
    folder: TempDir,
    chain: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    /// For these host names and addresses.
    pub fn of(names: &[&str]) -> Certificate {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names that fit in a certificate");
        params.is_ca = IsCa::ExplicitNoCa;
        let key = KeyPair::generate().expect("a key");
        let made = params.self_signed(&key).expect("a certificate");
        let folder = TempDir::new("certificate");
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let certificate = Certificate { folder, chain: made.der().clone(), key };
        std::fs::write(certificate.file(), made.pem()).expect("our own folder");
        certificate
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    fn config(&self) -> ServerConfig {
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![self.chain.clone()], self.key.clone_key())
            })
            .expect("a certificate and its key")
    }
}

pub struct TlsDoor {
    acceptor: Acceptor,
    heard: Arc<Mutex<Vec<Message>>>,
}

impl TlsDoor {
    pub fn before(upstream: SocketAddr, certificate: &Certificate) -> TlsDoor {
        let config = Arc::new(certificate.config());
        let heard: Arc<Mutex<Vec<Message>>> = Arc::default();
        let into = heard.clone();
        let acceptor = Acceptor::start(move |stream, _| {
            let Ok(connection) = ServerConnection::new(config.clone()) else { return };
            let mut reader = BufReader::new(StreamOwned::new(connection, stream));
            // A client that does not like the certificate is gone before its first request.
            while let Ok(Some(request)) = http::read(&mut reader) {
                into.lock().expect("no thread panics holding it").push(request.clone());
                let mut alone = request;
                alone.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("connection"));
                let Ok(reply) = http::exchange(upstream, &alone.with_header("Connection", "close")) else { return };
                if reader.get_mut().write_all(&reply.bytes()).and_then(|()| reader.get_mut().flush()).is_err() {
                    return;
                }
            }
        });
        TlsDoor { acceptor, heard }
    }

    pub fn port(&self) -> u16 {
        self.acceptor.door().address().port()
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port())
    }

    /// Requests that came through the handshake.
    pub fn heard(&self) -> Vec<Message> {
        self.heard.lock().expect("no thread panics holding it").clone()
    }
}
