//! Declarations of a dynamic MPD alone: updates, window, clocks, latency, and when its segments become available
//! (ISO/IEC 23009-1 §5.3.1.2, §5.3.9.5.3, Annex K).

use std::time::Duration;

use url::Url;

use super::chain::Chain;
use crate::manifest::dates;
use crate::manifest::document::{Warnings, clip};
use crate::manifest::xml::Element;
use crate::model::{Availability, LiveDescription, ManifestUpdates, PatchLocation, ServiceDescription, TimeSource};
use crate::time::WallClock;

/// More sources of time than this are left out.
const MOST_CLOCKS: usize = 16;
/// More addresses of one kind than this are left out.
const MOST_ADDRESSES: usize = 8;

/// Reads what a dynamic MPD declares about its growth.
pub(super) fn description(root: &Element, base: &Url, warnings: &mut Warnings) -> LiveDescription {
    let span = |name: &str| {
        let text = root.attr(name)?;
        dates::span(text).and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos)
    };
    let updates = match span("minimumUpdatePeriod") {
        None => ManifestUpdates::Never,
        Some(Duration::ZERO) => ManifestUpdates::OnEvent,
        Some(period) => ManifestUpdates::Every(period),
    };
    LiveDescription {
        updates,
        window: span("timeShiftBufferDepth"),
        suggested_delay: span("suggestedPresentationDelay"),
        max_segment_duration: span("maxSegmentDuration"),
        service: service(root),
        clocks: clocks(root, base, warnings),
        locations: root.all("Location").take(MOST_ADDRESSES).filter_map(|at| base.join(at.text.trim()).ok()).collect(),
        patch: root.first("PatchLocation").and_then(|patch| {
            let ttl = patch.number::<f64>("ttl").filter(|ttl| ttl.is_finite() && (0.0..1e9).contains(ttl));
            Some(PatchLocation { url: base.join(patch.text.trim()).ok()?, ttl: ttl.map(Duration::from_secs_f64) })
        }),
        published: root.attr("publishTime").and_then(dates::instant).map(WallClock::from_unix_nanos),
        id: root.attr("id").map(str::to_owned),
        playlist: None,
    }
}

/// The first description of a service that names a latency: of the MPD, else of its last period, as some writers put it
/// there.
fn service(root: &Element) -> ServiceDescription {
    let periods = root.children.iter().rev().filter(|child| &*child.name == "Period");
    let levels = std::iter::once(root).chain(periods);
    let described = levels.flat_map(|level| level.all("ServiceDescription"));
    let found: Vec<ServiceDescription> = described.map(read_service).collect();
    let with_target = found.iter().find(|service| service.target.is_some());
    with_target.or(found.first()).copied().unwrap_or_default()
}

fn read_service(element: &Element) -> ServiceDescription {
    let latency = element.first("Latency");
    let millis = |name: &str| {
        let value = latency?.number::<u64>(name)?;
        Some(Duration::from_millis(value))
    };
    let rates = element.first("PlaybackRate");
    let rate = |name: &str| rates?.number::<f64>(name).filter(|rate| rate.is_finite() && (0.1..=8.0).contains(rate));
    ServiceDescription {
        target: millis("target"),
        min: millis("min"),
        max: millis("max"),
        min_rate: rate("min"),
        max_rate: rate("max"),
    }
}

/// `UTCTiming`, in the order of the document. Schemes that cannot be used, as NTP, are left out with a warning.
///
/// Some writers put a date behind a scheme that promises an address; a value that is a date is taken as one.
fn clocks(root: &Element, base: &Url, warnings: &mut Warnings) -> Vec<TimeSource> {
    let mut out = Vec::new();
    for element in root.all("UTCTiming").take(MOST_CLOCKS) {
        let value = element.attr("value").unwrap_or_default().trim();
        let scheme = element.attr("schemeIdUri").unwrap_or_default();
        let urls = || {
            let listed = value.split_whitespace().take(MOST_ADDRESSES);
            let urls: Vec<Url> = listed.filter_map(|url| base.join(url).ok()).collect();
            (!urls.is_empty()).then_some(urls)
        };
        let direct = || dates::instant(value).map(WallClock::from_unix_nanos).map(TimeSource::Direct);
        let kind = scheme.strip_prefix("urn:mpeg:dash:utc:").and_then(|rest| rest.split(':').next());
        let source = match kind {
            _ if value.is_empty() => None,
            Some("direct") => direct(),
            Some("http-head") => direct().or_else(|| urls().map(TimeSource::Head)),
            Some("http-iso" | "http-xsdate") => direct().or_else(|| urls().map(TimeSource::Body)),
            _ => None,
        };
        match source {
            Some(source) => out.push(source),
            None => warnings.push(element.line, format!("UTCTiming {} cannot be used: {}", clip(scheme), clip(value))),
        }
    }
    out
}

