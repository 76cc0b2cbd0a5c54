use std::io::Write;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

/// Two certificates of loopback that signed themselves: one to be trusted, one that nobody knows.
#[derive(Clone)]
pub(crate) struct Certificates {
    trusted: TlsAcceptor,
    untrusted: TlsAcceptor,
    pem: String,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let ((trusted, pem), (untrusted, _)) = (self_signed(), self_signed());
        Self { trusted, untrusted, pem }
    }

    pub(crate) fn acceptor(&self, untrusted: bool) -> &TlsAcceptor {
        if untrusted { &self.untrusted } else { &self.trusted }
    }

    /// What `AWS_CA_BUNDLE` names.
    pub(crate) fn bundle(&self) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(self.pem.as_bytes()).unwrap();
        file
    }
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificates")
    }
}

fn self_signed() -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config).into(), made.cert.pem())
}
