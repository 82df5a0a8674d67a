//! A fault: the requests that it matches, how often it fires, and its effect.

use std::time::Duration;

use regex::Regex;
use serde::Deserialize;

use crate::{Effect, Request, RequestKind};

/// Numbers of segments, both ends included.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentNumbers {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// A fault of a plan.
#[derive(Clone, Debug)]
pub struct Fault {
    pub(crate) name: Option<String>,
    pub(crate) address: String,
    pub(crate) path: Option<Regex>,
    pub(crate) segments: Option<SegmentNumbers>,
    pub(crate) edge: Option<String>,
    pub(crate) kind: Option<RequestKind>,
    pub(crate) from: Duration,
    pub(crate) until: Option<Duration>,
    pub(crate) skip: u64,
    pub(crate) count: u64,
    pub(crate) each_path: bool,
    /// Share of 2^64 of all draws that fire; `None` is all.
    pub(crate) threshold: Option<u64>,
    /// True: the fault takes the request, so that no other fault that does so can strike it.
    pub(crate) exclusive: bool,
    pub(crate) effect: Effect,
}

impl Fault {
    /// Creates a fault of every request whose address contains a text; an empty text matches all. A request with a second name
    /// (see [`Request::alias`]) matches by either. The fault is exclusive, whatever its effect.
    pub fn new(address: &str, effect: Effect) -> Self {
        Self {
            name: None,
            address: address.to_owned(),
            path: None,
            segments: None,
            edge: None,
            kind: None,
            from: Duration::ZERO,
            until: None,
            skip: 0,
            count: u64::MAX,
            each_path: false,
            threshold: None,
            exclusive: true,
            effect,
        }
    }

    /// Names the fault in verdicts and counts. Default: its place in the plan, `#1` for the first.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Limits the fault to requests of a kind.
    #[must_use]
    pub fn of(mut self, kind: impl Into<RequestKind>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Limits the fault to requests made at this time of the world or later.
    #[must_use]
    pub const fn from(mut self, after: Duration) -> Self {
        self.from = after;
        self
    }

    /// Limits the fault to requests made before this time of the world.
    #[must_use]
    pub const fn until(mut self, after: Duration) -> Self {
        self.until = Some(after);
        self
    }

    /// Limits the number of requests that the fault takes.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.count = times.into();
        self
    }

    pub(crate) fn matches(&self, request: &Request<'_>) -> bool {
        let names = || std::iter::once(request.path).chain(request.alias.map(|alias| alias.trim_start_matches('/')));
        let addresses = [Some(request.address), Some(request.path), request.alias];
        self.edge.as_deref().is_none_or(|edge| edge == request.edge)
            && addresses.into_iter().flatten().any(|address| address.contains(&self.address))
            && self.path.as_ref().is_none_or(|pattern| names().any(|name| pattern.is_match(name)))
            && self.segments.is_none_or(|wanted| {
                names().filter_map(segment_number).any(|number| (wanted.from..=wanted.to).contains(&number))
            })
            && self.kind.is_none_or(|kind| match request.kind {
                Some(of_request) => of_request == kind,
                None => kind.fits(request.path),
            })
            && request.at >= self.from
            && self.until.is_none_or(|until| request.at < until)
    }
}

/// Returns the last run of digits in the file's name, extension excluded: 17 for `chunk-3-00017.m4s`.
fn segment_number(path: &str) -> Option<u64> {
    let file = path.rsplit('/').next()?;
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let end = stem.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = stem[..end].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    // A non-digit before the run may be longer than a byte.
    stem.get(start..end).unwrap_or_else(|| stem[..end].trim_start_matches(|c: char| !c.is_ascii_digit())).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{RequestKind, segment_number};

    #[test]
    fn numbers_in_names() {
        for (path, expected) in [
            ("a/chunk-3-00017.m4s", Some(17)),
            ("720p/init.mp4", None),
            ("seg12", Some(12)),
            ("ü7ü.m4s", Some(7)),
            ("a/99999999999999999999999.m4s", None),
            ("", None),
        ] {
            assert_eq!(segment_number(path), expected, "{path}");
        }
    }

    #[test]
    fn names_have_the_kinds_that_they_may_be_of() {
        use RequestKind::{Index, Init, Key, Manifest, Segment, Text};
        for (path, expected) in [
            ("t/manifest.mpd", &[Manifest][..]),
            ("t/v/playlist.m3u8", &[Manifest, Index]),
            ("t/v/init.mp4", &[Init]),
            ("t/v/seg-1.m4s", &[Segment]),
            ("t/v.1/7.ts", &[Segment]),
            ("t/text/full.vtt", &[Text]),
            ("t/key/1.bin", &[Key]),
            ("poster.jpg", &[]),
            ("", &[]),
        ] {
            let all = [Manifest, Index, Init, Segment, Text, Key];
            let fitting: Vec<RequestKind> = all.into_iter().filter(|kind| kind.fits(path)).collect();
            assert_eq!(fitting, expected, "{path}");
        }
    }
}
