//! Changes of track and quality: which media goes, which stays, and what a decoder that fails takes with it.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::super::tests::{add, add_of, chosen, context, described, ms, play_at, rep, session_of, set};
use super::*;
use crate::engine::buffer::BUFFERED;
use crate::engine::download::SegmentDownload;
use crate::engine::ids::{ItemId, PartOf};
use crate::engine::io::{FetchKind, Ingest};
use crate::engine::requests::Purpose;
use crate::model::{AdaptationSet, Resource};

const MUXED: [(StreamId, Option<(bool, bool)>); 1] = [(StreamId::Main, Some((true, true)))];

fn with_sets(streams: &[(StreamId, Option<(bool, bool)>)], sets: Vec<AdaptationSet>) -> Session {
    let mut session = session_of(ItemId::default(), streams);
    session.source.set_presentation(described(sets).into());
    session
}

/// Begins a transfer of the main stream in the representation of this number.
fn fetch(session: &mut Session, cx: &mut Context, number: u32) {
    let somewhere = Resource::new("http://h/part".parse().unwrap());
    let job = cx.jobs.add(cx.now, Purpose::Media(StreamId::Main), FetchKind::Segment, somewhere, Ingest::Body);
    let mut plan = chosen(9, 36_000, 40_000);
    plan.rep = RepKey::for_tests(0, 0, number);
    session.stream_mut(StreamId::Main).unwrap().start_download(SegmentDownload::new(job, plan, None, ms(36_000)));
}

#[test]
fn audio_that_begins_where_the_dropped_video_of_its_files_began_goes_with_it() {
    for (border, kept) in [(4000, 4000), (3900, 7900)] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, true)))]);
        for (buffer, begins) in
            [(&mut session.video, [0, 4000, 8000]), (&mut session.audio, [0, border, border + 4000])]
        {
            for (number, span) in begins.windows(2).enumerate() {
                add(buffer, number as u64, span[0], span[1], None);
                buffer.complete();
            }
        }
        let doomed = session.video.back().unwrap().seq;
        session.truncate_main(&mut cx, &[doomed], Departure::Discarded(Discard::Switch));
        assert_eq!((session.video.end(), session.audio.end()), (Some(ms(4000)), Some(ms(kept))), "{border}");
    }
}

#[test]
fn audio_is_dropped_with_its_video_however_many_parts_of_each_were_handed_out() {
    for (video, audio) in
        [(&[0, 1000, 2000, 4000, 8000][..], &[0, 4000, 8000][..]), (&[0, 4000, 8000], &[0, 1000, 2000, 4000, 8000])]
    {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &MUXED);
        for (buffer, begins) in [(&mut session.video, video), (&mut session.audio, audio)] {
            for (number, span) in begins.windows(2).enumerate() {
                add(buffer, number as u64, span[0], span[1], None);
                buffer.complete();
            }
        }
        play_at(&mut cx, &BUFFERED, 0);
        cx.config.renderer_lead = Duration::from_millis(2000);
        session.present(&mut cx);
        let doomed = session.video.back().unwrap().seq;
        session.truncate_main(&mut cx, &[doomed], Departure::Discarded(Discard::Switch));
        assert_eq!((session.video.end(), session.audio.end()), (Some(ms(4000)), Some(ms(4000))), "{video:?}");
    }
}

#[test]
fn audio_of_the_same_files_is_fetched_again_only_after_other_audio() {
    for (streams, again) in [
        (&MUXED[..], false),
        (&[(StreamId::Main, Some((true, true))), (StreamId::Audio, Some((false, true)))][..], true),
        (&[(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))][..], false),
    ] {
        let mut cx = context();
        let mut session = with_sets(streams, vec![set("v", MediaKind::Video, vec![rep("v", 1)])]);
        add(&mut session.video, 0, 0, 4000, None);
        play_at(&mut cx, &BUFFERED, 500);
        let epoch = cx.playback.feed().epoch();
        session.select_audio(&mut cx, TrackChoice::Auto);
        assert!(session.stream(StreamId::Audio).is_none());
        let found = (session.video.end().is_none(), cx.playback.feed().epoch() != epoch);
        assert_eq!(found, (again, again), "{streams:?}");
    }
}

