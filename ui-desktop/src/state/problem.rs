//! An error as a viewer meets it: what happened and what to do, in plain words; the technical part apart.

use kinora_api::NowPlaying;
use player_core::error::ErrorContext;
use player_core::{ErrorCode, PlayerError};

use super::service_words;
use crate::api::Failure;

/// The content of an error card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The number and name of the taxonomy, for whoever asks for help.
    pub code: ErrorCode,
    /// Headline: the event in one sentence that anybody understands.
    pub meaning: String,
    /// Advice to the viewer, one sentence.
    pub advice: String,
    /// Message and context of the error for an engineer; free of secrets.
    pub detail: String,
    /// Playbacks of the account that leave no place for this one; each can be stopped.
    pub playing: Vec<NowPlaying>,
    /// Nothing failed: another device took over.
    pub is_displaced: bool,
    /// The HTTP status, when one came.
    status: Option<u16>,
    /// The service's own code, when the taxonomy of playback has none for it.
    service: Option<kinora_api::ErrorCode>,
}

impl Problem {
    /// Creates the card of an error of a film.
    pub fn new(error: &PlayerError) -> Self {
        Self {
            code: error.code,
            meaning: headline(error.code, error.context.http_status).to_owned(),
            advice: advice(error.code).to_owned(),
            detail: detail(&error.message, &error.context),
            playing: Vec::new(),
            is_displaced: false,
            status: error.context.http_status,
            service: None,
        }
    }

    /// Creates the card of an error of the service.
    pub fn of_service(error: &PlayerError) -> Self {
        let meaning = match error.code {
            ErrorCode::NetworkUnreachable => "We can't reach Kinora.",
            ErrorCode::NetworkTimeout => "Kinora is not answering.",
            ErrorCode::TlsFailed => "Another server answers at Kinora's address.",
            ErrorCode::HttpStatus | ErrorCode::BodyTooLarge | ErrorCode::ServiceUnavailable => {
                "Kinora can't answer right now."
            }
            code => headline(code, None),
        };
        let card = Self { meaning: meaning.to_owned(), ..Self::new(error) };
        match error.code {
            ErrorCode::TlsFailed => Self { advice: WRONG_KEY.to_owned(), ..card },
            _ => card,
        }
    }

    /// Creates the card of a film that ended here because another device took its place.
    pub fn displaced() -> Self {
        let error = PlayerError::fatal(ErrorCode::TooManyStreams, "another device of the account took over");
        Self {
            meaning: "Another device took over.".to_owned(),
            advice: "To go on watching here, press “Watch here”.".to_owned(),
            is_displaced: true,
            ..Self::of_service(&error)
        }
    }

    /// Creates the card of a request that the service refused, with the playbacks that take its place, if that is why.
    pub fn of_failure(failure: &Failure) -> Self {
        let card = Self::of_service(&failure.error);
        let playing = failure.service.as_ref().map(|answer| answer.playing.clone()).unwrap_or_default();
        if !playing.is_empty() {
            let advice =
                if playing.len() == 1 { "Stop it there to watch here." } else { "Stop one of them to watch here." };
            return Self { playing, advice: advice.to_owned(), ..card };
        }
        match failure.wire().and_then(|code| service_words(code).map(|words| (code, words))) {
            Some((code, (meaning, advice))) => {
                Self { meaning: meaning.to_owned(), advice: advice.to_owned(), service: Some(code), ..card }
            }
            None => card,
        }
    }

    /// True when signing in again is what helps.
    pub fn needs_sign_in(&self) -> bool {
        matches!(self.code, ErrorCode::SignInExpired | ErrorCode::SignInRevoked)
    }

    /// Returns true when the same request may succeed later by itself: a server is away, slow or out of order.
    pub fn is_temporary(&self) -> bool {
        match self.code {
            _ if self.service.is_some() => false,
            ErrorCode::HttpStatus => self.status.is_some_and(|status| status >= 500),
            ErrorCode::NetworkUnreachable
            | ErrorCode::NetworkTimeout
            | ErrorCode::BodyTruncated
            | ErrorCode::MediaUnavailable
            | ErrorCode::ServiceUnavailable => true,
            _ => false,
        }
    }

    /// The stable name and number, such as `NotAManifest (2001)`.
    pub fn code_line(&self) -> String {
        match self.service {
            Some(code) => format!("{code:?} ({})", code.number()),
            None => self.code.to_string(),
        }
    }

    /// Returns the technical part as lines, to be read to whoever helps or pasted into a report.
    pub fn technical(&self) -> String {
        let meaning = if self.service.is_some() { &self.meaning } else { self.code.meaning() };
        format!("{}\n{meaning}\n{}", self.code_line(), self.detail)
    }
}

/// Advice when the service's key is not the one of its pin.
const WRONG_KEY: &str = "Nothing was sent to it. Ask who runs Kinora for its address and pin.";

