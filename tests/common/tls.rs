//! TLS before a server that speaks none: a door that ends it and hands on one request after the other. Its certificate
//! is its own authority, made by `openssl` for one test.

use super::accept::Acceptor;
use super::http::{self, Message};
use super::tempdir::TempDir;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// A certificate and its key, as files.
pub struct Certificate {
    folder: TempDir,
}

impl Certificate {
    /// For these names, as openssl writes them: `DNS:localhost,IP:127.0.0.1`. `None` where there is no openssl.
    pub fn of(names: &str) -> Option<Certificate> {
        let folder = TempDir::new("certificate");
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=anyt test", "-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-addext", &format!("subjectAltName={names}"), "-keyout", "key.pem", "-out", "certificate.pem"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .ok()?;
        assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
        Some(Certificate { folder })
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    fn config(&self) -> ServerConfig {
        let chain = vec![CertificateDer::from_pem_file(self.file()).expect("openssl wrote a certificate")];
        let key: &Path = &self.folder.path().join("key.pem");
        let key = PrivateKeyDer::from_pem_file(key).expect("openssl wrote a key");
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
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
