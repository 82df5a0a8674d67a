//! The one error taxonomy. `docs/error-codes.md`, the C enum and every binding are generated from [`ErrorCode`].
//!
//! 1xxx network · 2xxx manifest · 3xxx media · 4xxx render and decoder · 5xxx licence · 6xxx usage ·
//! 7xxx service · 9xxx internal.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $value:literal, retriable: $retriable:literal, advice: $advice:literal;)+) => {
        /// Code of an error. The numeric value is stable for ever.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum ErrorCode { $($(#[doc = $doc])+ $name = $value,)+ }

        impl ErrorCode {
            /// Every code, in numeric order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable name, as in the enum.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// Returns the meaning in one sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim(),)+ }
            }

            /// Returns the advice to the person in front of the screen.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)+ }
            }

            /// True when the same request may succeed later without anybody changing anything.
            pub const fn is_retriable(self) -> bool {
                match self { $(Self::$name => $retriable,)+ }
            }
        }
    };
}

error_codes! {
    /// The server could not be reached: refused, unroutable or unresolvable.
    NetworkUnreachable = 1001, retriable: true, advice: "Check the network connection and try again.";
    /// No byte arrived within the time allowed.
    NetworkTimeout = 1002, retriable: true, advice: "The network is very slow or the server is not answering. Try again.";
    /// The server refused with an HTTP status.
    HttpStatus = 1003, retriable: true, advice: "The server refused this file. Try again later or report the address.";
    /// The connection ended before the body was complete.
    BodyTruncated = 1004, retriable: true, advice: "The connection broke off. Try again.";
    /// The secure connection could not be established.
    TlsFailed = 1005, retriable: false, advice: "The server's certificate is not trusted. Check the date of this device.";
    /// The answer is larger than any sane file of its kind.
    BodyTooLarge = 1006, retriable: false, advice: "The server sent something that is not a stream. Report the address.";
    /// The address could not be used: malformed, or of a scheme that is not supported.
    BadAddress = 1007, retriable: false, advice: "Check the address.";
    /// The server ignored a byte range in a way that cannot be repaired.
    RangeIgnored = 1008, retriable: false, advice: "The server does not support partial requests. Report the address.";
    /// The head of the server's answer is not readable as HTTP.
    ResponseMalformed = 1009, retriable: false, advice: "This server does not speak proper HTTP. Report the address.";
    /// A byte range ends after the end of its file; the part that exists is played.
    RangePastEnd = 1010, retriable: false, advice: "The end of a file may be missing. Report the address.";
    /// The document is neither an HLS playlist nor a DASH manifest.
    NotAManifest = 2001, retriable: false, advice: "This address does not lead to an HLS or DASH stream.";
    /// The manifest breaks its own format beyond repair.
    ManifestMalformed = 2002, retriable: false, advice: "The stream is damaged. Report the address.";
    /// The manifest names nothing that could be played.
    ManifestEmpty = 2003, retriable: false, advice: "The stream is empty.";
    /// The manifest exceeds a limit that protects the player.
    ManifestTooLarge = 2004, retriable: false, advice: "The stream's description is unreasonably large. Report the address.";
    /// The manifest needs a feature that is not supported; the context names it.
    ManifestUnsupported = 2005, retriable: false, advice: "This player cannot play this kind of stream yet.";
    /// A live presentation has not grown for longer than an encoder may be silent, and all of it has been played.
    LiveStopped = 2006, retriable: true, advice: "The broadcast has stopped. Try again later.";
    /// Media data is damaged.
    MediaMalformed = 3001, retriable: true, advice: "A part of the film is damaged.";
    /// The container format is not supported; the context names it.
    ContainerUnsupported = 3002, retriable: false, advice: "This player cannot play this kind of file yet.";
    /// The codec is not supported; the context names it.
    CodecUnsupported = 3003, retriable: false, advice: "This device cannot decode this film.";
    /// A segment holds no sample where the manifest promises media.
    SegmentEmpty = 3004, retriable: true, advice: "A part of the film is missing.";
    /// Every way to get some part of the presentation has failed.
    MediaUnavailable = 3005, retriable: true, advice: "A part of the film cannot be loaded. Try again later.";
    /// Playback fell behind the window of a live presentation, and the host's policy is to end there.
    BehindLiveWindow = 3006, retriable: true, advice: "Go to the live edge.";
    /// No decoder could be created for a track.
    DecoderUnavailable = 4001, retriable: false, advice: "Install the missing decoder.";
    /// The decoder failed while running.
    DecoderFailed = 4002, retriable: true, advice: "Try again, or choose another quality.";
    /// No audio device could be opened; playback goes on silently.
    AudioDeviceUnavailable = 4003, retriable: true, advice: "Connect or choose a sound device.";
    /// No video output could be opened.
    VideoOutputUnavailable = 4004, retriable: false, advice: "Check the display or the graphics driver.";
    /// The rendering pipeline failed.
    RendererFailed = 4005, retriable: true, advice: "Try again.";
    /// No quality may be shown on this output: all ask for copy protection that the host has not vouched for.
    OutputUnprotected = 4006, retriable: false, advice: "Connect a display with copy protection (HDCP), or watch on the device's own screen.";
    /// The content is protected and no key could be had; the context names system and key.
    KeyUnavailable = 5001, retriable: false, advice: "This film needs a licence that this device does not have.";
    /// The protection system is not supported; the context names it.
    DrmUnsupported = 5002, retriable: false, advice: "This film is protected in a way this device does not support.";
    /// The licence server refused.
    LicenceRefused = 5003, retriable: false, advice: "Your account may not play this film here.";
    /// The media could not be decrypted: the key does not fit, or the data is damaged.
    DecryptionFailed = 5004, retriable: true, advice: "The key of this film does not fit. Report the address.";
    /// A command was sent in a state in which it makes no sense.
    InvalidState = 6001, retriable: false, advice: "Load a stream first.";
    /// An argument is out of its range.
    InvalidArgument = 6002, retriable: false, advice: "Check the value.";
    /// A feature that is not built; the context names it.
    Unsupported = 6003, retriable: false, advice: "This is not possible yet.";
    /// The command queue is full.
    QueueFull = 6004, retriable: true, advice: "Try again.";
    /// Address or password is wrong.
    InvalidCredentials = 7001, retriable: false, advice: "Check the address and the password.";
    /// The sign-in is past its time.
    SignInExpired = 7002, retriable: false, advice: "Sign in again.";
    /// The sign-in was ended, here or on another device.
    SignInRevoked = 7003, retriable: false, advice: "Sign in again.";
    /// Too many failed sign-ins.
    TooManyAttempts = 7004, retriable: true, advice: "Wait a moment and try again.";
    /// The account plays on too many devices at once.
    TooManyStreams = 7005, retriable: true, advice: "Stop playback on another device.";
    /// The title is not available where the device is.
    NotInRegion = 7006, retriable: false, advice: "This title is not available in your region.";
    /// The profile may not play this title.
    ParentalRestriction = 7007, retriable: false, advice: "Switch to a profile that may watch this.";
    /// There is no such title, or it has been taken down.
    TitleNotFound = 7008, retriable: false, advice: "Choose another title.";
    /// The permission to play is past its time and could not be renewed.
    GrantExpired = 7011, retriable: true, advice: "Start the title again.";
    /// The permission to play is not genuine.
    GrantInvalid = 7012, retriable: false, advice: "Start the title again from the catalogue.";
    /// The service cannot answer now.
    ServiceUnavailable = 7018, retriable: true, advice: "Try again in a moment.";
    /// A defect of the player.
    Internal = 9001, retriable: false, advice: "Restart the player and report what you did.";
}

