//! Trust in a server by the pin of its key, which no authority has to certify.
//!
//! TLS 1.3 only (RFC 8446). The pin is the SHA-256 of the public key (RFC 7469 §2.4): it survives a new certificate for the
//! same key. Servers are set up by `kinora_kit::http::tls`; this crate is what a client needs.

#![warn(missing_docs)]

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::TLS13;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use sha2::{Digest as _, Sha256};

/// Names of the protocols that both sides offer by ALPN (RFC 7301), best first.
pub const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// SHA-256 of a public key's SubjectPublicKeyInfo. As text it is base64 with padding, as `curl --pinnedpubkey sha256//…` takes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyPin([u8; 32]);

impl KeyPin {
    /// Returns the pin of the key in a certificate.
    ///
    /// # Errors
    /// When it is no certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, rustls::Error> {
        let info = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        Ok(Self(Sha256::digest(&info).into()))
    }
}

impl fmt::Display for KeyPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for KeyPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPin({self})")
    }
}

/// The text is not a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pin is the SHA-256 of a key in base64")]
pub struct NotAPin;

impl FromStr for KeyPin {
    type Err = NotAPin;

    fn from_str(text: &str) -> Result<Self, NotAPin> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| NotAPin)?;
        bytes.try_into().map(Self).map_err(|_| NotAPin)
    }
}

/// Returns the cryptography of both sides.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Set-up of a client that trusts exactly the server whose key has this pin, whatever its certificate is called.
///
/// # Errors
/// When the cryptography of this build lacks TLS 1.3.
pub fn client_config(pin: KeyPin) -> Result<ClientConfig, rustls::Error> {
    let provider = provider();
    let verifier = PinnedKey { pin, provider: Arc::clone(&provider) };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

/// Trusts one key. The handshake proves that the server has it: the signature is verified as always.
#[derive(Debug)]
struct PinnedKey {
    pin: KeyPin,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedKey {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if KeyPin::of(end_entity)? == self.pin {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // TLS 1.2 is not offered.
        Err(rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Returns true if an error, or one that it was caused by, is that a server has another key than the pin says.
pub fn is_wrong_key(error: &(dyn std::error::Error + 'static)) -> bool {
    const WRONG: rustls::Error = rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<rustls::Error>() == Some(&WRONG) {
            return true;
        }
        // The source of an error of I/O is that of the error it holds, which would be left out.
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{CertificateError, KeyPin, NotAPin, is_wrong_key};

    #[test]
    fn only_thirty_two_bytes_are_a_pin() {
        for text in ["", "AAAA", "not base64 at all", &"A".repeat(44)] {
            assert_eq!(text.parse::<KeyPin>(), Err(NotAPin), "{text}");
        }
    }

    #[test]
    fn a_wrong_key_is_found_below_other_errors() {
        let wrong = || rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
        assert!(is_wrong_key(&wrong()));
        assert!(is_wrong_key(&std::io::Error::other(std::io::Error::other(wrong()))));
        assert!(!is_wrong_key(&std::io::Error::other("refused")));
        assert!(!is_wrong_key(&rustls::Error::InvalidCertificate(CertificateError::Expired)));
    }
}