#[test]
fn subtitles_that_are_chosen_already_go_on() {
    let sets = vec![set("v", MediaKind::Video, vec![rep("v", 1)]), set("t", MediaKind::Text, vec![rep("t", 1)])];
    let mut cx = context();
    let mut session = with_sets(&MUXED, sets);
    let choice = || TrackChoice::Track(TrackId("t".into()));
    session.select_text(&mut cx, choice());
    let place = NextSegment::At { period: crate::engine::ids::PeriodKey::FIRST, time: ms(8000) };
    session.stream_mut(StreamId::Text).unwrap().rewind_to(place);
    session.select_text(&mut cx, choice());
    assert_eq!(session.stream(StreamId::Text).unwrap().place(), place, "nothing is fetched again");
    session.select_text(&mut cx, TrackChoice::Off);
    assert!(session.stream(StreamId::Text).is_none());
}

#[test]
fn a_quality_is_a_representation_of_video() {
    let sets = vec![set("a", MediaKind::Audio, vec![rep("sound", 1)]), set("v", MediaKind::Video, vec![rep("v", 1)])];
    let session = with_sets(&MUXED, sets);
    let known = |id: &str| session.check_quality(&QualityChoice::Representation(id.into())).is_ok();
    assert_eq!(["v", "sound", "w"].map(known), [true, false, false]);
    assert!(
        session.check_quality(&QualityChoice::MaxHeight(1)).is_ok()
            && session.check_quality(&QualityChoice::Auto).is_ok()
    );
}

#[test]
fn a_track_is_known_among_those_of_its_kind_only() {
    let sets = vec![set("a", MediaKind::Audio, vec![rep("a", 1)]), set("t", MediaKind::Text, vec![rep("t", 1)])];
    let mut session = with_sets(&MUXED, sets);
    session.list_choices(crate::time::Now::ZERO);
    let known = |kind, id: &str| session.check_track(kind, &TrackChoice::Track(TrackId(id.into()))).is_ok();
    assert_eq!(["a", "t"].map(|id| known(MediaKind::Audio, id)), [true, false]);
    assert_eq!(["a", "t"].map(|id| known(MediaKind::Text, id)), [false, true]);
    let refused = session.check_track(MediaKind::Text, &TrackChoice::Track(TrackId("a".into()))).unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidArgument);
}

/// Ends of the video that stays, if another quality is chosen at the start of segments with these begins.
fn kept(begins: &[i64], choose: impl Fn(&mut Session, &mut Context)) -> (Option<MediaTime>, u64, u64) {
    let mut cx = context();
    let sets = vec![set("v", MediaKind::Video, vec![rep("low", 1000), rep("high", 2000)])];
    let mut session = with_sets(&[(StreamId::Main, Some((true, false)))], sets);
    for (number, span) in begins.windows(2).enumerate() {
        add_of(&mut session.video, PartOf::for_tests(1, number as u64), span[0], span[1], None);
        session.video.complete();
    }
    choose(&mut session, &mut cx);
    let counts = session.account().counts().discarded;
    (session.video.end(), counts.switch, counts.replaced)
}

#[test]
fn on_a_choice_media_stays_up_to_three_seconds_past_the_lead_of_the_renderer() {
    let choose = |session: &mut Session, cx: &mut Context| {
        session.select_quality(cx, QualityChoice::Representation("low".into()));
    };
    assert_eq!(kept(&[0, 5000, 9000], choose), (Some(ms(9000)), 0, 0), "it begins five seconds ahead");
    assert_eq!(kept(&[0, 5100, 9000], choose), (Some(ms(5100)), 39, 0));
    assert_eq!(kept(&[0, 2000, 5100, 9000], choose), (Some(ms(5100)), 39, 0));
    let keep = |session: &mut Session, cx: &mut Context| {
        session.select_quality(cx, QualityChoice::Representation("high".into()));
    };
    assert_eq!(kept(&[0, 5100, 9000], keep), (Some(ms(9000)), 0, 0), "it is what is wanted");
}