impl ErrorCode {
    /// Returns the stable number.
    pub const fn number(self) -> u16 {
        self as u16
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.number())
    }
}

/// Distinguishes errors that end playback from those that were recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Recovered; playback goes on.
    Warning,
    /// Playback has ended because of it.
    Fatal,
}

/// Activity of the player at the time of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Fetching or reading the manifest.
    Manifest,
    /// Fetching or reading a segment index or media playlist.
    Index,
    /// Fetching or reading initialisation data.
    Init,
    /// Fetching or reading media.
    Segment,
    /// Fetching or reading subtitles.
    Text,
    /// Requesting a decryption key.
    Licence,
    /// Decoding or presenting media.
    Render,
    /// Executing a command of the host.
    Command,
}

/// The data of an error. Unset fields do not apply. Addresses carry no query string and no user information.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorContext {
    /// Activity of the player.
    pub stage: Option<Stage>,
    /// Address of the request, redacted.
    pub url: Option<String>,
    /// Status of the HTTP answer.
    pub http_status: Option<u16>,
    /// The key id, hexadecimal.
    pub key_id: Option<String>,
    /// Offset in the file, in bytes.
    pub byte_offset: Option<u64>,
    /// Line of the manifest, counted from one.
    pub line: Option<u32>,
    /// The feature, codec or system that is not supported.
    pub feature: Option<String>,
}