/// Returns when the segments of a representation become available. Offsets of the levels add up.
pub(super) fn availability(chain: &Chain<'_>, bases: &[&Element]) -> Availability {
    let mut offset = Duration::ZERO;
    let mut is_chunked = false;
    let text = chain.attr("availabilityTimeOffset");
    for text in text.into_iter().chain(bases.iter().filter_map(|base| base.attr("availabilityTimeOffset"))) {
        offset = match text.trim() {
            "INF" => Duration::MAX,
            text => {
                let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..1e9).contains(seconds)).unwrap_or(0.0);
                offset.saturating_add(Duration::from_secs_f64(seconds))
            }
        };
        if offset == Duration::MAX {
            break;
        }
    }
    let complete = chain.attr("availabilityTimeComplete");
    let complete = complete.or_else(|| bases.iter().find_map(|base| base.attr("availabilityTimeComplete")));
    if complete.is_some_and(|text| matches!(text.trim(), "false" | "0")) {
        is_chunked = true;
    }
    Availability { offset, is_chunked }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::manifest::xml;

    fn read_clocks(inner: &str) -> Vec<TimeSource> {
        let root = xml::parse(&format!("<MPD>{inner}</MPD>")).unwrap();
        clocks(&root, &"http://h/a/m.mpd".parse().unwrap(), &mut Warnings::default())
    }

    #[test]
    fn a_clock_is_an_address_or_a_date_whatever_its_scheme_promises() {
        let timing = |scheme: &str, value: &str| {
            format!("<UTCTiming schemeIdUri='urn:mpeg:dash:utc:{scheme}:2014' value='{value}'/>")
        };
        let date = [TimeSource::Direct(WallClock::from_unix_nanos(1_000_000_000))];
        assert_eq!(read_clocks(&timing("direct", "1970-01-01T00:00:01Z")), date);
        assert_eq!(read_clocks(&timing("http-xsdate", "1970-01-01T00:00:01Z")), date);
        let body = TimeSource::Body(vec!["http://h/time".parse().unwrap(), "http://h/a/b".parse().unwrap()]);
        assert_eq!(read_clocks(&timing("http-iso", "/time b")), [body]);
        let head = TimeSource::Head(vec!["http://h/time".parse().unwrap()]);
        assert_eq!(read_clocks(&timing("http-head", "http://h/time")), [head]);
        assert!(read_clocks(&timing("direct", "")).is_empty());
        assert!(read_clocks(&timing("ntp", "0.pool")).is_empty());
        assert!(read_clocks("").is_empty());
    }

    #[test]
    fn offsets_of_the_document_and_of_the_period_count_for_each_representation() {
        let text = "<MPD type='dynamic' availabilityStartTime='1970-01-01T00:00:00Z'>\
                    <BaseURL availabilityTimeOffset='1'>a/</BaseURL><BaseURL availabilityTimeOffset='9'>b/</BaseURL>\
                    <Period start='PT0S'><BaseURL availabilityTimeOffset='0.5'>c/</BaseURL><AdaptationSet \
                    contentType='video'><SegmentTemplate media='$Number$' duration='2' availabilityTimeOffset='0.25' \
                    availabilityTimeComplete='false'/><Representation id='v' bandwidth='1' mimeType='video/mp4'/>\
                    </AdaptationSet></Period></MPD>";
        let parsed = crate::manifest::parse(text.as_bytes(), &"http://h/m.mpd".parse().unwrap(), None).unwrap();
        let found = parsed.presentation.periods[0].adaptation_sets[0].representations[0].availability;
        assert_eq!(found, Some(Availability { offset: Duration::from_millis(1750), is_chunked: true }));
    }

    #[test]
    fn offsets_of_all_levels_add_up_and_infinity_stays() {
        let element =
            xml::parse("<S><SegmentTemplate availabilityTimeOffset='1.5' availabilityTimeComplete='false'/></S>");
        let element = element.unwrap();
        let chain = Chain::default().inner(&element);
        let base = xml::parse("<BaseURL availabilityTimeOffset='0.25'/>").unwrap();
        let found = availability(&chain, &[&base]);
        assert_eq!(found, Availability { offset: Duration::from_millis(1750), is_chunked: true });
        let base = xml::parse("<BaseURL availabilityTimeOffset='INF'/>").unwrap();
        assert_eq!(availability(&chain, &[&base]).offset, Duration::MAX);
        assert_eq!(availability(&Chain::default(), &[]), Availability { offset: Duration::ZERO, is_chunked: false });
    }
}