/// Returns a viewer's words for a code, one sentence without a term of the trade.
fn headline(code: ErrorCode, status: Option<u16>) -> &'static str {
    use ErrorCode as E;
    match code {
        E::NetworkUnreachable => "We can't reach the film's server.",
        E::NetworkTimeout => "The film's server is not answering.",
        E::HttpStatus if matches!(status, Some(404 | 410)) => "This film isn't there any more.",
        E::HttpStatus => "The film's server won't send it.",
        E::BodyTruncated => "The connection to the film's server broke off.",
        E::TlsFailed => "The connection to the film's server is not secure.",
        E::BodyTooLarge | E::NotAManifest => "There is no film at this address.",
        E::BadAddress => "This address can't be opened.",
        E::RangeIgnored | E::ResponseMalformed => "The film's server sends it in a way that can't be played.",
        E::ManifestMalformed | E::ManifestTooLarge | E::MediaMalformed => "This film is damaged.",
        E::ManifestEmpty => "There is nothing to play in this film.",
        E::ManifestUnsupported | E::ContainerUnsupported => "This kind of film can't be played yet.",
        E::CodecUnsupported | E::DecoderUnavailable => "This computer can't play this film.",
        E::SegmentEmpty | E::RangePastEnd => "A part of this film is missing.",
        E::MediaUnavailable => "A part of this film can't be loaded.",
        E::DecoderFailed | E::RendererFailed => "The film stopped playing.",
        E::AudioDeviceUnavailable => "There is no sound.",
        E::VideoOutputUnavailable => "The picture can't be shown.",
        E::OutputUnprotected => "This film may not be shown on this screen.",
        E::LiveStopped => "The broadcast has stopped.",
        E::BehindLiveWindow => "This part of the broadcast is gone.",
        E::KeyUnavailable | E::LicenceRefused | E::DecryptionFailed => "This film can't be unlocked.",
        E::DrmUnsupported => "This film is protected in a way that this computer doesn't know.",
        E::InvalidState | E::InvalidArgument | E::Unsupported => "This isn't possible.",
        E::QueueFull => "Too much was asked for at once.",
        E::InvalidCredentials => "The e-mail address or the password is wrong.",
        E::SignInExpired => "Your sign-in has expired.",
        E::SignInRevoked => "You have been signed out.",
        E::TooManyAttempts => "There were too many attempts to sign in.",
        E::TooManyStreams => "Your account is playing on too many devices.",
        E::NotInRegion => "This title is not available in your region.",
        E::ParentalRestriction => "This profile may not watch this title.",
        E::TitleNotFound => "This title isn't there any more.",
        E::GrantExpired | E::GrantInvalid => "The film has to be started again.",
        E::ServiceUnavailable => "Kinora can't answer right now.",
        E::Internal => "Something went wrong in the app.",
        other => other.meaning(),
    }
}

/// Returns what to do. The taxonomy's advice is written for viewers; a few of its sentences send them to an address
/// that they have never seen.
fn advice(code: ErrorCode) -> &'static str {
    use ErrorCode as E;
    match code {
        E::HttpStatus => "Try again later.",
        E::BodyTooLarge
        | E::RangeIgnored
        | E::ResponseMalformed
        | E::ManifestMalformed
        | E::ManifestTooLarge
        | E::DecryptionFailed => "Try another film, and report this one.",
        E::MediaMalformed | E::SegmentEmpty | E::RangePastEnd => "Try again, or skip ahead in the film.",
        E::ManifestEmpty => "Try another film.",
        E::LiveStopped => "It may come back: try again later.",
        E::BehindLiveWindow => "Try again to watch what is live now.",
        E::InvalidArgument | E::InvalidState => "Try again.",
        other => other.advice(),
    }
}

fn detail(message: &str, context: &ErrorContext) -> String {
    let mut parts = vec![message.to_owned()];
    // What the message says already is not said again.
    let mut push = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !message.contains(value.as_str())) {
            parts.push(format!("{name} {value}"));
        }
    };
    push("while in stage", context.stage.map(|stage| format!("{stage:?}").to_lowercase()));
    push("HTTP status", context.http_status.map(|status| status.to_string()));
    push("line", context.line.map(|line| line.to_string()));
    push("byte", context.byte_offset.map(|offset| offset.to_string()));
    push("feature", context.feature.clone());
    push("key", context.key_id.clone());
    push("address", context.url.clone());
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use player_core::error::Stage;

    #[test]
    fn every_code_makes_a_card_that_says_what_happened_and_what_to_do() {
        for &code in ErrorCode::ALL {
            let problem = Problem::new(&PlayerError::fatal(code, "it broke"));
            assert!(problem.meaning.ends_with('.') && problem.advice.ends_with('.'), "{code}");
            assert_eq!(problem.detail, "it broke");
            assert!(problem.code_line().contains(&code.number().to_string()));
            assert_eq!(problem.needs_sign_in(), code.advice() == "Sign in again.");
        }
    }

    #[test]
    fn a_viewer_reads_no_term_of_the_trade() {
        const TERMS: [&str; 16] = [
            "HTTP",
            "manifest",
            "segment",
            "codec",
            "container",
            "stage",
            "status",
            "unroutable",
            "byte",
            "playlist",
            "DASH",
            "HLS",
            "presentation",
            "body",
            "decoder",
            "DRM",
        ];
        for &code in ErrorCode::ALL {
            for problem in [Problem::new, Problem::of_service].map(|card| card(&PlayerError::fatal(code, "it broke"))) {
                let headline = &problem.meaning;
                assert!(!TERMS.iter().any(|term| headline.contains(term)), "{code}: {headline}");
                assert!(headline.len() <= 70, "{code}: {headline}");
                assert!(!problem.advice.contains("Report the address"), "{code}: {}", problem.advice);
            }
        }
    }

    #[test]
    fn the_technical_part_names_code_place_and_status() {
        let error =
            PlayerError::fatal(ErrorCode::HttpStatus, "the server said no").at(Stage::Manifest).with_status(404);
        let problem = Problem::new(&error);
        assert_eq!(problem.detail, "the server said no · while in stage manifest · HTTP status 404");
        assert_eq!(problem.meaning, "This film isn't there any more.");
        let technical = problem.technical();
        assert!(technical.starts_with("HttpStatus (1003)\n") && technical.ends_with("HTTP status 404"), "{technical}");
    }
}