/// An error or a warning of the player.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct PlayerError {
    /// Code of the error.
    pub code: ErrorCode,
    /// Fatal or recovered.
    pub severity: Severity,
    /// Description of this case, one sentence for an engineer.
    pub message: String,
    /// Circumstances of the error.
    pub context: Box<ErrorContext>,
}

impl PlayerError {
    /// Makes an error that ends playback.
    pub fn fatal(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Fatal, message: message.into(), context: Box::default() }
    }

    /// Makes an error that was recovered.
    pub fn warning(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::fatal(code, message) }
    }

    /// The one way to say that a feature is not built: `feature` names it.
    pub fn unsupported(feature: impl Into<String>) -> Self {
        let feature = feature.into();
        let mut error = Self::fatal(ErrorCode::Unsupported, format!("{feature} is not supported"));
        error.context.feature = Some(feature);
        error
    }

    /// The same error with another severity.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// With the stage set.
    #[must_use]
    pub fn at(mut self, stage: Stage) -> Self {
        self.context.stage = Some(stage);
        self
    }

    /// With the address set, redacted by [`redact`].
    #[must_use]
    pub fn with_url(mut self, url: &url::Url) -> Self {
        self.context.url = Some(redact(url));
        self
    }

    /// With the HTTP status set.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.context.http_status = Some(status);
        self
    }

    /// With the manifest line set (counted from one).
    #[must_use]
    pub fn with_line(mut self, line: u32) -> Self {
        self.context.line = Some(line);
        self
    }

    /// With the byte offset set.
    #[must_use]
    pub fn with_offset(mut self, offset: u64) -> Self {
        self.context.byte_offset = Some(offset);
        self
    }

    /// With the unsupported feature named.
    #[must_use]
    pub fn with_feature(mut self, feature: impl Into<String>) -> Self {
        self.context.feature = Some(feature.into());
        self
    }
}

/// An address fit for logs and errors: no user information, no query, no fragment, and no `/t/TOKEN` path prefix.
pub fn redact(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = match url.path().strip_prefix("/t/").and_then(|rest| rest.split_once('/')) {
        Some((_token, rest)) => format!("/t/…/{rest}"),
        None => url.path().to_owned(),
    };
    format!("{}://{host}{port}{path}", url.scheme())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_ordered_and_documented() {
        let numbers: Vec<u16> = ErrorCode::ALL.iter().map(|code| code.number()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        assert!(ErrorCode::ALL.iter().all(|code| code.meaning().ends_with('.') && code.advice().ends_with('.')));
    }

    #[test]
    fn addresses_lose_their_secrets() {
        let url: url::Url =
            "https://me:pw@edge.example:8443/t/SECRET/title/a.m3u8?sig=1#x".parse().expect("a valid address");
        assert_eq!(redact(&url), "https://edge.example:8443/t/…/title/a.m3u8");
    }
}
