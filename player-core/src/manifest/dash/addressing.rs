//! Addresses of a representation's segments: `SegmentTemplate`, `SegmentList`, `SegmentBase` and their inheritance from
//! Period and AdaptationSet (ISO/IEC 23009-1 §5.3.9).

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use super::base_url::MAX_ADDRESS;
use super::chain::{Chain, Kind};
use super::template;
use super::timeline::{self, Timeline};
use crate::manifest::ManifestError;
use crate::manifest::document::Warnings;
use crate::manifest::xml::Element;
use crate::model::{
    ByteRange, IndexFormat, IndexSource, ListedSegment, Resource, SegmentIndex, SegmentList, SegmentListing,
    SegmentTemplate, TimelineBounds as Bounds, TimelineRun, TimelineRuns, TimestampMapping,
};
use crate::time::{MediaTime, duration_from_ticks};

/// Addresses that all representations together may hold, in bytes.
const MAX_ADDRESSES: usize = 64 << 20;

/// A period that grows is taken to end this long after its beginning: a hundred years, so that times stay in range.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Properties of a period that its representations use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: MediaTime,
    pub(super) duration: Option<Duration>,
    /// Leave segments outside the period away (for playback, not for listings).
    pub(super) trim: bool,
    /// The part of a growing period that can be fetched, as times since its beginning (for listings).
    pub(super) window: Option<Window>,
    /// The period grows, and its segments go on for as long as nothing ends them (for playback).
    pub(super) grows: bool,
}

impl Span {
    /// Returns the duration of the period if segments past it are left out.
    fn length(self) -> Option<Duration> {
        self.duration.filter(|_| self.trim)
    }

    /// Returns the end of the period if segments past it are left out.
    fn end(self) -> Option<MediaTime> {
        self.length().map(|length| self.start + length)
    }
}

/// Available part of a live period.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) from: Duration,
    pub(super) to: Duration,
}

/// Properties of the representation itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner<'a> {
    pub(super) id: &'a str,
    pub(super) bandwidth: u64,
    pub(super) line: u32,
    pub(super) bases: &'a [Url],
    /// A last segment by number that is not longer than this does not exist.
    pub(super) shortest: Duration,
    /// Number of the last segment, if a property declares it.
    pub(super) last_number: Option<u64>,
    /// A file may hold an index though the manifest does not say where.
    pub(super) indexed: bool,
}

/// A representation's initialisation data and segments.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Addressed {
    pub(super) init: Option<Resource>,
    pub(super) index: SegmentIndex,
}

/// Finds segments. One for a document: timelines that several representations share are resolved once.
#[derive(Default)]
pub(super) struct Addresser {
    timelines: BTreeMap<(usize, Bounds), Timeline>,
    spent: usize,
}

/// The time base of a representation.
struct Scale {
    timescale: u32,
    /// Value of `@presentationTimeOffset`, in ticks.
    origin: i64,
    /// Nanoseconds to add to media time.
    offset_nanos: i64,
    /// The period's length in ticks, rounded up.
    length: Option<u64>,
}

impl Addresser {
    /// The segments of a representation; `None`, with a warning, when it has none that can be found.
    ///
    /// # Errors
    /// When the addresses of the document exceed the limit.
    pub(super) fn address(
        &mut self,
        chain: &Chain<'_>,
        owner: Owner<'_>,
        span: Span,
        warnings: &mut Warnings,
    ) -> Result<Option<Addressed>, ManifestError> {
        let bases: usize = owner.bases.iter().map(|base| base.as_str().len()).sum();
        let own: usize = ["media", "initialization"].iter().filter_map(|name| chain.attr(name)).map(str::len).sum();
        self.spent = self.spent.saturating_add(bases.saturating_mul(3)).saturating_add(own.saturating_mul(2));
        if self.spent > MAX_ADDRESSES {
            return Err(ManifestError::TooLarge { what: "the addresses".to_owned(), limit: MAX_ADDRESSES as u64 });
        }
        if own > MAX_ADDRESS {
            warnings.push(owner.line, "a template that is too long");
            return Ok(None);
        }
        let scale = scale(chain, span, owner.line, warnings);
        Ok(match chain.kind() {
            Kind::Template => self.template(chain, owner, span, &scale, warnings),
            Kind::List => self.list(chain, owner, span, &scale, warnings),
            Kind::Base => Some(base(chain, owner, span, &scale)),
            Kind::None => Some(single(owner, None, None, "", span, &scale)),
        })
    }

