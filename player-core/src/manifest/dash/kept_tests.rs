//! Patches of whole manifests: what they give is what the whole document gives.
#![expect(clippy::unwrap_used, reason = "tests")]
use std::fmt::Write as _;
use std::sync::Arc;

use super::*;
use crate::manifest::{RemoteElements, is_patch, parse_kept};
use crate::model::{Presentation, SegmentIndex, SegmentList, TimelineRuns};

/// A live MPD of two representations that share a timeline, and one of sound, whose segments from `from` on are listed.
fn mpd(from: u64, to: u64) -> String {
    let entries = |length: fn(u64) -> u64| {
        let start: u64 = (0..from).map(length).sum();
        (from..to).fold(String::new(), |mut out, at| {
            let time = if at == from { format!(" t='{start}'") } else { String::new() };
            write!(out, "<S{time} d='{}'/>", length(at)).unwrap();
            out
        })
    };
    format!(
        "<MPD type='dynamic' id='m' publishTime='{}' availabilityStartTime='1970-01-01T00:00:00Z' \
         minimumUpdatePeriod='PT2S'><PatchLocation ttl='60'>p{to}.mpp</PatchLocation><Period id='a' start='PT0S'>\
         <AdaptationSet id='1' contentType='video' mimeType='video/mp4'><SegmentTemplate timescale='10' startNumber='{}' \
         media='$RepresentationID$-$Number$.m4s' initialization='i'><SegmentTimeline>{}</SegmentTimeline>\
         </SegmentTemplate><Representation id='v1' bandwidth='1'/><Representation id='v2' bandwidth='2'/>\
         </AdaptationSet><AdaptationSet id='2' contentType='audio' mimeType='audio/mp4'><SegmentTemplate timescale='10' \
         media='a-$Time$.m4s'><SegmentTimeline>{}</SegmentTimeline></SegmentTemplate><Representation id='a' \
         bandwidth='1'/></AdaptationSet></Period></MPD>",
        published(to),
        from + 1,
        entries(|_| 20),
        entries(|at| 19 + at % 3),
    )
}

fn published(to: u64) -> String {
    format!("2026-01-01T{:02}:{:02}:{:02}Z", to / 3600, to / 60 % 60, to % 60)
}

/// The changes from one state to a later one.
fn patch(before: (u64, u64), after: (u64, u64)) -> String {
    let set = |number: u64, length: fn(u64) -> u64| {
        let timeline = format!("/MPD/Period[@id='a']/AdaptationSet[@id='{number}']/SegmentTemplate/SegmentTimeline");
        let mut out = (before.0..after.0).fold(String::new(), |mut out, _| {
            write!(out, "<remove sel=\"{timeline}/S[1]\"/>").unwrap();
            out
        });
        if after.0 > before.0 {
            let start: u64 = (0..after.0).map(length).sum();
            write!(out, "<add sel=\"{timeline}/S[1]\" type='@t'>{start}</add>").unwrap();
        }
        for at in before.1..after.1 {
            write!(out, "<add sel=\"{timeline}\"><S d='{}'/></add>", length(at)).unwrap();
        }
        out
    };
    format!(
        "<?xml version='1.0'?><Patch mpdId='m' originalPublishTime='{}'><replace sel='/MPD/@publishTime'>{}</replace>\
         <replace sel='/MPD/PatchLocation'><PatchLocation ttl='60'>p{}.mpp</PatchLocation></replace><replace \
         sel=\"/MPD/Period/AdaptationSet[1]/SegmentTemplate/@startNumber\">{}</replace>{}{}</Patch>",
        published(before.1),
        published(after.1),
        after.1,
        after.0 + 1,
        set(1, |_| 20),
        set(2, |at| 19 + at % 3),
    )
}

fn read(text: &str) -> (Presentation, Option<Box<PatchableManifest>>) {
    let url = "http://h/live/m.mpd".parse().unwrap();
    let (parsed, kept) = parse_kept(text.as_bytes(), &url, None, &RemoteElements::default()).unwrap();
    (parsed.presentation, kept)
}

fn timelines(presentation: &Presentation) -> Vec<(u64, Arc<TimelineRuns>)> {
    let sets = presentation.periods.iter().flat_map(|period| &period.adaptation_sets);
    let indexes = sets.flat_map(|set| &set.representations).map(|rep| &rep.index);
    let template = |index: &SegmentIndex| match index {
        SegmentIndex::Known(SegmentList::Template(template)) => (template.start_number, Arc::clone(&template.timeline)),
        other => panic!("{other:?}"),
    };
    indexes.map(template).collect()
}

