//! `EventStream` of a Period as timed metadata (ISO/IEC 23009-1 §5.10.2). Events inside the media are read with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::mpd::Period;
use crate::manifest::document::Warnings;
use crate::manifest::xml::Element;
use crate::model::{MetadataBody, MetadataSource, TimedMetadata};
use crate::time::{MediaTime, duration_from_ticks};

/// More events than this are hostile; a day with a break every ten seconds has fewer.
const MAX_EVENTS: usize = 10_000;

/// Adds the events of a period, in document order.
pub(super) fn read(period: &Period<'_>, start: MediaTime, out: &mut Vec<TimedMetadata>, warnings: &mut Warnings) {
    let end = period.duration.map(|duration| start + duration);
    for stream in period.element.all("EventStream") {
        let Some(scheme) = stream.attr("schemeIdUri") else {
            warnings.push(stream.line, "an EventStream without a scheme");
            continue;
        };
        for event in stream.all("Event") {
            if out.len() >= MAX_EVENTS {
                warnings.push(event.line, format!("more than {MAX_EVENTS} events: the rest is left out"));
                return;
            }
            out.extend(metadata(stream, event, scheme, start, end));
        }
    }
}

/// One event; `None` when it begins after its period.
fn metadata(
    stream: &Element,
    event: &Element,
    scheme: &str,
    period_start: MediaTime,
    period_end: Option<MediaTime>,
) -> Option<TimedMetadata> {
    let timescale = stream.number::<u32>("timescale").filter(|scale| *scale > 0).unwrap_or(1);
    let offset: u64 = stream.number("presentationTimeOffset").unwrap_or(0);
    let time: u64 = event.number("presentationTime").unwrap_or(0);
    let ticks = i128::from(time) - i128::from(offset);
    let nanos = ticks * 1_000_000_000 / i128::from(timescale);
    let start = period_start.shifted(nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64);
    if period_end.is_some_and(|end| start >= end) {
        return None;
    }
    let duration = event.number::<u64>("duration").map(|ticks| duration_from_ticks(ticks, timescale));
    // An event ends with its period (§5.10.2.1).
    let room = period_end.map(|end| end.since(start));
    let duration = duration.map(|duration| room.map_or(duration, |room| duration.min(room)));
    Some(TimedMetadata {
        source: MetadataSource::EventStream,
        scheme: scheme.to_owned(),
        value: stream.attr("value").unwrap_or_default().to_owned(),
        id: event.attr("id").unwrap_or_default().to_owned(),
        start,
        duration,
        body: body(event),
    })
}

/// `@messageData`, else the content of the element; `@contentEncoding` makes bytes of it.
fn body(event: &Element) -> MetadataBody {
    let text = event.attr("messageData").unwrap_or_else(|| event.text.trim());
    if event.attr("contentEncoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64")) {
        let clean: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if let Ok(bytes) = STANDARD.decode(clean) {
            return MetadataBody::Binary(Bytes::from(bytes));
        }
    }
    MetadataBody::Text(text.to_owned())
}