    fn timeline(&mut self, element: &Element, span: Span, scale: &Scale, warnings: &mut Warnings) -> Timeline {
        let end = scale.length.map(|length| length.saturating_add_signed(scale.origin));
        let now = span
            .window
            .map(|window| ticks(window.to, scale.timescale).unwrap_or(u64::MAX).saturating_add_signed(scale.origin));
        let open = span.grows.then(|| ticks(LONGEST, scale.timescale)).flatten();
        let open = open.map(|open| open.saturating_add_signed(scale.origin));
        let now = now.or(open);
        let bounds = Bounds {
            repeat_end: match (end, now) {
                (Some(end), Some(now)) => Some(end.min(now)),
                (end, now) => end.or(now),
            },
            from: if span.trim { u64::try_from(scale.origin).unwrap_or(0) } else { 0 },
            to: end.filter(|_| span.trim).unwrap_or(u64::MAX),
        };
        let key = (std::ptr::from_ref(element).addr(), bounds);
        if !self.timelines.contains_key(&key) {
            self.spent = self.spent.saturating_add(element.children.len().saturating_mul(size_of::<TimelineRun>()));
        }
        self.timelines.entry(key).or_insert_with(|| timeline::resolve(element, bounds, warnings)).clone()
    }

    fn template(
        &mut self,
        chain: &Chain<'_>,
        owner: Owner<'_>,
        span: Span,
        scale: &Scale,
        warnings: &mut Warnings,
    ) -> Option<Addressed> {
        let init = template_init(chain, owner);
        let index = template_index(chain, owner);
        let Some(media) = chain.attr("media") else {
            return Some(match index {
                Some(index) => Addressed { init: init.clone(), index: external(owner, index, init, span, scale) },
                None => single(owner, init, chain.child("RepresentationIndex"), "", span, scale),
            });
        };
        let media = template::with_representation(media, owner.id, owner.bandwidth);
        if span.trim && chain.child("SegmentTimeline").is_some_and(has_sequences) {
            warnings.push(owner.line, "Representation skipped: segment sequences (S@k) are not supported");
            return None;
        }
        let start_number = chain.number("startNumber").unwrap_or(1_u64);
        let end_number = chain.number("endNumber").or(owner.last_number);
        let numbers = end_number.map(|end: u64| end.saturating_sub(start_number).saturating_add(1));
        let mut template = SegmentTemplate {
            bases: owner.bases.to_vec(),
            media,
            init: init.clone(),
            timescale: scale.timescale,
            start_number,
            timeline: TimelineRuns::none(),
            duration: 0,
            count: 0,
            offset_nanos: scale.offset_nanos,
            period_end: span.end(),
            period_start: span.start,
            crypto: Vec::new().into(),
        };
        if let Some(element) = chain.child("SegmentTimeline") {
            let timeline = self.timeline(element, span, scale, warnings);
            template.start_number = start_number.saturating_add(timeline.dropped);
            template.count = timeline.count.min(numbers.map_or(u64::MAX, |n| n.saturating_sub(timeline.dropped)));
            template.timeline = timeline.runs;
            if template.timeline.is_empty() {
                // An empty list of runs would mean equal segments.
                return Some(nothing(owner, init));
            }
        } else if let Some((duration, timescale)) = duration(chain, scale.timescale) {
            template.timescale = timescale;
            template.duration = duration;
            let Some((first, count)) = numbered(span, owner.shortest, duration, timescale, numbers) else {
                warnings.push(owner.line, "neither the period nor the template says where the segments end");
                return None;
            };
            template.start_number = start_number.saturating_add(first);
            template.count = count;
        } else if template::is_per_segment(&template.media) && scale.length.is_none() {
            warnings.push(owner.line, "the template tells no duration");
            return None;
        } else {
            template.duration = scale.length.filter(|length| *length > 0)?;
            template.count = 1;
        }
        // Numbers must not overflow.
        template.count = template.count.min(u64::MAX - template.start_number);
        if let Some(most) = (i64::MAX as u64).checked_div(template.duration) {
            template.count = template.count.min(most);
        }
        let index = SegmentIndex::Known(SegmentList::Template(Box::new(template)));
        Some(Addressed { init, index })
    }