#[test]
fn a_patch_of_the_ends_changes_timelines_as_the_whole_document_does() {
    let mut kept = *read(&mpd(0, 6)).1.unwrap();
    let mut known = timelines(&read(&mpd(0, 6)).0);
    let mut before = (0, 6);
    for after in [(0, 7), (2, 9), (3, 9), (8, 11), (8, 30), (29, 31)] {
        let Patched::Timelines { changes, live } = kept.patch(patch(before, after).as_bytes()).unwrap() else {
            panic!("a whole document");
        };
        let whole = read(&mpd(after.0, after.1)).0;
        assert_eq!(live, whole.live.clone().unwrap(), "{after:?}");
        assert_eq!(live.patch.as_ref().unwrap().url.path(), format!("/live/p{}.mpp", after.1));
        for (number, runs) in &mut known {
            let source = runs.source().unwrap().element;
            let change = changes.iter().find(|change| change.source == source).unwrap();
            assert!(Arc::make_mut(runs).change(change), "{after:?}");
            *number = change.start_number.unwrap_or(*number);
        }
        assert_eq!(known, timelines(&whole), "{after:?}");
        assert_eq!(kept.read().unwrap().presentation, whole);
        before = after;
    }
}

#[test]
fn any_other_patch_gives_the_whole_presentation() {
    let original = |operations: &str| format!("<Patch originalPublishTime='{}'>{operations}</Patch>", published(6));
    for operations in [
        "<add sel=\"/MPD\"><Period id='b' start='PT12S'><AdaptationSet contentType='video'><SegmentTemplate \
         media='$Number$' duration='2'/><Representation id='v' bandwidth='1' mimeType='video/mp4'/></AdaptationSet>\
         </Period></add>",
        "<replace sel=\"/MPD/@type\">static</replace>",
        "<add sel=\"/MPD\" type=\"@mediaPresentationDuration\">PT12S</add>",
        "<add sel=\"/MPD/Period\" type=\"@duration\">PT12S</add>",
        "<replace sel=\"/MPD/Period/AdaptationSet[1]/SegmentTemplate/SegmentTimeline\"><SegmentTimeline><S t='0' \
         d='5'/></SegmentTimeline></replace>",
        "<add sel=\"/MPD/Period/AdaptationSet[1]/SegmentTemplate/SegmentTimeline\"><S d='5' k='2'/></add>",
    ] {
        let mut kept = *read(&mpd(0, 6)).1.unwrap();
        let patched = kept.patch(original(operations).as_bytes()).unwrap();
        let Patched::Presentation(parsed) = patched else { panic!("{operations}") };
        assert_eq!(*parsed, kept.read().unwrap(), "{operations}");
    }
}

#[test]
fn a_patch_is_known_by_its_root_and_anything_else_is_refused() {
    let mut kept = *read(&mpd(0, 6)).1.unwrap();
    assert!(is_patch(patch((0, 6), (0, 7)).as_bytes()));
    assert!(!is_patch(mpd(0, 6).as_bytes()) && !is_patch(b"") && !is_patch(b"#EXTM3U"));
    let refused =
        |kept: &mut PatchableManifest, bytes: &[u8]| matches!(kept.patch(bytes), Err(PatchError::Document(_)));
    assert!(refused(&mut kept, mpd(0, 6).as_bytes()));
    assert!(refused(&mut kept, b"<Patch><add sel='/MPD'>"));
    assert!(refused(&mut kept, b""));
    assert_eq!(kept.patch(patch((0, 5), (0, 7)).as_bytes()), Err(PatchError::Stale));
    assert!(kept.patch(patch((0, 6), (0, 7)).as_bytes()).is_ok());
    assert_eq!(kept.patch(patch((0, 6), (0, 7)).as_bytes()), Err(PatchError::Stale), "it was applied");
}

#[test]
fn only_a_live_manifest_that_names_patches_is_kept() {
    assert!(read(&mpd(0, 6)).1.is_some());
    assert!(read(&mpd(0, 6).replace("PatchLocation", "Other")).1.is_none());
    assert!(read(&mpd(0, 6).replace("'dynamic'", "'static'")).1.is_none());
}
