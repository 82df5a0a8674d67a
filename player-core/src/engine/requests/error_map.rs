//! Maps failures to codes of the error taxonomy. Nothing here decides what follows from a failure.

use url::Url;

use super::recovery::Cause;
use crate::container::DemuxError;
use crate::engine::io::{FetchError, FetchKind};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::manifest::ManifestError;

/// The typed error of a failed request, fatal until somebody recovers it.
pub(in crate::engine) fn describe(kind: FetchKind, cause: Cause<'_>, url: Option<&Url>) -> PlayerError {
    let error = match cause {
        Cause::Fetch(error) => of_fetch(kind, error),
        Cause::Manifest(error) => of_manifest(error),
        Cause::NoSamples => PlayerError::fatal(ErrorCode::SegmentEmpty, "the segment holds no samples"),
    };
    let error = error.at(stage(kind));
    match url {
        Some(url) => error.with_url(url),
        None => error,
    }
}

/// Returns the stage of playback that a request belongs to.
pub(in crate::engine) const fn stage(kind: FetchKind) -> Stage {
    match kind {
        FetchKind::Manifest => Stage::Manifest,
        FetchKind::Index => Stage::Index,
        FetchKind::Init => Stage::Init,
        FetchKind::Segment => Stage::Segment,
        FetchKind::Text => Stage::Text,
        FetchKind::Key => Stage::Licence,
    }
}

/// Returns the error for an argument out of its range.
pub(in crate::engine) fn invalid(message: impl Into<String>) -> PlayerError {
    PlayerError::fatal(ErrorCode::InvalidArgument, message)
}

/// Returns the error of a request of some kind that failed.
///
/// The code is that by which a host advises its viewer, so it follows from the purpose of the request too: a licence
/// server that answers 401, 402 or 403 refuses this viewer, and any other answer of it, or one that is too long, leaves
/// the key unavailable; a document that is too long is a manifest or media. The order of the arms matters, because those
/// for keys precede the general ones. The context keeps what a developer needs of the cause: the status, the byte, the
/// feature. Without it a host could say no more than that something failed.
fn of_fetch(kind: FetchKind, error: &FetchError) -> PlayerError {
    let manifest = kind == FetchKind::Manifest;
    let code = match error {
        FetchError::Unreachable(_)
        | FetchError::Refused(_)
        | FetchError::UnknownHost(_)
        | FetchError::NoRoute(_)
        | FetchError::Host(_) => ErrorCode::NetworkUnreachable,
        FetchError::MalformedHead(_) => ErrorCode::ResponseMalformed,
        FetchError::Timeout { .. } => ErrorCode::NetworkTimeout,
        FetchError::Status { status: 401..=403, .. } if kind == FetchKind::Key => ErrorCode::LicenceRefused,
        FetchError::Status { .. } | FetchError::TooLarge { .. } if kind == FetchKind::Key => ErrorCode::KeyUnavailable,
        FetchError::Status { .. } => ErrorCode::HttpStatus,
        FetchError::Truncated { .. } => ErrorCode::BodyTruncated,
        FetchError::Tls(_) => ErrorCode::TlsFailed,
        FetchError::TooLarge { .. } if manifest => ErrorCode::ManifestTooLarge,
        FetchError::TooLarge { .. } => ErrorCode::BodyTooLarge,
        FetchError::BadAddress(_) => ErrorCode::BadAddress,
        FetchError::RangeIgnored(_) => ErrorCode::RangeIgnored,
        FetchError::Demux(DemuxError::Unsupported { .. }) => ErrorCode::ContainerUnsupported,
        FetchError::Demux(_) => ErrorCode::MediaMalformed,
        FetchError::Decrypt(_) => ErrorCode::DecryptionFailed,
        FetchError::Key(_) => ErrorCode::KeyUnavailable,
    };
    let described = PlayerError::fatal(code, error.to_string());
    match error {
        FetchError::Status { status, .. } => described.with_status(*status),
        FetchError::Demux(DemuxError::Unsupported { feature }) => described.with_feature(feature.clone()),
        FetchError::Demux(
            DemuxError::Malformed { offset, .. }
            | DemuxError::Limit { offset, .. }
            | DemuxError::Truncated { offset, .. },
        ) => described.with_offset(*offset),
        _ => described,
    }
}

