//! What can go wrong with a request, put into the one taxonomy of errors.
//!
//! The service's numbers are those of the taxonomy's 7xxx range; the few that the taxonomy does not know are defects of
//! one side and are shown as a service that is out of order.

use kinora_api::{ApiError, ErrorCode as Wire};
use player_core::{ErrorCode, PlayerError};
use url::Url;

use crate::state::service_words;

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For the error card.
    pub error: PlayerError,
    /// What the service said, when it was the service that said no.
    pub service: Option<Box<ApiError>>,
}

impl Failure {
    /// The service said no.
    pub fn refused(answer: ApiError, status: u16, url: &Url) -> Self {
        let known = ErrorCode::ALL.iter().find(|code| code.number() == answer.code);
        let code = match (known, answer.kind()) {
            (Some(code), _) => *code,
            (None, Some(Wire::PlaybackSessionNotFound)) => ErrorCode::GrantExpired,
            (None, _) => ErrorCode::ServiceUnavailable,
        };
        let error = PlayerError::fatal(code, answer.message.clone()).with_url(url).with_status(status);
        Self { error, service: Some(Box::new(answer)) }
    }

    /// Something answered that is not the service, or not in its words.
    pub fn not_the_service(status: u16, url: &Url) -> Self {
        let message = "the answer is not one of a Kinora service";
        let error = PlayerError::fatal(ErrorCode::ServiceUnavailable, message).with_url(url).with_status(status);
        Self { error, service: None }
    }

    /// The answer is larger than any of its kind.
    pub fn too_large(url: &Url) -> Self {
        let error = PlayerError::fatal(ErrorCode::BodyTooLarge, "the answer exceeds its limit").with_url(url);
        Self { error, service: None }
    }

    /// The path of a request does not make an address.
    pub fn bad_address(path: &str) -> Self {
        let error = PlayerError::fatal(ErrorCode::BadAddress, format!("`{path}` is not a path of the service"));
        Self { error, service: None }
    }

    /// Nobody is signed in.
    pub fn signed_out() -> Self {
        Self { error: PlayerError::fatal(ErrorCode::SignInExpired, "nobody is signed in"), service: None }
    }

    /// The exchange itself failed.
    pub fn transport(error: &reqwest::Error, url: &Url) -> Self {
        let (code, message) = if kinora_pin::is_wrong_key(error) {
            (ErrorCode::TlsFailed, "the server has another key than its pin says")
        } else if error.is_timeout() {
            (ErrorCode::NetworkTimeout, "no answer came in time")
        } else if error.is_connect() {
            (ErrorCode::NetworkUnreachable, "the connection could not be made")
        } else {
            (ErrorCode::BodyTruncated, "the connection broke off")
        };
        Self { error: PlayerError::fatal(code, message).with_url(url), service: None }
    }

    /// True when nobody answered, so that a service which is still starting may answer later.
    pub fn is_unreachable(&self) -> bool {
        self.service.is_none() && matches!(self.error.code, ErrorCode::NetworkUnreachable | ErrorCode::NetworkTimeout)
    }

    /// Returns true when the service is away or out of order: nothing is wrong with the request, and the same one may
    /// succeed later.
    pub fn is_outage(&self) -> bool {
        use ErrorCode::{BodyTruncated, NetworkTimeout, NetworkUnreachable, ServiceUnavailable};
        // A refusal that the taxonomy of playback has no code for is no outage.
        if self
            .wire()
            .is_some_and(|code| !matches!(code, Wire::ServiceUnavailable | Wire::ServiceInternal | Wire::InjectedFault))
        {
            return false;
        }
        matches!(self.error.code, NetworkUnreachable | NetworkTimeout | BodyTruncated | ServiceUnavailable)
    }

    /// The service's own number, when it was the service that said no.
    pub fn wire(&self) -> Option<Wire> {
        self.service.as_ref().and_then(|answer| answer.kind())
    }

    /// Returns the seconds after which another attempt to sign in is taken; `None` when it need not wait.
    pub fn wait_seconds(&self) -> Option<f64> {
        let answer = self.service.as_ref().filter(|answer| answer.kind() == Some(Wire::TooManyAttempts))?;
        // An hour is longer than any wait of the service.
        Some(answer.retry_after_ms.unwrap_or(60_000).min(3_600_000) as f64 / 1000.0)
    }

    /// One line for a form.
    pub fn for_form(&self) -> String {
        match (self.wire(), &self.service) {
            (Some(Wire::InvalidCredentials), _) => "The e-mail address or the password is wrong.".to_owned(),
            (Some(Wire::TooManyAttempts), _) => {
                let wait = self.wait_seconds().unwrap_or_default().ceil();
                format!("Too many attempts. Wait {wait} s and try again.")
            }
            _ if self.error.code == ErrorCode::TlsFailed => {
                "Another server answers at Kinora's address, which this app does not trust. Nothing was sent to it."
                    .to_owned()
            }
            _ if self.is_unreachable() => {
                format!("Kinora cannot be reached. {}", self.error.code.advice())
            }
            (Some(code), _) if service_words(code).is_some() => {
                let (meaning, advice) = service_words(code).unwrap_or_default();
                format!("{meaning} {advice}")
            }
            (_, Some(answer)) => answer.message.clone(),
            _ => self.error.code.meaning().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_service_find_their_place_in_the_taxonomy() {
        let url: Url = "http://service.example/v1/playback?secret=1".parse().expect("a valid address");
        let check = |wire: Wire, want: ErrorCode| {
            let failure = Failure::refused(ApiError::new(wire, "no"), wire.http_status(), &url);
            assert_eq!(failure.error.code, want, "{wire:?}");
            assert_eq!(failure.error.context.url.as_deref(), Some("http://service.example/v1/playback"));
        };
        check(Wire::SignInRevoked, ErrorCode::SignInRevoked);
        check(Wire::InvalidCredentials, ErrorCode::InvalidCredentials);
        check(Wire::PlaybackSessionNotFound, ErrorCode::GrantExpired);
        check(Wire::TooManyStreams, ErrorCode::TooManyStreams);
        check(Wire::NotInRegion, ErrorCode::NotInRegion);
        check(Wire::ParentalRestriction, ErrorCode::ParentalRestriction);
        check(Wire::TitleNotFound, ErrorCode::TitleNotFound);
        check(Wire::ServiceInternal, ErrorCode::ServiceUnavailable);
    }

    #[test]
    fn the_form_says_what_to_do() {
        let url: Url = "http://service.example/".parse().expect("a valid address");
        let wrong = Failure::refused(ApiError::new(Wire::InvalidCredentials, "x"), 401, &url);
        assert!(wrong.for_form().contains("password"));
        let often = ApiError::new(Wire::TooManyAttempts, "x").with_retry_after_ms(4_500);
        assert!(Failure::refused(often, 429, &url).for_form().contains("5 s"));
    }
}
