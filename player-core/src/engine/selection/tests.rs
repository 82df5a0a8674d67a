//! Choices of sets and representations.

use std::time::Duration;

use super::*;
use crate::command::{QualityChoice, TrackChoice};
use crate::engine::ids::PeriodKey;
use crate::engine::ids::{KeyedPresentation, RepKey, SetKey};
use crate::engine::licence::Keys;
use crate::model::Presentation;
use crate::model::{AdaptationSet, ContainerFormat, MediaKind, MuxedAudio, Period, Representation, Role, TrackId};
use crate::time::MediaTime;
use crate::time::Now;

fn rep(id: &str, bandwidth: u64, group: Option<&str>) -> Representation {
    let height = Some((bandwidth / 1000) as u32);
    Representation { height, audio_group: group.map(str::to_owned), ..Representation::for_tests(id, bandwidth) }
}

fn set(id: &str, kind: MediaKind, language: Option<&str>, representations: Vec<Representation>) -> AdaptationSet {
    let language = language.map(str::to_owned);
    AdaptationSet { language, ..AdaptationSet::for_tests(id, kind, representations) }
}

fn period(adaptation_sets: Vec<AdaptationSet>) -> Period {
    Period::new("p".into(), MediaTime::ZERO, None, adaptation_sets)
}

fn preferences(audio: &[&str], text: &[&str]) -> TrackPreferences {
    TrackPreferences {
        audio_languages: audio.iter().map(|tag| (*tag).to_owned()).collect(),
        text_languages: text.iter().map(|tag| (*tag).to_owned()).collect(),
        audio: TrackChoice::Auto,
        text: TrackChoice::Auto,
        quality: QualityChoice::Auto,
    }
}

fn sound(id: &str, language: &str) -> AdaptationSet {
    set(id, MediaKind::Audio, Some(language), vec![rep(id, 128_000, None)])
}

#[test]
fn sound_follows_language_then_role_then_default() {
    let mut described = sound("ad", "en");
    described.roles = vec![Role::Description];
    let mut german = sound("de", "de");
    german.default = true;
    let period = period(vec![described, sound("en", "en-US"), german]);
    let pick = |preferences: &TrackPreferences| set_of(&period, MediaKind::Audio, preferences, |_| false);
    assert_eq!(pick(&preferences(&["fr", "en"], &[])), Some(1));
    assert_eq!(pick(&preferences(&[], &[])), Some(2));
    let chosen = TrackPreferences { audio: TrackChoice::Track(TrackId("ad".into())), ..preferences(&["de"], &[]) };
    assert_eq!(pick(&chosen), Some(0));
    assert_eq!(pick(&TrackPreferences { audio: TrackChoice::Off, ..chosen }), None);
}

#[test]
fn subtitles_are_off_unless_wanted_or_forced() {
    let mut forced = set("f", MediaKind::Text, Some("en"), vec![rep("f", 1, None)]);
    forced.forced = true;
    let plain = set("t", MediaKind::Text, Some("de"), vec![rep("t", 1, None)]);
    let period = period(vec![sound("en", "en"), plain, forced]);
    assert_eq!(set_of(&period, MediaKind::Text, &preferences(&[], &["de"]), |_| false), Some(1));
    assert_eq!(set_of(&period, MediaKind::Text, &preferences(&["en"], &["fr"]), |_| false), Some(2));
    let spanish = Period { adaptation_sets: vec![sound("es", "es"), period.adaptation_sets[2].clone()], ..period };
    assert_eq!(set_of(&spanish, MediaKind::Text, &preferences(&[], &[]), |_| false), None);
}

/// Forced subtitles translate what the audio leaves foreign, so the languages of subtitles do not choose them.
#[test]
fn forced_subtitles_are_in_the_language_that_is_heard() {
    let forced = |language: &str| AdaptationSet {
        forced: true,
        ..set(language, MediaKind::Text, Some(language), vec![rep(language, 1, None)])
    };
    let period = period(vec![sound("en", "en"), sound("de", "de"), forced("de"), forced("en")]);
    let pick = |audio: &[&str], text: &[&str]| set_of(&period, MediaKind::Text, &preferences(audio, text), |_| false);
    assert_eq!([pick(&["en"], &["de"]), pick(&["de"], &["en"]), pick(&["de"], &[])], [Some(3), Some(2), Some(2)]);
    assert_eq!(pick(&[], &["de"]), Some(3), "the first audio is heard");
}

