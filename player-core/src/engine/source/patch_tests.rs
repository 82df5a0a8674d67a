//! Patches of a live presentation that is known, and the addresses of its next state.
#![expect(clippy::unwrap_used, reason = "tests")]
use std::fmt::Write as _;

use super::*;
use crate::engine::jitter::Jitter;
use crate::engine::source::Locations;
use crate::manifest::{RemoteElements, parse_kept};
use crate::time::MediaTime;

/// A source whose manifest lists so many segments of two seconds, each written out.
fn source(segments: u64) -> Source {
    let entries = (0..segments).fold(String::new(), |mut out, at| {
        let time = if at == 0 { " t='0'" } else { "" };
        write!(out, "<S{time} d='{}'/>", 2000 + at % 2).unwrap();
        out
    });
    let set = |id: &str| {
        format!(
            "<AdaptationSet id='{id}' contentType='{id}' mimeType='{id}/mp4'><SegmentTemplate timescale='1000' \
             media='$RepresentationID$-$Time$.m4s'><SegmentTimeline>{entries}</SegmentTimeline></SegmentTemplate>\
             <Representation id='{id}1' bandwidth='1'/><Representation id='{id}2' bandwidth='2'/></AdaptationSet>"
        )
    };
    let text = format!(
        "<MPD type='dynamic' publishTime='1970-01-02T00:00:00Z' availabilityStartTime='1970-01-01T00:00:00Z' \
         minimumUpdatePeriod='PT2S'><Location>l.mpd</Location><Location>http://h/m.mpd</Location>\
         <PatchLocation ttl='60'>p</PatchLocation><Period id='a' start='PT0S'>{}{}</Period></MPD>",
        set("video"),
        set("audio"),
    );
    let url: Url = "http://h/m.mpd".parse().unwrap();
    let (parsed, kept) = parse_kept(text.as_bytes(), &url, None, &RemoteElements::default()).unwrap();
    let mut source = Source::new(parsed.presentation, Locations::new(&[url]), None, &mut Jitter::new(1));
    source.keep_manifest(kept);
    source
}

/// Removes two segments from the front of both timelines, and adds three.
fn patch() -> String {
    let operations = [1, 2].map(|set| {
        let timeline = format!("/MPD/Period/AdaptationSet[{set}]/SegmentTemplate/SegmentTimeline");
        format!(
            "<remove sel=\"{timeline}/S[1]\"/><remove sel=\"{timeline}/S[1]\"/><add sel=\"{timeline}/S[1]\" \
             type=\"@t\">4001</add><add sel=\"{timeline}\"><S d=\"2000\"/><S d=\"1000\" r=\"1\"/></add>"
        )
    });
    format!(
        "<Patch originalPublishTime='1970-01-02T00:00:00Z'><replace sel=\"/MPD/@publishTime\">1970-01-02T00:00:02Z\
         </replace>{}</Patch>",
        operations.concat()
    )
}

fn lists(source: &Source) -> Vec<&SegmentTemplate> {
    let presentation = source.presentation();
    let list = |key| match presentation.known_list(key) {
        Some(SegmentList::Template(template)) => &**template,
        other => panic!("{other:?}"),
    };
    presentation.all_reps().map(list).collect()
}

fn at(seconds: i64) -> Option<WallClock> {
    Some(WallClock::from_unix_nanos(seconds * 1_000_000_000))
}

/// Addresses at which the manifest is asked for, in order.
fn asked(source: &mut Source, utc: Option<WallClock>) -> Vec<String> {
    source.name_updates(utc);
    let candidates = source.locations().manifest_candidates();
    let mut tried = Vec::new();
    let mut urls = Vec::new();
    while let Some(next) = source.locations().pick(&candidates, &tried, crate::time::Now::ZERO) {
        tried.push(next.index);
        urls.push(next.url.path().to_owned());
    }
    urls
}

#[inline(never)]
fn patched(source: &mut Source, patch: &str) -> Result<PatchOutcome, PatchError> {
    source.patch(patch.as_bytes())
}

#[test]
fn the_ends_of_a_long_timeline_change_in_place() {
    for segments in [30, 43_200] {
        let mut source = source(segments);
        let place = |source: &Source| lists(source).iter().map(|list| Arc::as_ptr(&list.timeline)).collect::<Vec<_>>();
        let before = place(&source);
        let outcome = patched(&mut source, &patch()).unwrap();
        assert!(matches!(outcome, PatchOutcome::Changed { has_grown: true }), "{segments}");
        assert_eq!(place(&source), before, "no timeline is copied");
        let lists = lists(&source);
        assert_eq!(lists.len(), 4);
        for list in &lists {
            assert_eq!((list.count, list.timeline.count()), (segments + 1, segments + 1));
            assert_eq!(list.timeline.at(0), Some((4001, 2000)));
            assert_eq!(list.timeline.at(segments), Some((segments * 2000 + segments / 2 + 3000, 1000)));
        }
        assert!(Arc::ptr_eq(&lists[0].timeline, &lists[1].timeline), "representations of a set share it still");
        assert_eq!(source.presentation().live.as_ref().unwrap().published, at(86_402));
        assert_eq!(source.presentation().periods[0].start, MediaTime::ZERO);
    }
}

#[test]
fn a_patch_is_asked_for_in_time_and_the_manifest_else() {
    let mut source = source(5);
    assert_eq!(asked(&mut source, None), ["/p", "/l.mpd", "/m.mpd"]);
    assert_eq!(asked(&mut source, at(86_460)), ["/p", "/l.mpd", "/m.mpd"]);
    assert_eq!(asked(&mut source, at(86_461)), ["/l.mpd", "/m.mpd"]);
    assert!(source.patch(b"<Patch/>").is_err());
    assert_eq!(asked(&mut source, at(86_400)), ["/l.mpd", "/m.mpd"], "the manifest that is kept is of no use any more");
    source.keep_manifest(None);
    assert_eq!(asked(&mut source, None), ["/l.mpd", "/m.mpd"]);
}

#[test]
fn patches_that_fail_again_and_again_are_asked_for_no_more() {
    for failures in 0..=MOST_FAILED {
        let mut source = source(5);
        let kept = source.patching.manifest.clone();
        for _ in 0..failures {
            assert!(source.patch(b"<Patch/>").is_err());
            source.keep_manifest(kept.clone());
        }
        assert_eq!(asked(&mut source, None).contains(&"/p".to_owned()), failures < MOST_FAILED, "{failures}");
        assert!(source.patch(patch().as_bytes()).is_ok());
        assert_eq!(source.patching.failed, 0, "one that fits makes up for them");
    }
}

#[test]
fn what_changes_more_than_the_ends_replaces_the_presentation() {
    let with = |operation: &str| format!("<Patch originalPublishTime='1970-01-02T00:00:00Z'>{operation}</Patch>");
    for operation in [
        "<replace sel=\"/MPD/@type\">static</replace>",
        "<replace sel=\"/MPD/Period/AdaptationSet[1]/SegmentTemplate/SegmentTimeline/S[1]/@d\">7</replace>",
    ] {
        let mut source = source(30);
        let outcome = source.patch(with(operation).as_bytes()).unwrap();
        assert!(matches!(outcome, PatchOutcome::Presentation(_)), "{operation}");
    }
}
