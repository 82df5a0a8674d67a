//! State of the selection: what each verb changes, and what it leaves.

use std::time::Duration;

use super::audio_pairing::AudioChoice;
use super::{TrackPreferences, TrackSelection};
use crate::command::{QualityChoice, TrackChoice};
use crate::engine::ids::{KeyedPresentation, PeriodKey, RepKey, SetKey};
use crate::engine::licence::Keys;
use crate::model::{AdaptationSet, MediaKind, Period, Presentation, Representation, TrackId};
use crate::snapshot::Track;
use crate::time::{MediaTime, Now};

const UNTIL: MediaTime = MediaTime::from_millis(700);

fn selection() -> TrackSelection {
    let preferences = TrackPreferences {
        audio_languages: Vec::new(),
        text_languages: Vec::new(),
        audio: TrackChoice::Auto,
        text: TrackChoice::Auto,
        quality: QualityChoice::Auto,
    };
    TrackSelection::new(preferences, abr::Hdcp::None)
}

/// Periods of these names, each with one video set of two qualities.
fn presentation(periods: &[&str]) -> KeyedPresentation {
    let reps = || vec![Representation::for_tests("hi", 2000), Representation::for_tests("lo", 1000)];
    let sets = || vec![AdaptationSet::for_tests("v", MediaKind::Video, reps())];
    let period = |name: &&str| Period::new((*name).to_owned(), MediaTime::ZERO, None, sets());
    Presentation::for_tests(periods.iter().map(period).collect()).into()
}

fn at(seconds: u64) -> Now {
    Now::ZERO + Duration::from_secs(seconds)
}

#[test]
fn audio_that_was_given_up_is_tried_again_with_another_choice() {
    let mut selection = selection();
    assert!(selection.has_video() && selection.has_audio());
    selection.give_up(MediaKind::Audio);
    assert!(selection.has_video() && !selection.has_audio());
    selection.select_audio(TrackChoice::Track(TrackId("other".into())));
    assert!(selection.has_audio());
    selection.select_audio(TrackChoice::Off);
    assert!(!selection.has_audio());
    selection.give_up(MediaKind::Video);
    assert!(!selection.has_video());
    selection.select_audio(TrackChoice::Auto);
    assert!(!selection.has_video() && selection.has_audio(), "video stays given up");
    selection.give_up(MediaKind::Text);
    assert!(selection.has_audio());
}

#[test]
fn each_choice_changes_its_own_preference() {
    let mut selection = selection();
    let track = |id: &str| TrackChoice::Track(TrackId(id.into()));
    selection.select_audio(track("a"));
    selection.select_text(track("t"));
    selection.select_quality(QualityChoice::MaxHeight(720));
    let TrackPreferences { audio, text, quality, .. } = selection.preferences();
    assert_eq!((audio, text, quality), (&track("a"), &track("t"), &QualityChoice::MaxHeight(720)));
    assert_eq!(selection.output(), abr::Hdcp::None);
    selection.set_output(abr::Hdcp::Type1);
    assert_eq!(selection.output(), abr::Hdcp::Type1);
}

#[test]
fn a_change_of_audio_is_over_when_it_is_ended_or_a_kind_is_given_up() {
    for kind in [MediaKind::Video, MediaKind::Audio, MediaKind::Text] {
        let mut selection = selection();
        assert_eq!(selection.audio_change(), None);
        selection.begin_audio_change(UNTIL);
        assert_eq!(selection.audio_change(), Some(UNTIL));
        selection.give_up(kind);
        assert_eq!(selection.audio_change(), None, "{kind:?}");
    }
    let mut selection = selection();
    selection.begin_audio_change(UNTIL);
    selection.end_audio_change();
    assert_eq!(selection.audio_change(), None);
}

#[test]
fn the_audio_that_goes_with_the_video_is_remembered() {
    let mut selection = selection();
    assert_eq!(selection.audio(), AudioChoice::default());
    let choice = AudioChoice { wanted: Some(RepKey::for_tests(0, 1, 0)), ..AudioChoice::default() };
    selection.pair_audio(choice);
    assert_eq!(selection.audio(), choice);
}

#[test]
fn the_qualities_of_the_period_on_screen_are_listed_while_it_is_known() {
    let known = presentation(&["a", "b"]);
    let mut selection = selection();
    assert_eq!(selection.listed_period(&known), Some(PeriodKey::FIRST));
    let second = RepKey::for_tests(1, 1, 2);
    assert_eq!((selection.show(second), selection.shown()), (None, Some(second)));
    assert_eq!(selection.listed_period(&known), Some(PeriodKey::for_tests(1)));
    assert_eq!(selection.listed_period(&presentation(&["a"])), Some(PeriodKey::FIRST), "it is gone");
    assert_eq!(selection.listed_period(&presentation(&[])), None);
    assert_eq!(selection.show(RepKey::for_tests(0, 0, 0)), Some(second));
}

