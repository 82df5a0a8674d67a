//! The error body, and the numbers of the service errors (the 7xxx range of the player's taxonomy).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use crate::NowPlaying;

/// The body of every answer that is not 2xx, from backend and edge alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiError {
    /// The stable number, 7000–7999; see [`ErrorCode`].
    pub code: u16,
    /// The stable name of the number, `snake_case`.
    pub name: String,
    /// One sentence for a human reader, in English, free of secrets. Clients that translate go by `code`.
    pub message: String,
    /// Time after which another try makes sense, in milliseconds; absent when waiting does not help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Playbacks that take the places of the account, only with [`ErrorCode::TooManyStreams`]: a client offers to stop one of
    /// them ([`crate::PlaybackRequest::stop`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub playing: Vec<NowPlaying>,
}

impl ApiError {
    /// An error with the given number and sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code: code.number(),
            name: code.name().to_owned(),
            message: message.into(),
            retry_after_ms: None,
            playing: Vec::new(),
        }
    }

    /// The same error with a delay after which a retry makes sense.
    pub fn with_retry_after_ms(mut self, delay_ms: u64) -> Self {
        self.retry_after_ms = Some(delay_ms);
        self
    }

    /// Returns the same error with the playbacks that take the places of the account.
    pub fn with_playing(mut self, playing: Vec<NowPlaying>) -> Self {
        self.playing = playing;
        self
    }

    /// The typed number, or `None` when a newer server sent one that this crate does not know.
    pub fn kind(&self) -> Option<ErrorCode> {
        ErrorCode::from_number(self.code)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code, self.name, self.message)
    }
}

impl std::error::Error for ApiError {}

/// Responses that every call may have beside its own, for the description of the calls: an [`ApiError`] with a status of 4xx or 5xx.
#[derive(Debug)]
pub struct Problems;