#[test]
fn chosen_subtitles_that_a_period_lacks_are_replaced_by_none_and_audio_by_the_best() {
    let text = set("t", MediaKind::Text, Some("en"), vec![rep("t", 1, None)]);
    let period = period(vec![sound("en", "en"), sound("de", "de"), text]);
    let lost = TrackChoice::Track(TrackId("gone".into()));
    let preferences = TrackPreferences { audio: lost.clone(), text: lost, ..preferences(&["de"], &["en"]) };
    let pick = |kind| set_of(&period, kind, &preferences, |_| false);
    assert_eq!((pick(MediaKind::Text), pick(MediaKind::Audio)), (None, Some(1)));
}

#[test]
fn a_representation_without_a_group_goes_with_every_group() {
    let presentation = presentation(vec![rep("a", 1000, Some("x")), rep("b", 2000, None), rep("c", 3000, Some("y"))]);
    let exclusions = Exclusions::default();
    let bounds = Bounds {
        now: Now::ZERO,
        exclusions: &exclusions,
        quality: &QualityChoice::Auto,
        audio_group: Some("y"),
        keys: &Keys::default(),
        output: abr::Hdcp::None,
    };
    let found = permitted(&presentation, only_set(&presentation), bounds);
    assert_eq!(found.iter().map(|key| key.number()).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn audio_in_the_files_of_the_video_is_listed_once_and_qualities_by_their_mean_rate() {
    let muxed = MuxedAudio {
        id: TrackId("m".into()),
        language: Some("en".into()),
        label: None,
        roles: Vec::new(),
        default: true,
        autoselect: true,
    };
    let mean = Representation { average_bandwidth: Some(700), ..rep("v", 1000, None) };
    let video = set("v", MediaKind::Video, None, vec![mean]);
    let named = |id: &str| Period {
        id: id.into(),
        muxed_audio: Some(muxed.clone()),
        ..period(vec![video.clone(), sound("s", "de")])
    };
    let presentation: KeyedPresentation = Presentation::for_tests(vec![named("p"), named("q")]).into();
    let tracks = listing::tracks(&presentation, Vec::new(), None, |_, id| id.0 == "m");
    let listed: Vec<_> = tracks.iter().map(|track| (track.id.0.as_str(), track.selected)).collect();
    assert_eq!(listed, [("s", false), ("m", true)]);
    let qualities = listing::qualities(&presentation, only_set(&presentation), None, |_, _| true);
    assert_eq!(qualities.iter().map(|quality| quality.bitrate).collect::<Vec<_>>(), [700]);
}

fn presentation(reps: Vec<Representation>) -> KeyedPresentation {
    let periods = vec![period(vec![set("v", MediaKind::Video, None, reps)])];
    Presentation::for_tests(periods).into()
}

fn only_set(presentation: &KeyedPresentation) -> SetKey {
    presentation.set_keys(PeriodKey::FIRST).next().expect("one set")
}

#[test]
fn exclusions_groups_and_pins_narrow_the_ladder_but_never_to_nothing() {
    let presentation =
        presentation(vec![rep("a", 1000, Some("x")), rep("b", 2000, Some("y")), rep("c", 3000, Some("y"))]);
    let (mut exclusions, now) = (Exclusions::default(), Now::ZERO);
    let ids = |exclusions: &Exclusions, quality: &QualityChoice, audio_group| {
        let bounds = Bounds { now, exclusions, quality, audio_group, keys: &Keys::default(), output: abr::Hdcp::None };
        permitted(&presentation, only_set(&presentation), bounds).iter().map(|key| key.number()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&exclusions, &QualityChoice::Auto, Some("y")), [1, 2]);
    assert_eq!(ids(&exclusions, &QualityChoice::Auto, Some("z")), [0, 1, 2], "nothing has that group");
    assert_eq!(ids(&exclusions, &QualityChoice::Representation("a".into()), None), [0]);
    let key = |rep| RepKey::for_tests(0, 0, rep);
    exclusions.exclude(key(0), Duration::MAX, now);
    assert_eq!(ids(&exclusions, &QualityChoice::Representation("a".into()), None), [1, 2]);
    exclusions.exclude(key(1), Duration::from_secs(5), now);
    exclusions.exclude(key(2), Duration::from_secs(5), now);
    assert_eq!(ids(&exclusions, &QualityChoice::Auto, None), [1, 2], "for a time is not for ever");
}

#[test]
fn the_viewport_is_filled_and_limits_bind() {
    let rungs: Vec<abr::Rung> = [240, 480, 720, 1080].map(|height| abr::Rung::new(1).with_height(height)).to_vec();
    assert_eq!(max_height(&rungs, &[None], Some((1000, 500))), Some(720));
    assert_eq!(max_height(&rungs, &[Some(480), None], Some((1000, 500))), Some(480));
    assert_eq!(max_height(&rungs, &[None], Some((9000, 5000))), None);
}

#[test]
fn sound_inside_the_pictures_files_is_a_choice_like_any_other() {
    let muxed = |language: &str, default| MuxedAudio {
        id: TrackId("muxed".into()),
        language: Some(language.into()),
        label: None,
        roles: Vec::new(),
        default,
        autoselect: true,
    };
    let pick = |muxed: MuxedAudio, preferences: &TrackPreferences| {
        let period = Period { muxed_audio: Some(muxed), ..period(vec![sound("de", "de")]) };
        set_of(&period, MediaKind::Audio, preferences, |_| false)
    };
    assert_eq!(pick(muxed("en", true), &preferences(&[], &[])), None);
    assert_eq!(pick(muxed("en", true), &preferences(&["de"], &[])), Some(0));
    let chosen = |id: &str| TrackPreferences { audio: TrackChoice::Track(TrackId(id.into())), ..preferences(&[], &[]) };
    assert_eq!(pick(muxed("en", true), &chosen("de")), Some(0));
    assert_eq!(pick(muxed("en", false), &chosen("muxed")), None);
    // Between equals the author's default counts, then what may be selected by itself, then the order.
    let against = |inside: MuxedAudio, default: bool, autoselect: bool| {
        let set = AdaptationSet { default, autoselect, ..sound("de", "de") };
        let period = Period { muxed_audio: Some(inside), ..period(vec![set]) };
        set_of(&period, MediaKind::Audio, &preferences(&[], &[]), |_| false)
    };
    assert_eq!(against(muxed("en", false), true, true), Some(0), "the separate one is the default");
    assert_eq!(against(muxed("en", true), false, true), None, "the one inside is");
    assert_eq!(against(muxed("en", true), true, true), None, "both are");
    let seldom = MuxedAudio { autoselect: false, ..muxed("en", true) };
    assert_eq!(against(seldom.clone(), true, true), Some(0));
    assert_eq!(against(seldom, true, false), None);
    assert_eq!(against(muxed("en", true), true, false), None);
}

#[test]
fn what_costs_more_and_scores_no_higher_is_left_out() {
    let scored = |scores: &[Option<f64>]| {
        let reps = scores.iter().enumerate().map(|(at, score)| {
            let mut rep = rep(&at.to_string(), 1000 * (at as u64 + 1), None);
            rep.traits.score = *score;
            rep
        });
        let presentation = presentation(reps.collect());
        let keys = presentation.rep_keys(only_set(&presentation)).to_vec();
        ladder(&presentation, keys, abr::Hdcp::None).keys.iter().map(|key| key.number()).collect::<Vec<_>>()
    };
    assert_eq!(scored(&[Some(1.0), Some(3.0), Some(2.0), Some(3.0), Some(4.0)]), [0, 1, 4]);
    assert_eq!(scored(&[Some(1.0), None, Some(0.5)]), [0, 1, 2], "scores count only when all have one");
}

#[test]
fn what_an_output_may_not_show_is_not_asked_for() {
    let levels = [None, Some("NONE"), Some("TYPE-0"), Some("TYPE-1"), Some("TYPE-9")];
    let reps = levels.map(|level| {
        let mut rep = rep("v", 1, None);
        rep.traits.hdcp_level = level.map(str::to_owned);
        rep
    });
    let presentation = presentation(reps.to_vec());
    for (output, shown) in [(abr::Hdcp::None, 2), (abr::Hdcp::Type0, 3), (abr::Hdcp::Type1, 5)] {
        let (exclusions, keys) = (Exclusions::default(), Keys::default());
        let bounds = Bounds {
            now: Now::ZERO,
            exclusions: &exclusions,
            quality: &QualityChoice::Auto,
            audio_group: None,
            keys: &keys,
            output,
        };
        let permitted = permitted(&presentation, only_set(&presentation), bounds);
        assert_eq!(permitted.len(), shown, "{output:?}");
        assert!(ladder(&presentation, permitted, output).rungs.iter().all(|rung| rung.protection.suffices()));
    }
}

#[test]
fn what_nobody_adapts_stays_what_it_was() {
    let presentation = presentation(vec![rep("lo", 64_000, None), rep("hi", 320_000, None)]);
    let key = |rep| RepKey::for_tests(0, 0, rep);
    let ladder = ladder(&presentation, vec![key(1), key(0)], abr::Hdcp::None);
    assert_eq!(ladder.keys, [key(0), key(1)]);
    assert_eq!(steady_rung(&ladder, None), 0);
    assert_eq!(steady_rung(&ladder, Some(key(1))), 1);
}

#[test]
fn exclusions_that_overlap_last_until_the_later_end() {
    let (key, other) = (RepKey::for_tests(0, 0, 1), RepKey::for_tests(0, 0, 2));
    let at = |seconds| Now::ZERO + Duration::from_secs(seconds);
    let mut exclusions = Exclusions::default();
    exclusions.exclude(key, Duration::from_secs(20), at(0));
    exclusions.exclude(key, Duration::from_secs(5), at(10));
    assert_eq!([0, 15, 19, 20].map(|now| exclusions.holds(key, at(now))), [true, true, true, false]);
    exclusions.exclude(key, Duration::from_secs(30), at(19));
    assert!(exclusions.holds(key, at(48)) && !exclusions.holds(key, at(49)) && !exclusions.is_final(key));
    exclusions.exclude(key, Duration::MAX, at(20));
    exclusions.exclude(key, Duration::from_secs(1), at(21));
    assert!(exclusions.is_final(key) && exclusions.holds(key, at(1_000_000)), "for ever is never shortened");
    assert!(!exclusions.holds(other, at(0)) && !exclusions.is_final(other));
    exclusions.exclude(other, Duration::MAX, at(0));
    assert!(exclusions.is_final(other));
}

#[test]
fn a_variant_of_audio_only_is_no_quality_of_video() {
    let content = |video| Some(crate::model::ContentKinds { video, audio: true, text: false });
    let ids = |reps: Vec<Representation>| {
        let (exclusions, keys) = (Exclusions::default(), Keys::default());
        let bounds = Bounds {
            now: Now::ZERO,
            exclusions: &exclusions,
            quality: &QualityChoice::Auto,
            audio_group: None,
            keys: &keys,
            output: abr::Hdcp::None,
        };
        let presentation = presentation(reps);
        permitted(&presentation, only_set(&presentation), bounds).iter().map(|key| key.number()).collect::<Vec<_>>()
    };
    let audio = || Representation { content: content(false), height: None, ..rep("audio", 64_000, None) };
    let unknown = || rep("unknown", 1000, None);
    let declared = Representation { content: content(true), ..rep("video", 1000, None) };
    let sized = Representation { width: Some(640), ..rep("sized", 1000, None) };
    assert_eq!(ids(vec![audio(), declared]), [1]);
    assert_eq!(ids(vec![audio(), sized, unknown()]), [1, 2]);
    assert_eq!(ids(vec![audio(), unknown()]), [0, 1], "nothing says that there is any video");
    let subtitles = crate::model::ContentKinds { video: false, audio: false, text: true };
    let text = Representation { content: Some(subtitles), height: None, ..rep("text", 500, None) };
    let declared = Representation { content: content(true), ..rep("video", 1000, None) };
    assert_eq!(ids(vec![text, declared]), [0, 1], "text stands in for nothing");
}

#[test]
fn rates_are_means_where_they_are_declared_and_never_zero() {
    let mean = Representation { average_bandwidth: Some(700), ..rep("a", 1000, None) };
    let known = presentation(vec![mean, rep("b", 900, None), rep("c", 0, None)]);
    let key = |rep| RepKey::for_tests(0, 0, rep);
    assert_eq!([0, 1, 2, 3].map(|at| rate(&known, key(at))), [700, 900, 1, 1]);
    assert_eq!(ladder(&known, vec![key(0), key(1), key(2)], abr::Hdcp::None).keys, [key(2), key(0), key(1)]);
}

#[test]
fn a_rung_that_just_fills_the_viewport_is_enough() {
    let rungs: Vec<abr::Rung> = [240, 480, 720].map(|height| abr::Rung::new(1).with_height(height)).to_vec();
    let fills = |height| max_height(&rungs, &[], Some((1, height)));
    assert_eq!([480, 481, 720, 721].map(fills), [Some(480), Some(720), Some(720), None]);
}

#[test]
fn what_is_not_adapted_begins_with_the_best_up_to_192_kilobits() {
    let rates = |rates: [u64; 3]| {
        let known = presentation(rates.iter().map(|rate| rep("a", *rate, None)).collect());
        let keys = (0..3).map(|rep| RepKey::for_tests(0, 0, rep)).collect();
        steady_rung(&ladder(&known, keys, abr::Hdcp::None), Some(RepKey::for_tests(1, 0, 2)))
    };
    assert_eq!(rates([64_000, 192_000, 192_001]), 1);
    assert_eq!(rates([200_000, 300_000, 400_000]), 0, "the least of those that are all too much");
}

#[test]
fn plain_content_comes_before_the_authors_choice_and_that_before_order() {
    let pick = |change: &dyn Fn(&mut [AdaptationSet; 2])| {
        let mut sets = [sound("a", "en"), sound("b", "en")];
        change(&mut sets);
        set_of(&period(sets.to_vec()), MediaKind::Audio, &preferences(&["en"], &[]), |_| false)
    };
    assert_eq!(pick(&|_| ()), Some(0));
    for role in [Role::Description, Role::Commentary, Role::Alternate] {
        let special = |sets: &mut [AdaptationSet; 2]| {
            sets[0].roles = vec![Role::Main, role.clone()];
            sets[0].default = true;
        };
        assert_eq!(pick(&special), Some(1), "{role:?}");
    }
    assert_eq!(pick(&|sets| sets[0].roles = vec![Role::Main]), Some(0));
    assert_eq!(pick(&|sets| sets[1].autoselect = true), Some(1));
    assert_eq!(pick(&|sets| (sets[0].autoselect, sets[1].default) = (true, true)), Some(1));
    assert!(same_language("EN_gb", "en-US") && !same_language("eng", "en"));
}

#[test]
fn a_strip_of_pictures_and_an_empty_set_are_no_video() {
    let video = |format| {
        let rep = Representation { format, ..rep("v", 1, None) };
        set("v", MediaKind::Video, None, vec![rep])
    };
    let mut mixed = video(ContainerFormat::Image);
    mixed.representations.push(rep("w", 1, None));
    let sets = vec![video(ContainerFormat::Image), set("e", MediaKind::Video, None, Vec::new()), mixed];
    let pick = |gone: usize| set_of(&period(sets.clone()), MediaKind::Video, &preferences(&[], &[]), |at| at == gone);
    assert_eq!((pick(9), pick(2)), (Some(2), None));
    assert_eq!(same_track(&period(sets.clone()), &TrackId("e".into())), Some(1));
    assert_eq!(same_track(&period(sets.clone()), &TrackId("x".into())), None);
}
