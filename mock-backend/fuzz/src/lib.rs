//! Work of the fuzz targets on their input. A panic is a defect; so is an answer that breaks what the reader promises.

use std::time::Duration;

use abr::link::{Link, Trace};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use kinora_api::{Heartbeat, PlaybackRequest, PutPosition, RefreshRequest, SignInRequest, SignOutRequest};
use kinora_edge_server::freshness::{Lifetime, Moment, Policy};
use kinora_edge_server::slices::content_range;
use kinora_eventlog::segment;
use kinora_faults::{FaultPlan, Request};
use kinora_kit::address::{version_name, version_of};
use kinora_kit::filter::ManifestFilter;
use kinora_kit::http::conditional::{Validators, evaluate, format_http_date, range_applies};
use kinora_kit::http::date::parse_http_date_at;
use kinora_kit::http::extract::bearer_token;
use kinora_kit::http::host;
use kinora_kit::http::path::{SafePath, canonical_query};
use kinora_kit::http::range::{self, RangeRequest};
use kinora_kit::http::trace::{Hop, TRACEPARENT, TraceContext};
use kinora_kit::signature::{EdgeSecret, verify};
use kinora_media::{Ladder, filter, readers};
use kinora_risk::event::Event;
use kinora_risk::memory::Memory;
use kinora_risk::networks::Networks;
use kinora_risk::{hindsight, reader};
use kinora_services::{Code, normal_email, read_link_form as form};

/// A year in which no date of the corpus lies, seconds since the Unix epoch.
const NOW: i64 = 1_764_000_000;
/// Maximum number of ranges that one answer has.
const MAX_RANGES: usize = 16;

/// Lines `name: value` as header fields; others are passed over. Values are bytes.
fn fields(data: &[u8]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            fields.append(name, value);
        }
    }
    fields
}

/// Header fields of a request, below a line with the length of the object in decimal digits.
pub fn requests(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let length = std::str::from_utf8(parts.next().unwrap_or_default()).ok().and_then(|text| text.trim().parse().ok());
    let length: u64 = length.unwrap_or(0);
    let fields = fields(parts.next().unwrap_or_default());
    for value in fields.get_all(header::RANGE).iter().filter_map(|value| value.to_str().ok()) {
        ranges(value, length);
    }
    host::is_valid(Version::HTTP_11, &fields);
    host::is_valid(Version::HTTP_10, &fields);
    let validators = Validators { etag: Some("\"a\"".to_owned()), last_modified: Some(NOW) };
    for method in [Method::GET, Method::HEAD, Method::PUT] {
        evaluate(&method, &fields, &validators);
        evaluate(&method, &fields, &Validators::default());
    }
    range_applies(&fields, &validators);
    if let Some(token) = bearer_token(&fields) {
        assert!(!token.starts_with(' ') && !token.ends_with(' '));
    }
    let (hop, mut sent) = (Hop::receive(&fields), fields);
    hop.send(&mut sent);
    let parents: Vec<&HeaderValue> = sent.get_all(TRACEPARENT).iter().collect();
    assert!(matches!(parents[..], [parent] if parent.to_str().is_ok_and(|text| TraceContext::parse(text).is_some())));
    assert_eq!(Hop::receive(&sent).request_id(), hop.request_id());
}

fn ranges(value: &str, length: u64) {
    let RangeRequest::Spans(spans) = range::parse(Some(value), length) else { return };
    assert!((1..=MAX_RANGES).contains(&spans.len()));
    for (index, span) in spans.iter().enumerate() {
        assert!(span.first <= span.last && span.last < length, "{span:?} of {length}");
        for other in &spans[index + 1..] {
            assert!(span.last < other.first || other.last < span.first, "a byte is sent twice");
        }
    }
}

/// Header fields of an origin's answer.
pub fn answers(data: &[u8]) {
    let fields = fields(data);
    for is_manifest in [false, true] {
        let policy = Policy::of(&fields, is_manifest);
        assert!(policy.fresh_ms >= 0 && policy.age_ms >= 0);
        let begin = Moment { process: 1, monotonic_ms: 0, wall_ms: 0 };
        let lifetime = Lifetime::begin(&policy, begin);
        for later in [0, policy.fresh_ms, i64::MAX] {
            let now = Moment { monotonic_ms: later, ..begin };
            if lifetime.is_fresh(now) {
                assert!(lifetime.age_ms(now).is_some_and(|age| age < policy.fresh_ms));
            }
            lifetime.may_stand_in(now);
        }
    }
    for text in fields.values().filter_map(|value| value.to_str().ok()) {
        if let Some((first, last, length)) = content_range(text) {
            assert!(first <= last && last < length);
        }
        if let Some(seconds) = parse_http_date_at(text, NOW)
            && let Some(shown) = format_http_date(seconds)
        {
            assert_eq!(parse_http_date_at(&shown, NOW), Some(seconds), "{text}");
        }
    }
}

/// A path, and the same text as a query.
pub fn paths(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(path) = SafePath::parse(text) {
        let file = path.to_path_buf();
        assert!(file.components().all(|part| matches!(part, std::path::Component::Normal(_))));
        assert_eq!(file.components().count(), path.names().len());
        assert_eq!(SafePath::parse(path.as_str()).as_ref(), Some(&path), "the canonical text reads back");
        for name in path.names() {
            if let Some(version) = version_of(name) {
                assert_eq!(&version_name(version), name, "a version has one name");
            }
        }
    }
    if let Some(query) = canonical_query(text) {
        assert_eq!(canonical_query(&query).as_ref(), Some(&query));
        assert!(query.bytes().all(|byte| byte.is_ascii_graphic()), "{query}");
    }
}

