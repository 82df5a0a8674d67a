//! TLS for servers that no authority knows: a key and a certificate made at the first start, and trust by the pin of the key.
//!
//! TLS 1.3 only (RFC 8446), HTTP/2 or HTTP/1.1 by ALPN (RFC 7301). The pin is the SHA-256 of the public key (RFC 7469 §2.4): it
//! survives a new certificate for the same key.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;

pub use kinora_pin::{KeyPin, NotAPin, client_config};
use kinora_pin::{PROTOCOLS, provider};

use crate::keyfile;

/// Reason why there is no key and certificate to serve with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The file cannot be read or written.
    #[error("{} cannot be used: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The certificate cannot be made.
    #[error("the certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    /// The file holds something else.
    #[error("{} does not hold a private key and its certificate", path.display())]
    Content {
        /// The file.
        path: PathBuf,
    },
    /// Key and certificate cannot be used together.
    #[error("the certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Key and certificate of a server.
#[derive(Clone, Debug)]
pub struct Identity {
    config: Arc<ServerConfig>,
    pin: KeyPin,
}

impl Identity {
    /// Reads key and certificate from a file. If there is none, both are made for `names` (host names and addresses) and written
    /// with mode 0600.
    ///
    /// # Errors
    /// When the file cannot be used, or holds something else.
    pub fn load_or_create(path: &Path, names: &[String]) -> Result<Self, TlsError> {
        let text = match keyfile::load_or_create(path, || make(names).map_err(io::Error::other)) {
            Ok(text) => text,
            Err(error) => return Err(refused(path, error)),
        };
        let not_there = |_| TlsError::Content { path: path.to_owned() };
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(not_there)?;
        let certificate = CertificateDer::from_pem_slice(text.as_bytes()).map_err(not_there)?;
        let pin = KeyPin::of(&certificate)?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self { config: Arc::new(config), pin })
    }

    /// Pin of the key.
    pub fn pin(&self) -> KeyPin {
        self.pin
    }

    /// Returns the set-up for [`super::server::Transport`].
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Writes the pin as a line of text, for clients on the same machine.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_pin(&self, path: &Path) -> Result<(), TlsError> {
        std::fs::write(path, format!("{}\n", self.pin))
            .map_err(|source| TlsError::File { path: path.to_owned(), source })
    }
}

/// Tells a certificate that could not be made from a file that could not be written.
fn refused(path: &Path, error: io::Error) -> TlsError {
    match error.downcast::<rcgen::Error>() {
        Ok(error) => TlsError::Make(error),
        Err(source) => TlsError::File { path: path.to_owned(), source },
    }
}

fn make(names: &[String]) -> Result<String, rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "Kinora");
    let certificate = params.self_signed(&key)?;
    Ok(pem("PRIVATE KEY", key.serialized_der()) + &pem("CERTIFICATE", certificate.der()))
}

/// Text encoding of a structure (RFC 7468 §2).
fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::{Identity, TlsError};

    #[test]
    fn an_identity_is_made_once_and_is_private() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("gateway.pem");
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let first = Identity::load_or_create(&path, &names).expect("made");
        let again = Identity::load_or_create(&path, &[]).expect("read");
        assert_eq!(first.pin(), again.pin());
        let other = Identity::load_or_create(&dir.path().join("other.pem"), &names).expect("made");
        assert_ne!(first.pin(), other.pin());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).expect("the file exists").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        first.write_pin(&dir.path().join("pin")).expect("written");
        let text = std::fs::read_to_string(dir.path().join("pin")).expect("read");
        assert_eq!(text.parse(), Ok(first.pin()));
    }

    #[test]
    fn a_file_that_holds_something_else_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("gateway.pem");
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").expect("written");
        assert!(matches!(Identity::load_or_create(&path, &[]), Err(TlsError::Content { .. })));
        let below = path.join("below");
        assert!(matches!(Identity::load_or_create(&below, &[]), Err(TlsError::File { .. })));
        assert!(matches!(
            Identity::load_or_create(&dir.path().join("new.pem"), &["ü".to_owned()]),
            Err(TlsError::Make(_))
        ));
    }
}