impl utoipa::IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("ApiError"))).build();
        let response = ResponseBuilder::new().description("The problem, by its code");
        let response = response.content("application/json", body).build();
        ["4XX", "5XX"].map(|status| (status.to_owned(), RefOr::T(response.clone()))).into()
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $number:literal, $name:literal, $status:literal;)*) => {
        /// Numbers of errors, which never change their meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[doc = $doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The number on the wire.
            pub const fn number(self) -> u16 {
                match self { $(ErrorCode::$variant => $number,)* }
            }

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)* }
            }

            /// Returns its meaning in one line.
            pub fn meaning(self) -> String {
                let lines: &[&str] = match self { $(ErrorCode::$variant => &[$($doc),*],)* };
                let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
                // Links of rustdoc are names elsewhere.
                lines.join(" ").replace("[`crate::", "`").replace("`]", "`")
            }

            /// The HTTP status that accompanies the code.
            pub const fn http_status(self) -> u16 {
                match self { $(ErrorCode::$variant => $status,)* }
            }

            /// The code of a number, `None` for a number that is not in the list.
            pub const fn from_number(number: u16) -> Option<ErrorCode> {
                match number { $($number => Some(ErrorCode::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    /// Address or password is wrong; the answer does not distinguish them.
    InvalidCredentials = 7001, "invalid_credentials", 401;
    /// The access token is missing, malformed or past its time: refresh it and repeat the request.
    SignInExpired = 7002, "sign_in_expired", 401;
    /// The refresh token is unknown, used twice or signed out: the viewer has to sign in again.
    SignInRevoked = 7003, "sign_in_revoked", 401;
    /// Too many failed sign-ins; `retry_after_ms` is the time to wait.
    TooManyAttempts = 7004, "too_many_attempts", 429;
    /// The account already plays on as many devices as it may.
    TooManyStreams = 7005, "too_many_streams", 409;
    /// The title may not be shown where the viewer is.
    NotInRegion = 7006, "not_in_region", 451;
    /// The profile may not see titles of this age rating.
    ParentalRestriction = 7007, "parental_restriction", 403;
    /// There is no such title, or it has been taken down.
    TitleNotFound = 7008, "title_not_found", 404;
    /// The account has no such profile.
    ProfileNotFound = 7009, "profile_not_found", 404;
    /// There is no such playback session, or it has been stopped: ask for a new grant.
    PlaybackSessionNotFound = 7010, "playback_session_not_found", 404;
    /// The signed address is past its time: renew the grant.
    GrantExpired = 7011, "grant_expired", 403;
    /// The signed address was not made by this service.
    GrantInvalid = 7012, "grant_invalid", 403;
    /// The request is malformed; the message names the place.
    InvalidRequest = 7013, "invalid_request", 400;
    /// There is nothing at this path.
    NotFound = 7014, "not_found", 404;
    /// The path exists, but not for this method.
    MethodNotAllowed = 7015, "method_not_allowed", 405;
    /// The request is larger than the service reads.
    RequestTooLarge = 7016, "request_too_large", 413;
    /// No range of the request lies within the file.
    RangeNotSatisfiable = 7017, "range_not_satisfiable", 416;
    /// The service, or the origin behind an edge, cannot answer now; trying again or elsewhere may help.
    ServiceUnavailable = 7018, "service_unavailable", 503;
    /// A fault was injected on purpose by a chaos plan.
    InjectedFault = 7019, "injected_fault", 503;
    /// The account has a PIN, and the profile is only for who has entered it with that PIN.
    ProfileLocked = 7020, "profile_locked", 403;
    /// PIN or password is missing or wrong where parents decide.
    NotAuthorised = 7021, "not_authorised", 403;
    /// The mailed code is wrong, used, or past its time: ask for another one.
    CodeInvalid = 7022, "code_invalid", 400;
    /// The account has as many profiles as it may, or this is its last one.
    ProfileLimit = 7023, "profile_limit", 409;
    /// Sign-in by code (RFC 8628 §3.5): the owner has not decided yet; ask again after the interval.
    AuthorizationPending = 7024, "authorization_pending", 400;
    /// Sign-in by code: asked too often; the interval is five seconds longer from now on.
    SlowDown = 7025, "slow_down", 400;
    /// Sign-in by code: the account's owner denied it.
    AccessDenied = 7026, "access_denied", 400;
    /// Sign-in by code: the codes are past their time; begin anew.
    ExpiredToken = 7027, "expired_token", 400;
    /// The account has no such device.
    DeviceNotFound = 7028, "device_not_found", 404;
    /// The title is there in no form that the device can play.
    NothingPlayable = 7030, "nothing_playable", 409;
    /// The list of the profile has as many titles as it can hold.
    ListFull = 7031, "list_full", 409;
    /// The password is right, and the sign-in is unusual: a code was mailed to the account's address, to be sent along
    /// ([`crate::SignInRequest::code`]).
    StepUpRequired = 7032, "step_up_required", 403;
    /// A defect of the service.
    ServiceInternal = 7099, "service_internal", 500;
}

#[cfg(test)]
mod tests {
    use super::{ApiError, ErrorCode};

    #[test]
    fn numbers_are_unique_in_range_and_lead_back() {
        for pair in ErrorCode::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number());
        }
        for &code in ErrorCode::ALL {
            assert!((7000..8000).contains(&code.number()));
            assert_eq!(ErrorCode::from_number(code.number()), Some(code));
        }
        assert_eq!(ErrorCode::from_number(7000), None);
    }

    #[test]
    fn every_code_has_a_meaning_without_links() {
        for code in ErrorCode::ALL {
            let meaning = code.meaning();
            assert!(meaning.ends_with('.') && !meaning.contains("crate::") && !meaning.contains('['), "{meaning}");
        }
        assert!(ErrorCode::StepUpRequired.meaning().contains("(`SignInRequest::code`)"));
    }

    #[test]
    fn the_body_has_the_three_fields_and_reads_back() {
        let error = ApiError::new(ErrorCode::TooManyAttempts, "wait").with_retry_after_ms(1500);
        let text = serde_json::to_string(&error).expect("plain data serialises");
        assert_eq!(text, r#"{"code":7004,"name":"too_many_attempts","message":"wait","retry_after_ms":1500}"#);
        let back: ApiError = serde_json::from_str(&text).expect("what was written reads back");
        assert_eq!(back, error);
        assert_eq!(back.kind(), Some(ErrorCode::TooManyAttempts));
    }
}
