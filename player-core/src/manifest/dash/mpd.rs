//! An MPD as typed data with inheritance applied (ISO/IEC 23009-1 §5.3): everything of the document, in its order,
//! nothing merged or dropped. Other files decide which parts can be played.

use std::time::Duration;

use url::Url;

use super::addressing::Window;
use super::base_url::{self, Service};
use super::chain::Chain;
use super::xlink;
use crate::manifest::document::Warnings;
use crate::manifest::xml::Element;
use crate::manifest::{ManifestError, dates};
use crate::time::{MediaTime, WallClock};

/// More representations than this are hostile.
const MAX_REPRESENTATIONS: usize = 20_000;

/// An MPD as typed data.
#[derive(Debug)]
pub(super) struct Mpd<'x> {
    pub(super) element: &'x Element,
    pub(super) dynamic: bool,
    pub(super) duration: Option<Duration>,
    pub(super) periods: Vec<Period<'x>>,
    /// Service locations and their properties.
    pub(super) services: Vec<Service>,
}

/// A `Period` with its place on the timeline.
#[derive(Debug)]
pub(super) struct Period<'x> {
    pub(super) element: &'x Element,
    /// `None` when neither it nor its predecessors tell.
    pub(super) start: Option<MediaTime>,
    pub(super) duration: Option<Duration>,
    /// Part that can be fetched now; live only.
    pub(super) window: Option<Window>,
    /// The first `BaseURL` of the document and that of the period, which delay or advance availability.
    pub(super) base_elements: Vec<&'x Element>,
    pub(super) sets: Vec<Set<'x>>,
}

/// An `AdaptationSet` as typed data.
#[derive(Debug)]
pub(super) struct Set<'x> {
    pub(super) element: &'x Element,
    pub(super) representations: Vec<Representation<'x>>,
}

/// A `Representation` with its inherited properties.
#[derive(Debug)]
pub(super) struct Representation<'x> {
    pub(super) element: &'x Element,
    pub(super) set: &'x Element,
    pub(super) bases: Vec<Url>,
    pub(super) chain: Chain<'x>,
}

impl<'x> Representation<'x> {
    /// An attribute that a Representation inherits from its AdaptationSet (§5.3.7.2).
    pub(super) fn inherited(&self, name: &str) -> Option<&'x str> {
        self.element.attr(name).or_else(|| self.set.attr(name))
    }

    /// The same for an attribute of another namespace.
    pub(super) fn any(&self, name: &str) -> Option<&'x str> {
        self.element.any_attr(name).or_else(|| self.set.any_attr(name))
    }

    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.inherited(name)?.parse().ok()
    }

    pub(super) fn id(&self) -> &'x str {
        self.element.attr("id").unwrap_or_default()
    }

    pub(super) fn bandwidth(&self) -> u64 {
        self.element.number("bandwidth").unwrap_or(0)
    }
}

impl Set<'_> {
    /// The set's `@mimeType`, else the one that all its representations share.
    pub(super) fn mime_type(&self) -> Option<&str> {
        self.element.attr("mimeType").or_else(|| {
            let first = self.representations.first()?.element.attr("mimeType")?;
            self.representations.iter().all(|r| r.element.attr("mimeType") == Some(first)).then_some(first)
        })
    }

    /// Returns `@contentType`, else the first part of the MIME type if it is a content type.
    pub(super) fn content_type(&self) -> Option<&str> {
        let known = |kind: &&str| matches!(*kind, "video" | "audio" | "text" | "image");
        self.element.attr("contentType").or_else(|| self.mime_type()?.split('/').next().filter(known))
    }
}