fn of_manifest(error: &ManifestError) -> PlayerError {
    let described = |code| PlayerError::fatal(code, error.to_string());
    match error {
        ManifestError::NotAManifest { .. } => described(ErrorCode::NotAManifest),
        ManifestError::Malformed { line, .. } => match line {
            Some(line) => described(ErrorCode::ManifestMalformed).with_line(*line),
            None => described(ErrorCode::ManifestMalformed),
        },
        ManifestError::Empty { .. } => described(ErrorCode::ManifestEmpty),
        ManifestError::TooLarge { .. } => described(ErrorCode::ManifestTooLarge),
        ManifestError::Unsupported { feature } => {
            described(ErrorCode::ManifestUnsupported).with_feature(feature.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drm::DrmError;

    #[test]
    fn errors_carry_their_data_and_no_secrets() {
        let url: Url = "http://h/t/SECRET/v/1.m4s?sig=2".parse().expect("a valid address");
        let error = FetchError::Status { status: 404, retry_after: None };
        let described = describe(FetchKind::Segment, Cause::Fetch(&error), Some(&url));
        assert_eq!(described.code, ErrorCode::HttpStatus);
        assert_eq!(described.context.http_status, Some(404));
        assert_eq!(described.context.url.as_deref(), Some("http://h/t/…/v/1.m4s"));
        assert_eq!(described.context.stage, Some(Stage::Segment));
    }

    #[test]
    fn each_request_belongs_to_a_stage() {
        let table = [
            (FetchKind::Manifest, Stage::Manifest),
            (FetchKind::Index, Stage::Index),
            (FetchKind::Init, Stage::Init),
            (FetchKind::Segment, Stage::Segment),
            (FetchKind::Text, Stage::Text),
            (FetchKind::Key, Stage::Licence),
        ];
        for (kind, expected) in table {
            assert_eq!(stage(kind), expected, "{kind:?}");
            let described = describe(kind, Cause::NoSamples, None);
            assert_eq!((described.code, described.context.stage), (ErrorCode::SegmentEmpty, Some(expected)));
        }
    }

    #[test]
    fn each_failure_has_its_code_by_what_was_fetched() {
        let text = || "text".to_owned();
        let status = |status| FetchError::Status { status, retry_after: None };
        let demux = |error| FetchError::Demux(error);
        let garbage = || DrmError::Garbage(text());
        for (kind, error, code) in [
            (FetchKind::Manifest, FetchError::Unreachable(text()), ErrorCode::NetworkUnreachable),
            (FetchKind::Segment, FetchError::Refused(text()), ErrorCode::NetworkUnreachable),
            (FetchKind::Segment, FetchError::UnknownHost(text()), ErrorCode::NetworkUnreachable),
            (FetchKind::Segment, FetchError::NoRoute(text()), ErrorCode::NetworkUnreachable),
            (FetchKind::Segment, FetchError::Host(text()), ErrorCode::NetworkUnreachable),
            (FetchKind::Segment, FetchError::MalformedHead(text()), ErrorCode::ResponseMalformed),
            (FetchKind::Segment, FetchError::Timeout { started: true }, ErrorCode::NetworkTimeout),
            (FetchKind::Key, status(400), ErrorCode::KeyUnavailable),
            (FetchKind::Key, status(401), ErrorCode::LicenceRefused),
            (FetchKind::Key, status(403), ErrorCode::LicenceRefused),
            (FetchKind::Key, status(404), ErrorCode::KeyUnavailable),
            (FetchKind::Segment, status(403), ErrorCode::HttpStatus),
            (FetchKind::Key, FetchError::TooLarge { limit: 1 }, ErrorCode::KeyUnavailable),
            (FetchKind::Manifest, FetchError::TooLarge { limit: 1 }, ErrorCode::ManifestTooLarge),
            (FetchKind::Index, FetchError::TooLarge { limit: 1 }, ErrorCode::BodyTooLarge),
            (FetchKind::Segment, FetchError::TooLarge { limit: 1 }, ErrorCode::BodyTooLarge),
            (FetchKind::Segment, FetchError::Truncated { received: 1, expected: None }, ErrorCode::BodyTruncated),
            (FetchKind::Segment, FetchError::Tls(text()), ErrorCode::TlsFailed),
            (FetchKind::Segment, FetchError::BadAddress(text()), ErrorCode::BadAddress),
            (FetchKind::Segment, FetchError::RangeIgnored(text()), ErrorCode::RangeIgnored),
            (FetchKind::Segment, demux(DemuxError::Unsupported { feature: text() }), ErrorCode::ContainerUnsupported),
            (FetchKind::Segment, demux(DemuxError::Malformed { what: text(), offset: 7 }), ErrorCode::MediaMalformed),
            (FetchKind::Segment, FetchError::Decrypt(garbage()), ErrorCode::DecryptionFailed),
            (FetchKind::Key, FetchError::Key(garbage()), ErrorCode::KeyUnavailable),
        ] {
            let described = describe(kind, Cause::Fetch(&error), None);
            assert_eq!(described.code, code, "{kind:?} {error:?}");
            let feature = matches!(error, FetchError::Demux(DemuxError::Unsupported { .. })).then(text);
            assert_eq!(described.context.feature, feature, "{error:?}");
            let offset = matches!(error, FetchError::Demux(DemuxError::Malformed { .. })).then_some(7);
            assert_eq!(described.context.byte_offset, offset, "{error:?}");
        }
    }
}