/// A token of a signed path.
pub fn tokens(data: &[u8]) {
    let Some(secret) = EdgeSecret::new("a secret of more than thirty-two characters") else {
        unreachable!("long enough")
    };
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(verify(&secret, "title", text, 0).is_err(), "a token is forged");
        assert!(!secret.is_origin_key(text), "the origin's key is guessed");
    }
}

/// The JSON body of any call, and an address of a sign-in.
pub fn bodies(data: &[u8]) {
    let _ = serde_json::from_slice::<SignInRequest>(data);
    let _ = serde_json::from_slice::<RefreshRequest>(data);
    let _ = serde_json::from_slice::<SignOutRequest>(data);
    let _ = serde_json::from_slice::<PlaybackRequest>(data);
    let _ = serde_json::from_slice::<Heartbeat>(data);
    let _ = serde_json::from_slice::<PutPosition>(data);
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(email) = normal_email(text)
    {
        assert_eq!(normal_email(&email).ok().as_ref(), Some(&email), "an address has one spelling");
    }
}

/// A plan of faults, a bandwidth trace, and a ladder.
pub fn settings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(mut plan) = FaultPlan::parse(text) {
        for path in ["film/video/240p/seg-00001.m4s", "film/master.m3u8", ""] {
            plan.verdict(&Request { path, edge: "a", ..Request::default() });
        }
    }
    if let Ok(trace) = Trace::parse(text) {
        let link = Link::new(trace);
        for seconds in [0, 1, 1_000_000_000] {
            let time = Duration::from_secs(seconds);
            let carries = link.carrying_from(time);
            assert!(carries >= time && link.bandwidth_at(carries) > 0);
            assert!(link.arrival(time, 1) > carries);
        }
    }
    if let Ok(ladder) = Ladder::parse(text) {
        assert!(ladder.check().is_ok());
        let _ = ladder.capped(480);
    }
}

/// A file of one track; its first byte chooses the length of segments.
pub fn tracks(data: &[u8]) {
    let Some((&first, file)) = data.split_first() else { return };
    if let Ok((samples, segments)) = readers::track(file, u64::from(first) << 8) {
        assert!((1..=samples).contains(&segments));
    }
}

/// Subtitles; the first two bytes are the film's duration in seconds.
pub fn subtitles(data: &[u8]) {
    let Some((seconds, text)) = data.split_first_chunk() else { return };
    if let Ok(text) = std::str::from_utf8(text) {
        let _ = readers::subtitles(text, u64::from(u16::from_be_bytes(*seconds)) * 1000);
    }
}

/// Reads the output of ffprobe.
pub fn probes(data: &[u8]) {
    let _ = readers::probe_answer(data);
}

/// A name of a manifest on the first line, and the manifest.
pub fn filters(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (name, text) = text.split_once('\n').unwrap_or((text, ""));
    let Some((manifest, limits)) = ManifestFilter::split(name) else { return };
    assert!(!limits.is_empty());
    assert_eq!(limits.name(&manifest), name, "a filter has one name");
    if let Ok(left) = filter::apply(&manifest, text, &limits) {
        assert!(left.len() <= text.len());
        assert_eq!(filter::apply(&manifest, &left, &limits).as_ref(), Ok(&left), "what is left is within the limits");
    }
}

/// A file of the event log; its first byte is the number of the first record.
pub fn segments(data: &[u8]) {
    let Some((&first, file)) = data.split_first() else { return };
    let (mut written, mut next) = (Vec::new(), u64::from(first));
    let valid = segment::scan(file, next, |record| {
        assert_eq!(record.offset, next, "numbers have no gaps");
        next += 1;
        segment::write(&mut written, record.offset, &record.event);
    });
    assert_eq!(written, file[..valid], "what was read is written the same");
}

/// A file of events, scored both ways, and the same bytes as places of networks.
pub fn risks(data: &[u8]) {
    if let Ok(table) = reader::read(data) {
        let events: Vec<Event> = table.rows.iter().map(|row| row.event).collect();
        let scored = hindsight::score(&events);
        assert_eq!(scored.len(), events.len(), "each row has its score");
        let mut memory = Memory::default();
        let assessed = events.iter().map(|event| memory.assess(event));
        for assessment in assessed.collect::<Vec<_>>().iter().chain(&scored) {
            assert!((0.0..=1.0).contains(&assessment.score), "{assessment:?}");
        }
    }
    if let Ok(networks) = Networks::read(data) {
        let mut event = Event::new(0, kinora_risk::event::Kind::SignIn);
        networks.locate(&mut event, std::net::IpAddr::from([192, 0, 2, 1]));
    }
}

/// A form of `/link`, and a code as somebody types it.
pub fn forms(data: &[u8]) {
    let typed = std::str::from_utf8(data).unwrap_or_default().to_owned();
    let form = form(data);
    for text in form.map(|form| form.code).into_iter().chain([typed]) {
        if let Some(code) = Code::parse(&text) {
            let shown = code.shown();
            assert!(shown.len() == 9 && Code::parse(&shown) == Some(code), "a code has one form");
        }
    }
}