#[test]
fn lists_are_replaced_when_a_track_or_a_quality_changes() {
    let (known, keys) = (presentation(&["a"]), Keys::default());
    let set: Option<SetKey> = known.set_keys(PeriodKey::FIRST).next();
    let mut selection = selection();
    let track = Track {
        id: TrackId("t".into()),
        kind: MediaKind::Text,
        language: None,
        label: None,
        roles: Vec::new(),
        forced: false,
        selected: false,
    };
    assert!(selection.list(&known, Vec::new(), set, &keys, at(0)));
    let listed = |selection: &TrackSelection| {
        let qualities = selection.qualities();
        qualities.iter().map(|quality| (quality.id.clone(), quality.shown, quality.available)).collect::<Vec<_>>()
    };
    let quality = |id: &str, shown, available| (id.to_owned(), shown, available);
    assert_eq!(listed(&selection), [quality("lo", false, true), quality("hi", false, true)]);
    let before = selection.qualities();
    assert!(!selection.list(&known, Vec::new(), set, &keys, at(0)));
    assert!(std::sync::Arc::ptr_eq(&before, &selection.qualities()), "snapshots share the list");
    assert!(selection.list(&known, vec![track.clone()], set, &keys, at(0)), "a track");
    assert_eq!(*selection.tracks(), std::slice::from_ref(&track));
    selection.show(RepKey::for_tests(0, 0, 1));
    assert!(selection.list(&known, vec![track.clone()], set, &keys, at(0)), "the quality on screen");
    selection.exclude(RepKey::for_tests(0, 0, 0), Duration::from_secs(5), at(0));
    assert!(selection.list(&known, vec![track.clone()], set, &keys, at(4)), "one that is excluded");
    assert_eq!(listed(&selection), [quality("lo", true, true), quality("hi", false, false)]);
    assert!(selection.list(&known, vec![track.clone()], set, &keys, at(5)), "its time is over");
    assert!(selection.list(&known, vec![track], None, &keys, at(5)), "no video any more");
    assert!(selection.qualities().is_empty());
}

#[test]
fn exclusions_of_other_periods_outlast_those_that_are_forgotten() {
    let (first, second) = (RepKey::for_tests(0, 0, 0), RepKey::for_tests(1, 1, 2));
    let mut selection = selection();
    selection.exclude(first, Duration::MAX, at(0));
    selection.exclude(second, Duration::from_secs(9), at(0));
    selection.retain(|rep| rep.period != first.period);
    assert!(!selection.exclusions().is_final(first) && !selection.exclusions().holds(first, at(0)));
    assert!(selection.exclusions().holds(second, at(8)) && !selection.exclusions().holds(second, at(9)));
}

#[test]
fn a_track_gives_way_to_one_that_can_be_decrypted_and_stays_where_there_is_none() {
    let set = |id: &str, is_locked: bool| {
        let protection = crate::model::Protection {
            scheme_id: String::new(),
            system: Some(crate::drm::KeySystem::Widevine),
            scheme: None,
            key_ids: vec![crate::drm::KeyId([1; 16])],
            pssh: Vec::new(),
            licence_urls: Vec::new(),
            key: None,
        };
        let protection = if is_locked { vec![std::sync::Arc::new(protection)] } else { Vec::new() };
        let rep = Representation { protection, ..Representation::for_tests(id, 1) };
        AdaptationSet::for_tests(id, MediaKind::Audio, vec![rep])
    };
    let chosen = |locked: [bool; 3]| {
        let sets = ["a", "b", "c"].iter().zip(locked).map(|(id, is_locked)| set(id, is_locked)).collect();
        let period = Period::new("p".to_owned(), MediaTime::ZERO, None, sets);
        let presentation = KeyedPresentation::from(Presentation::for_tests(vec![period]));
        let keys = Keys::default();
        let track = TrackId("b".into());
        let found = selection().set_in(&presentation, PeriodKey::FIRST, MediaKind::Audio, Some(&track), &keys);
        found.and_then(|set| presentation.set(set)).map(|set| set.id.0.clone())
    };
    assert_eq!(chosen([false, false, false]).as_deref(), Some("b"), "it stays");
    assert_eq!(chosen([true, true, false]).as_deref(), Some("c"), "the only one that can be decrypted");
    assert_eq!(chosen([true, true, true]).as_deref(), Some("b"), "so that the reason can be reported");
}