/// Gives a document its types. `now` places the live edge; without it all of a live period counts as available.
///
/// # Errors
/// When a limit is exceeded.
pub(super) fn read<'x>(
    root: &'x Element,
    base: &Url,
    now: Option<WallClock>,
    warnings: &mut Warnings,
) -> Result<Mpd<'x>, ManifestError> {
    let dynamic = root.attr("type") == Some("dynamic");
    let duration = span(root, "mediaPresentationDuration", warnings);
    let mut services = Vec::new();
    let bases = base_url::resolve(std::slice::from_ref(base), root, &mut services, warnings);
    let elements: Vec<&Element> = root.all("Period").filter(|period| !is_nothing(period)).collect();
    let mut periods = Vec::new();
    let mut total = 0;
    for (element, (start, length)) in elements.iter().copied().zip(timing(&elements, duration, dynamic, warnings)) {
        let bases = base_url::resolve(&bases, element, &mut services, warnings);
        let chain = Chain::default().inner(element);
        let mut sets = Vec::new();
        for element in element.all("AdaptationSet").filter(|set| !is_nothing(set)) {
            total += element.all("Representation").count();
            if total > MAX_REPRESENTATIONS {
                let what = "the number of representations".to_owned();
                return Err(ManifestError::TooLarge { what, limit: MAX_REPRESENTATIONS as u64 });
            }
            sets.push(set(element, &bases, &chain, &mut services, warnings));
        }
        let window = dynamic.then(|| window(root, start, now)).flatten();
        let base_elements = [element, root].into_iter().filter_map(|level| level.first("BaseURL")).collect();
        periods.push(Period { element, start, duration: length, window, base_elements, sets });
    }
    Ok(Mpd { element: root, dynamic, duration, periods, services })
}

fn is_nothing(element: &Element) -> bool {
    element.any_attr("href") == Some(xlink::RESOLVE_TO_ZERO)
}

fn set<'x>(
    element: &'x Element,
    bases: &[Url],
    chain: &Chain<'x>,
    services: &mut Vec<Service>,
    warnings: &mut Warnings,
) -> Set<'x> {
    let bases = base_url::resolve(bases, element, services, warnings);
    let chain = chain.inner(element);
    let representations = element
        .all("Representation")
        .map(|representation| Representation {
            element: representation,
            set: element,
            bases: base_url::resolve(&bases, representation, services, warnings),
            chain: chain.inner(representation),
        })
        .collect();
    Set { element, representations }
}

fn span(element: &Element, name: &str, warnings: &mut Warnings) -> Option<Duration> {
    let text = element.attr(name)?;
    let span = dates::span(text).and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos);
    if span.is_none() {
        warnings.push(element.line, format!("@{name} is no duration"));
    }
    span
}

/// Start and length of every period (§5.3.2.1): `@start`, else the end of the one before; `@duration`, else up to
/// the next one or the presentation's end.
fn timing(
    periods: &[&Element],
    total: Option<Duration>,
    dynamic: bool,
    warnings: &mut Warnings,
) -> Vec<(Option<MediaTime>, Option<Duration>)> {
    let mut out: Vec<(Option<MediaTime>, Option<Duration>)> = Vec::with_capacity(periods.len());
    let mut end = Some(MediaTime::ZERO);
    for period in periods {
        let start = span(period, "start", warnings).map(|start| MediaTime::ZERO + start).or(end);
        let duration = span(period, "duration", warnings);
        end = start.zip(duration).map(|(start, duration)| start + duration);
        out.push((start, duration));
    }
    let starts: Vec<Option<MediaTime>> = out.iter().map(|(start, _)| *start).skip(1).chain([None]).collect();
    let last = out.len().saturating_sub(1);
    for (number, ((start, duration), next)) in out.iter_mut().zip(starts).enumerate() {
        let Some(start) = *start else { continue };
        if duration.is_none() {
            let fallback = total.filter(|_| number == last).map(|total| MediaTime::ZERO + total);
            *duration = next.or(fallback).map(|end| end.since(start));
        }
    }
    if !dynamic && out.iter().any(|(start, _)| start.is_none()) {
        warnings.push(None, "a period whose beginning nothing tells");
    }
    out
}

/// §5.3.9.5.3: segments are there from when they are complete until the time-shift buffer has passed.
fn window(root: &Element, start: Option<MediaTime>, now: Option<WallClock>) -> Option<Window> {
    let available = dates::instant(root.attr("availabilityStartTime")?)?;
    let begin = available.saturating_add(start?.as_nanos());
    let elapsed = now?.as_unix_nanos().saturating_sub(begin).max(0);
    let depth = root.attr("timeShiftBufferDepth").and_then(dates::span);
    let from = depth.map_or(0, |depth| elapsed.saturating_sub(depth).max(0));
    let nanos = |value: i64| Duration::from_nanos(value.max(0) as u64);
    Some(Window { from: nanos(from), to: nanos(elapsed) })
}