    fn list(
        &mut self,
        chain: &Chain<'_>,
        owner: Owner<'_>,
        span: Span,
        scale: &Scale,
        warnings: &mut Warnings,
    ) -> Option<Addressed> {
        let init = chain.init_element().and_then(|element| located(owner, element, "sourceURL", "range"));
        let list = chain.elements().iter().find(|element| element.first("SegmentURL").is_some());
        let Some(list) = list else {
            if chain.elements().iter().any(|element| element.any_attr("href").is_some()) {
                warnings.push(owner.line, "a segment list that lies in another document is not supported");
                return None;
            }
            return Some(nothing(owner, init));
        };
        // Times of a list are those of its entries, wherever the period begins.
        let whole = Span { trim: false, ..span };
        let times = chain.child("SegmentTimeline").map(|element| self.timeline(element, whole, scale, warnings));
        let even = duration(chain, scale.timescale);
        let mut listing = SegmentListing::new(owner.bases.to_vec());
        let init_index = init.clone().map(|init| listing.add_init(init));
        let mut clock = ListClock { timeline: times.as_ref(), run: 0, within: 0 };
        let end = span.end();
        for (position, element) in (0_u64..).zip(list.all("SegmentURL")) {
            let (start, duration) = match (clock.next(), even) {
                (Some((time, duration)), _) => {
                    let media = MediaTime::from_ticks(i64::try_from(time).unwrap_or(i64::MAX), scale.timescale);
                    (media.shifted(scale.offset_nanos), duration_from_ticks(duration, scale.timescale))
                }
                (None, Some((duration, timescale))) if clock.timeline.is_none() => {
                    let time = i64::try_from(position.saturating_mul(duration)).unwrap_or(i64::MAX);
                    let start = MediaTime::from_ticks(time, timescale).shifted(span.start.as_nanos());
                    (start, duration_from_ticks(duration, timescale))
                }
                (None, None) if clock.timeline.is_none() && position == 0 => {
                    (span.start, span.duration.unwrap_or_default())
                }
                _ => {
                    warnings.push(element.line, "more segments than the list has durations for");
                    break;
                }
            };
            if end.is_some_and(|end| start >= end) {
                break;
            }
            let limit = end.map_or(Duration::MAX, |end| end.since(start));
            // Without its range the segment would be the whole file.
            let unreadable = element.attr("mediaRange").filter(|text| range(text).is_none());
            if let Some(text) = unreadable {
                let text = crate::manifest::document::clip(text);
                warnings.push(element.line, format!("{text} is no range of bytes: the segment becomes a gap"));
            }
            let segment = ListedSegment {
                start,
                duration: duration.min(limit),
                uri: element.attr("media").unwrap_or_default(),
                range: element.attr("mediaRange").and_then(range),
                init: init_index,
                mapping: TimestampMapping::Offset(scale.offset_nanos),
                gap: unreadable.is_some(),
                encryption: None,
                program_date_time: None,
                bitrate_bps: None,
            };
            if !listing.push(&segment) {
                warnings.push(element.line, "the address of a segment cannot be used: it becomes a gap");
                listing.push(&ListedSegment { uri: "", gap: true, ..segment });
            }
        }
        Some(Addressed { init, index: SegmentIndex::Known(SegmentList::Listed(Box::new(listing))) })
    }
}

/// Gives the times of a timeline one by one.
struct ListClock<'t> {
    timeline: Option<&'t Timeline>,
    run: usize,
    within: u64,
}

impl ListClock<'_> {
    fn next(&mut self) -> Option<(u64, u64)> {
        let timeline = self.timeline?;
        while let Some(run) = timeline.runs.run(self.run) {
            if self.within < run.count {
                let time = run.time.checked_add(self.within.checked_mul(run.duration)?)?;
                self.within += 1;
                return Some((time, run.duration));
            }
            self.run += 1;
            self.within = 0;
        }
        None
    }
}

