use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Why a bundle of root certificates cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// Not there, not PEM, or not a certificate.
    #[error("{0}: not a readable PEM file of certificates")]
    Unreadable(PathBuf),
    /// A file without any certificate.
    #[error("{0}: holds no certificate")]
    Empty(PathBuf),
}

pub(crate) fn client_config(ca_bundle: Option<&Path>) -> Result<ClientConfig, TrustError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca_bundle {
        add_bundle(&mut roots, path)?;
    }
    Ok(ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports rustls's default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn add_bundle(roots: &mut RootCertStore, path: &Path) -> Result<(), TrustError> {
    let unreadable = || TrustError::Unreadable(path.to_owned());
    let before = roots.len();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|_| unreadable())? {
        roots.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
    }
    if roots.len() == before { Err(TrustError::Empty(path.to_owned())) } else { Ok(()) }
}

/// Whether `error` is rustls's, somewhere down.
pub(crate) fn failed(error: &(dyn Error + 'static)) -> bool {
    // The source of an `io::Error` is that of the error that it holds, not that error.
    let next = match error.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    };
    error.is::<rustls::Error>() || next.is_some_and(failed)
}