#[test]
fn a_height_permits_what_is_as_high_and_what_tells_none() {
    let video = |height| Representation { height, ..rep("v", 1) };
    let wanted = |height| is_wanted(&video(height), &QualityChoice::MaxHeight(720));
    assert_eq!([Some(719), Some(720), Some(721), None].map(wanted), [true, true, false, true]);
}

#[test]
fn a_transfer_of_a_wanted_quality_goes_on_when_it_is_chosen() {
    for (chosen, goes_on) in [("low", false), ("high", true)] {
        let mut cx = context();
        let sets = vec![set("v", MediaKind::Video, vec![rep("low", 1000), rep("high", 2000)])];
        let mut session = with_sets(&[(StreamId::Main, Some((true, false)))], sets);
        fetch(&mut session, &mut cx, 1);
        session.select_quality(&mut cx, QualityChoice::Representation(chosen.into()));
        let found = (session.main().unwrap().download().is_some(), cx.jobs.ids().len());
        assert_eq!(found, (goes_on, usize::from(goes_on)), "{chosen}");
    }
}

#[test]
fn media_before_a_wanted_segment_that_is_on_its_way_stays() {
    for (wanted_comes, end) in [(true, 9000), (false, 5100)] {
        let mut cx = context();
        let sets = vec![set("v", MediaKind::Video, vec![rep("low", 1000), rep("high", 2000)])];
        let mut session = with_sets(&[(StreamId::Main, Some((true, false)))], sets);
        for (number, (from, to)) in [(0, 5100), (5100, 9000)].into_iter().enumerate() {
            add_of(&mut session.video, PartOf::for_tests(1, number as u64), from, to, None);
            session.video.complete();
        }
        fetch(&mut session, &mut cx, if wanted_comes { 0 } else { 1 });
        session.select_quality(&mut cx, QualityChoice::Representation("low".into()));
        assert_eq!(session.video.end(), Some(ms(end)), "nothing would fill a hole before it");
        assert_eq!(session.main().unwrap().download().is_some(), wanted_comes);
    }
}

#[test]
fn a_transfer_of_an_unwanted_quality_goes_on_once_some_of_it_was_handed_out() {
    for handed_out in [false, true] {
        let mut cx = context();
        let sets = vec![set("v", MediaKind::Video, vec![rep("low", 1000), rep("high", 2000)])];
        let mut session = with_sets(&[(StreamId::Main, Some((true, false)))], sets);
        fetch(&mut session, &mut cx, 1);
        add_of(&mut session.video, PartOf::for_tests(1, 9), 0, 4000, None);
        play_at(&mut cx, &[MediaKind::Video], 0);
        if handed_out {
            session.present(&mut cx);
        }
        session.select_quality(&mut cx, QualityChoice::Representation("low".into()));
        assert_eq!(session.main().unwrap().download().is_some(), handed_out);
        assert_eq!(cx.jobs.ids().len(), usize::from(handed_out));
    }
}

#[test]
fn what_another_output_may_not_show_counts_as_replaced() {
    let (end, switched, replaced) = kept(&[0, 5100, 9000], |session, cx| {
        let barred = crate::model::RepresentationTraits { hdcp_level: Some("TYPE-1".into()), ..Default::default() };
        let high = Representation { traits: barred, ..rep("high", 2000) };
        let sets = vec![set("v", MediaKind::Video, vec![rep("low", 1000), high])];
        session.source.set_presentation(described(sets).into());
        session.set_output_protection(cx, abr::Hdcp::None);
    });
    assert_eq!((end, switched, replaced), (Some(ms(5100)), 0, 39));
}

#[test]
fn the_files_go_on_while_they_bring_another_kind() {
    for (carries, kind, goes_on) in [
        ((true, true), MediaKind::Audio, true),
        ((true, true), MediaKind::Video, true),
        ((false, true), MediaKind::Audio, false),
    ] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some(carries))]);
        session.do_without(&mut cx, kind);
        assert_eq!(session.stream(StreamId::Main).is_some(), goes_on, "{carries:?} {kind:?}");
    }
}