fn scale(chain: &Chain<'_>, span: Span, line: u32, warnings: &mut Warnings) -> Scale {
    let timescale = chain.number::<u32>("timescale").filter(|scale| *scale > 0).unwrap_or_else(|| {
        if let Some(text) = chain.attr("timescale") {
            warnings.push(line, format!("{} is no timescale", crate::manifest::document::clip(text)));
        }
        1
    });
    let origin = presentation_time_offset(chain);
    let origin_nanos = i128::from(origin) * 1_000_000_000 / i128::from(timescale);
    let offset = i128::from(span.start.as_nanos()) - origin_nanos;
    let offset_nanos = offset.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
    Scale { timescale, origin, offset_nanos, length: span.duration.and_then(|length| ticks(length, timescale)) }
}

/// `@presentationTimeOffset`; some writers give a fraction, or a negative one.
fn presentation_time_offset(chain: &Chain<'_>) -> i64 {
    let Some(text) = chain.attr("presentationTimeOffset") else { return 0 };
    let rounded = || text.parse::<f64>().ok().filter(|value| value.is_finite()).map(|value| value.round() as i64);
    let whole = text.parse::<u64>().map(|ticks| i64::try_from(ticks).unwrap_or(i64::MAX));
    whole.ok().or_else(rounded).unwrap_or(0)
}

/// A span in ticks, rounded up.
fn ticks(span: Duration, timescale: u32) -> Option<u64> {
    let scaled = span.as_nanos().checked_mul(u128::from(timescale))?;
    u64::try_from(scaled.div_ceil(1_000_000_000)).ok()
}

/// `@duration`, which some writers give with a fraction: then in thousandths of a tick.
fn duration(chain: &Chain<'_>, timescale: u32) -> Option<(u64, u32)> {
    let text = chain.attr("duration")?;
    if let Ok(duration) = text.parse::<u64>() {
        return (duration > 0).then_some((duration, timescale));
    }
    let fine = text.parse::<f64>().ok().filter(|value| *value > 0.0 && *value < 1e12)? * 1000.0;
    Some((fine.round().max(1.0) as u64, timescale.checked_mul(1000)?))
}

/// First segment, counted from zero, and number of segments of equal length (§5.3.9.5.3): as many as the period has
/// room for, up to `limit`; of a growing period those that are there.
fn numbered(span: Span, shortest: Duration, duration: u64, timescale: u32, limit: Option<u64>) -> Option<(u64, u64)> {
    let room = span.duration.map(|length| length.saturating_sub(shortest).max(Duration::from_nanos(1).min(length)));
    let total = room.and_then(|room| ticks(room, timescale)).map(|room| room.div_ceil(duration));
    let total = match (total, limit) {
        (Some(total), Some(limit)) => Some(total.min(limit)),
        (total, limit) => total.or(limit),
    };
    let open = || ticks(LONGEST, timescale).map(|room| room / duration).filter(|_| span.grows);
    let Some(window) = span.window else { return total.or_else(open).map(|total| (0, total)) };
    let end = (ticks(window.to, timescale)? / duration).min(total.unwrap_or(u64::MAX));
    let first = (ticks(window.from, timescale)? / duration).min(end);
    Some((first, end - first))
}

/// A separate index that `@index` names (§5.3.9.4.2); where the template lists the segments, it is not needed.
fn template_index(chain: &Chain<'_>, owner: Owner<'_>) -> Option<Resource> {
    let template = chain.attr("index").filter(|template| owner.indexed && !template::is_per_segment(template))?;
    resource(owner, &template::finished(&template::with_representation(template, owner.id, owner.bandwidth)), None)
}

/// Entries that stand for several segments each (§5.3.9.6.4).
fn has_sequences(timeline: &Element) -> bool {
    timeline.all("S").any(|entry| entry.number::<u64>("k").is_some_and(|count| count > 1))
}

fn template_init(chain: &Chain<'_>, owner: Owner<'_>) -> Option<Resource> {
    if let Some(template) = chain.attr("initialization") {
        let path = template::finished(&template::with_representation(template, owner.id, owner.bandwidth));
        return resource(owner, &path, None);
    }
    chain.init_element().and_then(|element| located(owner, element, "sourceURL", "range"))
}

fn located(owner: Owner<'_>, element: &Element, address: &str, bytes: &str) -> Option<Resource> {
    resource(owner, element.attr(address).unwrap_or_default(), element.attr(bytes).and_then(range))
}

fn resource(owner: Owner<'_>, path: &str, range: Option<ByteRange>) -> Option<Resource> {
    let join = |base: &Url| if path.is_empty() { Some(base.clone()) } else { base.join(path).ok() };
    let mut urls: Vec<Url> = owner.bases.iter().filter_map(join).collect();
    urls.dedup();
    (!urls.is_empty()).then_some(Resource { urls, range })
}

/// `first-last` or `first-` (RFC 9110 §14.1.2).
fn range(text: &str) -> Option<ByteRange> {
    let (first, last) = text.trim().split_once('-')?;
    let offset: u64 = first.trim().parse().ok()?;
    let length = match last.trim() {
        "" => None,
        last => Some(last.parse::<u64>().ok()?.checked_sub(offset)?.checked_add(1)?),
    };
    Some(ByteRange { offset, length })
}

fn base(chain: &Chain<'_>, owner: Owner<'_>, span: Span, scale: &Scale) -> Addressed {
    let init = chain.init_element().and_then(|element| located(owner, element, "sourceURL", "range"));
    let index = chain.child("RepresentationIndex");
    let range = chain.attr("indexRange").and_then(range);
    if index.is_none() && range.is_none() && !owner.indexed {
        return single(owner, init, None, "", span, scale);
    }
    let resource = match index {
        Some(index) => resource(
            owner,
            index.attr("sourceURL").unwrap_or_default(),
            index.attr("range").and_then(self::range).or(range),
        ),
        None => resource(owner, "", range),
    };
    match resource {
        Some(resource) => Addressed { init: init.clone(), index: external(owner, resource, init, span, scale) },
        None => nothing(owner, init),
    }
}

fn external(owner: Owner<'_>, resource: Resource, init: Option<Resource>, span: Span, scale: &Scale) -> SegmentIndex {
    let apart = resource.urls != owner.bases;
    SegmentIndex::External(IndexSource {
        resource,
        format: IndexFormat::Sidx,
        init,
        mapping: TimestampMapping::Offset(scale.offset_nanos),
        period_start: span.start,
        period_duration: span.length(),
        media: if apart { owner.bases.to_vec() } else { Vec::new() },
        variables: Vec::new(),
    })
}

/// The whole file is one segment, as long as the period.
fn single(
    owner: Owner<'_>,
    init: Option<Resource>,
    index: Option<&Element>,
    path: &str,
    span: Span,
    scale: &Scale,
) -> Addressed {
    if let Some(resource) = index.and_then(|index| located(owner, index, "sourceURL", "range")) {
        return Addressed { init: init.clone(), index: external(owner, resource, init, span, scale) };
    }
    if owner.indexed
        && path.is_empty()
        && let Some(resource) = resource(owner, "", None)
    {
        return Addressed { init: init.clone(), index: external(owner, resource, init, span, scale) };
    }
    let mut listing = SegmentListing::new(owner.bases.to_vec());
    let init_index = init.clone().map(|init| listing.add_init(init));
    listing.push(&ListedSegment {
        start: span.start,
        duration: span.duration.unwrap_or_default(),
        uri: path,
        range: None,
        init: init_index,
        mapping: TimestampMapping::Offset(scale.offset_nanos),
        gap: false,
        encryption: None,
        program_date_time: None,
        bitrate_bps: None,
    });
    Addressed { init, index: SegmentIndex::Known(SegmentList::Listed(Box::new(listing))) }
}

fn nothing(owner: Owner<'_>, init: Option<Resource>) -> Addressed {
    let listing = SegmentListing::new(owner.bases.to_vec());
    Addressed { init, index: SegmentIndex::Known(SegmentList::Listed(Box::new(listing))) }
}