#[test]
fn the_decoder_has_what_was_handed_out_last() {
    for (lead, at, expected) in [(None, None, 1), (Some(3555), Some((1, 0)), 0), (Some(3556), Some((1, 1)), 1)] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
        for number in 0..2 {
            let begin = i64::from(number) * 4000;
            add_of(&mut session.video, PartOf::for_tests(number, u64::from(number)), begin, begin + 4000, None);
            session.video.complete();
        }
        if let Some(lead) = lead {
            play_at(&mut cx, &[MediaKind::Video], 0);
            cx.config.renderer_lead = Duration::from_millis(lead);
            session.present(&mut cx);
        }
        assert_eq!(session.committed(&cx, MediaKind::Video).map(|at| (at.seq, at.index)), at);
        let failing = session.failing_representation(&cx, MediaKind::Video).map(|(id, rep)| (id, rep.number()));
        assert_eq!(failing, Some((StreamId::Main, expected)), "{lead:?}");
    }
}

#[test]
fn a_decoder_that_fails_before_any_media_is_here_fails_for_what_was_requested_last() {
    let cx = context();
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
    assert_eq!(session.failing_representation(&cx, MediaKind::Video), None, "nothing was requested");
    let rep = RepKey::for_tests(0, 0, 1);
    session.stream_mut(StreamId::Main).unwrap().decide_on(rep, cx.now);
    assert_eq!(session.failing_representation(&cx, MediaKind::Video), Some((StreamId::Main, rep)));
    assert_eq!(session.failing_representation(&cx, MediaKind::Audio), None);
}

#[test]
fn captions_that_are_chosen_take_the_place_of_subtitles() {
    let sets = vec![set("v", MediaKind::Video, vec![rep("v", 1)]), set("t", MediaKind::Text, vec![rep("t", 1)])];
    let mut known = described(sets);
    known.periods[0].captions = vec![crate::model::CaptionTrack {
        id: TrackId("cc".into()),
        service: crate::model::CaptionService::Cea608(1),
        language: None,
        label: None,
        default: false,
        autoselect: false,
    }];
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &MUXED);
    session.source.set_presentation(known.into());
    let mut choose = |id: &str| {
        session.select_text(&mut cx, TrackChoice::Track(TrackId(id.into())));
        (session.stream(StreamId::Text).is_some(), session.captions.chosen().is_some())
    };
    assert_eq!(["t", "cc", "t"].map(&mut choose), [(true, false), (false, true), (true, false)]);
}

#[test]
fn captions_that_are_wanted_come_before_forced_subtitles() {
    for (captions, subtitles) in [(true, false), (false, true)] {
        let forced = AdaptationSet { forced: true, ..set("t", MediaKind::Text, vec![rep("t", 1)]) };
        let sets = vec![set("v", MediaKind::Video, vec![rep("v", 1)]), set("a", MediaKind::Audio, vec![rep("a", 1)])];
        let mut known = described([sets, vec![forced]].concat());
        if captions {
            known.periods[0].captions = vec![crate::model::CaptionTrack {
                id: TrackId("cc".into()),
                service: crate::model::CaptionService::Cea608(1),
                language: Some("en".into()),
                label: None,
                default: false,
                autoselect: false,
            }];
        }
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &MUXED);
        let preferences =
            selection::TrackPreferences { text_languages: vec!["en".into()], ..session.preferences().clone() };
        session.selection = selection::TrackSelection::new(preferences, abr::Hdcp::None);
        session.source.set_presentation(known.into());
        session.select_text(&mut cx, TrackChoice::Track(TrackId("t".into())));
        assert!(session.stream(StreamId::Text).is_some());
        session.select_text(&mut cx, TrackChoice::Auto);
        let found = (session.captions.chosen().is_some(), session.stream(StreamId::Text).is_some());
        assert_eq!(found, (captions, subtitles));
    }
}
