//! Events: what is announced, and what is not.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::outcome::StreamOutcome;
use super::tests::{add, add_of, context, described, events, finish, ms, play_at, rep, session_of, set};
use super::*;
use crate::command::SeekMode;
use crate::container::CaptionPacket;
use crate::engine::playback::Seeking;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::model::{CaptionService, CaptionTrack, MetadataBody, MetadataSource, Period, SegmentId, TimestampMapping};
use crate::render::RenderEvent;
use crate::snapshot::{BufferingReason, State};
use crate::text::{Cue, CueLayout, CueSpan, SpanStyle};

const BOTH: [(StreamId, Option<(bool, bool)>); 2] =
    [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];

fn video() -> Session {
    session_of(ItemId::default(), &BOTH[..1])
}

/// Presents 2 s in one quality, a gap of 2 s that belongs to another, and then 2 s in that one.
fn two_qualities() -> Session {
    let mut session = video();
    let reps = vec![rep("low", 1000), rep("high", 2000)];
    session.source.set_presentation(described(vec![set("v", MediaKind::Video, reps)]).into());
    add_of(&mut session.video, PartOf::for_tests(0, 0), 0, 2000, None);
    session.video.complete();
    session.video.insert_empty_range(PartOf::for_tests(1, 1), ms(2000), ms(4000));
    add_of(&mut session.video, PartOf::for_tests(1, 2), 4000, 6000, None);
    session.video.complete();
    session
}

#[test]
fn another_quality_is_announced_once_a_picture_of_it_is_on_screen() {
    let shown = |positions: &[i64]| {
        let mut cx = context();
        let mut session = two_qualities();
        let mut found = Vec::new();
        for position in positions {
            play_at(&mut cx, &[MediaKind::Video], *position);
            session.update_playhead(&mut cx);
            found.extend(events(&mut cx).into_iter().filter_map(|event| match event {
                Event::QualityChanged { at, from, to, .. } => Some((*position, at, from, to)),
                _ => None,
            }));
        }
        found
    };
    let low = (500, ms(0), None, "low".to_owned());
    let high = (4500, ms(4000), Some("low".to_owned()), "high".to_owned());
    assert_eq!(shown(&[500, 1500]), std::slice::from_ref(&low));
    assert_eq!(
        shown(&[500, 2500]),
        std::slice::from_ref(&low),
        "a gap shows nothing of the quality that it belongs to"
    );
    assert_eq!(shown(&[500, 4500, 5500]), [low, high], "it began before it was looked at");
}

#[test]
fn the_choices_of_another_period_are_announced_unless_a_change_of_quality_is() {
    // Qualities that are offered in the second period, and those that are shown in both.
    for (offered, shown, expected) in [
        (&["low", "high"][..], ["low", "low"], (0, 0)),
        (&["low"], ["low", "low"], (0, 1)),
        (&["low"], ["high", "low"], (1, 0)),
    ] {
        let mut cx = context();
        let mut session = video();
        let video = |names: &[&str]| vec![set("Main", MediaKind::Video, names.iter().map(|id| rep(id, 1)).collect())];
        let mut known = described(video(&["low", "high"]));
        known.periods.push(Period::new("q".into(), ms(2000), None, video(offered)));
        session.source.set_presentation(known.into());
        let named = |session: &Session, period: usize| {
            let is_shown = |rep: &RepKey| {
                selection::representation(session.presentation(), *rep).is_some_and(|found| found.id == shown[period])
            };
            session.presentation().all_reps().filter(is_shown).nth(period).unwrap()
        };
        for period in 0..2 {
            let of = PartOf { rep: named(&session, period), ..PartOf::for_tests(0, period as u64) };
            let begin = period as i64 * 2000;
            add_of(&mut session.video, of, begin, begin + 2000, None);
            session.video.complete();
        }
        session.list_choices(cx.now);
        let mut found = Vec::new();
        for position in [500, 2500] {
            play_at(&mut cx, &[MediaKind::Video], position);
            session.update_playhead(&mut cx);
            found = events(&mut cx);
        }
        let qualities = found.iter().filter(|event| matches!(event, Event::QualityChanged { .. })).count();
        let tracks = found.iter().filter(|event| **event == Event::TracksChanged).count();
        assert_eq!((qualities, tracks), expected, "{offered:?} {shown:?}");
    }
}

#[test]
fn nothing_is_shown_before_the_epoch_has_begun() {
    let mut cx = context();
    let mut session = two_qualities();
    cx.playback.load(MediaTime::ZERO, true, cx.settings, cx.now);
    cx.playback.set_state(State::Loading, cx.now, &mut cx.effects);
    session.update_playhead(&mut cx);
    assert_eq!(session.selection.shown(), None);
}

#[test]
fn a_track_that_failed_changes_the_list_of_tracks() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &BOTH);
    for kind in BUFFERED {
        add_of(session.buffer_mut(kind).unwrap(), PartOf::for_tests(0, 0), 0, 4000, None);
    }
    play_at(&mut cx, &BUFFERED, 500);
    let error = PlayerError::fatal(ErrorCode::DecoderFailed, "it fails");
    session.on_render(&mut cx, RenderEvent::TrackFailed { track: MediaKind::Audio, error });
    let found = events(&mut cx);
    assert_eq!(found.iter().filter(|event| **event == Event::TracksChanged).count(), 1, "{found:?}");
    assert!(!session.selection.has_audio() && session.selection.has_video());
}

#[test]
fn a_timeline_is_announced_with_a_presentation_whose_duration_is_known() {
    for duration in [None, Some(Duration::from_secs(60))] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[]);
        session.source.set_presentation(described(vec![set("v", MediaKind::Video, vec![rep("v", 1)])]).into());
        session.source.set_duration(duration);
        session.begin(&mut cx, Now::ZERO).unwrap();
        let found = events(&mut cx);
        let count = |event: &Event| found.iter().filter(|found| *found == event).count();
        assert_eq!(
            (count(&Event::TimelineChanged), count(&Event::TracksChanged)),
            (usize::from(duration.is_some()), 1)
        );
        assert!(found.iter().any(|event| matches!(event, Event::Loaded { duration: told, .. } if *told == duration)));
    }
}

#[test]
fn a_seek_while_the_manifest_is_fetched_keeps_its_precision_and_its_begin() {
    for mode in [SeekMode::Exact, SeekMode::Keyframe] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[]);
        session.source.set_presentation(described(vec![set("v", MediaKind::Video, vec![rep("v", 1)])]).into());
        session.source.set_start(ms(3000));
        let since = cx.now;
        cx.pending.seek_mut().put(Seeking { to: ms(3000), mode, since });
        cx.now = cx.now + Duration::from_secs(2);
        session.begin(&mut cx, Now::ZERO).unwrap();
        assert_eq!((cx.playback.start().at, cx.playback.start().mode), (ms(3000), mode));
        let seek = cx.playback.seek().unwrap();
        assert_eq!((seek.to, seek.mode, seek.since), (ms(3000), mode, since));
        assert!(events(&mut cx).contains(&Event::SeekStarted { to: ms(3000) }));
    }
}

fn cue(text: &str) -> Cue {
    let span = CueSpan { text: text.to_owned(), style: SpanStyle::default() };
    Cue { id: None, start: ms(0), end: ms(1000), spans: vec![span], layout: CueLayout::default(), forced: false }
}

#[test]
fn cues_that_go_with_their_stream_are_announced() {
    for (cues, changes) in [(Vec::new(), 0), (vec![cue("a")], 1)] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, None), (StreamId::Text, None)]);
        let mapping = TimestampMapping::Offset(0);
        let Session { text, timeline, .. } = &mut session;
        text.insert(cues, None, mapping, ms(0), timeline);
        let error = PlayerError::fatal(ErrorCode::MediaUnavailable, "it is gone");
        session.carry_out(&mut cx, StreamOutcome::Lost { id: StreamId::Text, error });
        let found = events(&mut cx);
        assert_eq!(found.iter().filter(|event| **event == Event::CuesChanged).count(), changes, "{found:?}");
        assert!(session.stream(StreamId::Text).is_none() && session.cues().is_empty());
        assert_eq!(found.iter().filter(|event| matches!(event, Event::Warning { .. })).count(), 1);
    }
}

fn metadata(id: &str, start: i64) -> TimedMetadata {
    TimedMetadata {
        source: MetadataSource::Id3,
        scheme: "urn:x".into(),
        value: String::new(),
        id: id.into(),
        start: ms(start),
        duration: Some(Duration::from_secs(100)),
        body: MetadataBody::Text(String::new()),
    }
}

#[test]
fn metadata_that_is_known_already_is_no_change() {
    let mut cx = context();
    let mut session = video();
    for (all, changes) in [(vec![metadata("a", 500)], 1), (vec![metadata("a", 500)], 0), (vec![metadata("b", 500)], 1)]
    {
        session.add_metadata(&mut cx, all, Stage::Manifest);
        assert_eq!(events(&mut cx), vec![Event::MetadataChanged; changes]);
    }
}

/// Plays 4 s of video to the end; the renderer reports it. Returns the session and its context.
fn ended(declared: i64, held: i64, prepare: impl Fn(&mut Session, &mut Context)) -> (Session, Context) {
    let mut cx = context();
    let mut session = video();
    add_of(&mut session.video, PartOf::for_tests(0, 0), 0, held, None);
    session.video.complete();
    session.source.set_duration(Some(ms(declared).since(ms(0))));
    finish(&mut session, StreamId::Main);
    play_at(&mut cx, &[MediaKind::Video], held);
    prepare(&mut session, &mut cx);
    while cx.effects.take_next().is_some() {}
    let epoch = cx.playback.feed().epoch();
    session.on_render(&mut cx, RenderEvent::Ended { epoch });
    (session, cx)
}

#[test]
fn the_end_leaves_what_it_is_in_and_completes_what_is_awaited() {
    let (_, mut cx) = ended(4000, 4000, |session, cx| {
        session.add_metadata(cx, vec![metadata("a", 3500)], Stage::Manifest);
        session.announce_metadata(cx);
        cx.playback.begin_seek(Seeking { to: ms(4000), mode: SeekMode::Exact, since: cx.now });
    });
    let found = events(&mut cx);
    let place = |matches: fn(&Event) -> bool| found.iter().position(matches).unwrap();
    let seek = place(|event| matches!(event, Event::SeekCompleted { to, .. } if *to == ms(4000)));
    let left = place(|event| matches!(event, Event::MetadataEnded { .. }));
    let end = place(|event| *event == Event::Ended);
    assert!(seek < left && left < end && end + 1 == found.len(), "{found:?}");
    assert!(cx.playback.seek().is_none() && cx.playback.state() == State::Ended);
    assert_eq!((cx.playback.on_first_frame(), cx.playback.on_first_audio()), (None, None), "nothing more comes");
}

#[test]
fn a_gap_at_the_end_is_announced_if_it_is_longer_than_the_tolerance() {
    for (declared, gap) in [(4000, false), (4250, false), (4251, true)] {
        let (session, mut cx) = ended(declared, 4000, |_, _| {});
        let found = events(&mut cx);
        let expected = Event::GapSkipped { from: ms(4000), to: ms(declared) };
        assert_eq!(found.contains(&expected), gap, "{declared}: {found:?}");
        assert_eq!(session.position(&cx), ms(declared), "{declared}");
    }
}

#[test]
fn a_renderer_that_ends_before_its_media_does_not_end_playback() {
    let mut cx = context();
    let mut session = video();
    add_of(&mut session.video, PartOf::for_tests(0, 0), 0, 4000, None);
    play_at(&mut cx, &[MediaKind::Video], 3900);
    let epoch = cx.playback.feed().epoch();
    session.on_render(&mut cx, RenderEvent::Ended { epoch });
    assert_eq!(cx.playback.state(), State::Ready, "more is awaited");
    finish(&mut session, StreamId::Main);
    let error = PlayerError::fatal(ErrorCode::KeyUnavailable, "no key");
    session.stream_mut(StreamId::Main).unwrap().finish(error);
    session.on_render(&mut cx, RenderEvent::Ended { epoch });
    assert_eq!(cx.playback.error().map(|error| error.code), Some(ErrorCode::KeyUnavailable), "it ended early");
}

#[test]
fn a_stall_ends_with_a_seek_and_keeps_its_reason_in_its_event() {
    let mut cx = context();
    let mut session = video();
    session.source.set_duration(Some(Duration::from_secs(60)));
    play_at(&mut cx, &[MediaKind::Video], 2000);
    let Context { playback, ledger, effects, now, .. } = &mut cx;
    playback.start_stall(BufferingReason::Failover, *now, ledger, effects);
    cx.now = cx.now + Duration::from_secs(3);
    cx.pending.seek_mut().put(Seeking { to: ms(9000), mode: SeekMode::Exact, since: cx.now });
    session.carry_out_pending(&mut cx);
    let found = events(&mut cx);
    let stalled = Event::StallStarted { at: ms(2000), reason: "failover".to_owned() };
    let over = Event::StallEnded { at: ms(2000), duration: Duration::from_secs(3) };
    let sought = Event::SeekStarted { to: ms(9000) };
    let place = |event: &Event| found.iter().position(|found| found == event);
    assert!(place(&stalled).is_some() && place(&stalled) < place(&over), "{found:?}");
    assert!(place(&over).is_some() && place(&over) < place(&sought), "{found:?}");
}

#[test]
fn what_is_played_again_was_not_played_in_between() {
    let (mut session, mut cx) = ended(4000, 4000, |_, _| {});
    let before = cx.ledger.stats(cx.now, Duration::ZERO, None).played;
    session.play_again(&mut cx);
    assert_eq!((session.position(&cx), cx.playback.state()), (ms(0), State::Seeking));
    play_at(&mut cx, &[MediaKind::Video], 0);
    session.update_playhead(&mut cx);
    assert_eq!(cx.ledger.stats(cx.now, Duration::ZERO, None).played, before);
}

#[test]
fn metadata_is_entered_at_once_where_a_seek_lands_in_it() {
    let mut cx = context();
    let mut session = video();
    session.add_metadata(&mut cx, vec![metadata("early", 100), metadata("late", 150_000)], Stage::Manifest);
    session.reposition(&mut cx, ms(160_000), SeekMode::Exact);
    play_at(&mut cx, &[MediaKind::Video], 160_000);
    session.announce_metadata(&mut cx);
    let entered: Vec<_> = events(&mut cx)
        .into_iter()
        .filter_map(|event| match event {
            Event::MetadataStarted { metadata } => Some(metadata.id.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(entered, ["late"], "what lies before the target is passed over");
}

fn caption(id: &str) -> CaptionTrack {
    CaptionTrack {
        id: TrackId(id.into()),
        service: CaptionService::Cea608(1),
        language: Some("en".into()),
        label: None,
        default: false,
        autoselect: false,
    }
}

#[test]
fn captions_of_several_periods_are_listed_once() {
    let mut session = video();
    let mut known = described(Vec::new());
    known.periods.push(Period::new("q".into(), ms(10_000), None, Vec::new()));
    known.periods[0].captions = vec![caption("a"), caption("b")];
    known.periods[1].captions = vec![caption("b"), caption("c")];
    session.source.set_presentation(known.into());
    let listed: Vec<_> = session.caption_tracks().into_iter().map(|track| track.id.0).collect();
    assert_eq!(listed, ["a", "b", "c"]);
}

#[test]
fn captions_that_are_chosen_are_shown_at_once_as_far_as_they_are_here() {
    let mut cx = context();
    let mut session = video();
    let key = crate::engine::ids::SegmentKey { rep: PartOf::for_tests(0, 0).rep, id: SegmentId::Sequence(0) };
    // Roll-up captions of two lines begin, and a letter.
    let triples = vec![0xfc, 0x94, 0x25, 0xfc, 0x94, 0xad, 0xfc, 0xc1, 0x80];
    session.captions.insert(key, TimestampMapping::Offset(0), vec![CaptionPacket { pts: ms(0), triples }]);
    session.choose_captions(&mut cx);
    assert_eq!((session.cues().len(), events(&mut cx)), (0, vec![]), "none is chosen");
    session.selection.select_text(TrackChoice::Track(TrackId("captions-cc1".into())));
    session.choose_captions(&mut cx);
    assert_eq!((session.cues().len(), events(&mut cx)), (1, vec![Event::CuesChanged]));
    session.restart_stream(&mut cx, StreamId::Audio, ms(0), crate::engine::buffer::Departure::Void);
    assert_eq!(session.cues().len(), 1);
    session.restart_stream(&mut cx, StreamId::Main, ms(0), crate::engine::buffer::Departure::Void);
    assert_eq!((session.cues().len(), events(&mut cx)), (0, vec![Event::CuesChanged]), "they went with their video");
}

#[test]
fn forced_subtitles_are_not_fetched_beside_captions() {
    for captions in [false, true] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[]);
        let forced = crate::model::AdaptationSet { forced: true, ..set("t", MediaKind::Text, vec![rep("t", 1)]) };
        let video = set("v", MediaKind::Video, vec![rep("v", 1)]);
        let mut known = described(vec![video, set("a", MediaKind::Audio, vec![rep("a", 1)]), forced]);
        if captions {
            known.periods[0].captions = vec![caption("cc")];
        }
        session.source.set_presentation(known.into());
        let languages = || vec!["en".to_owned()];
        let preferences = session.preferences().clone();
        let preferences = TrackPreferences { audio_languages: languages(), text_languages: languages(), ..preferences };
        session.selection = TrackSelection::new(preferences, abr::Hdcp::None);
        session.begin(&mut cx, Now::ZERO).unwrap();
        let found = (session.stream(StreamId::Text).is_some(), session.captions.chosen().is_some());
        assert_eq!(found, (!captions, captions));
    }
}

#[test]
fn timed_metadata_that_is_refused_is_reported_once() {
    let mut cx = context();
    let mut session = video();
    let event = |number: i64| TimedMetadata {
        body: MetadataBody::Text("x".repeat(5 << 20)),
        ..metadata(&number.to_string(), number * 10_000)
    };
    let mut warned = Vec::new();
    for number in 1..=3 {
        session.add_metadata(&mut cx, vec![event(number)], Stage::Manifest);
        let found = events(&mut cx);
        warned.push(found.iter().filter(|event| matches!(event, Event::Warning { .. })).count());
    }
    assert_eq!((warned, session.metadata.list().len()), (vec![0, 1, 0], 1), "8 MiB have room for one of 5");
}

#[test]
fn a_new_entry_before_a_known_one_is_a_change() {
    let mut cx = context();
    let mut session = video();
    session.add_metadata(&mut cx, vec![metadata("a", 500)], Stage::Manifest);
    assert_eq!(events(&mut cx), vec![Event::MetadataChanged]);
    session.add_metadata(&mut cx, vec![metadata("b", 500), metadata("a", 500)], Stage::Manifest);
    assert_eq!(events(&mut cx), vec![Event::MetadataChanged]);
}

#[test]
fn time_counts_as_played_while_playback_is_ready_and_not_before() {
    for (state, millis) in [(State::Ready, 300), (State::Seeking, 0), (State::Buffering(BufferingReason::Starting), 0)]
    {
        let (mut session, mut cx) = (video(), context());
        add(&mut session.video, 0, 0, 8000, None);
        play_at(&mut cx, &[MediaKind::Video], 1000);
        cx.playback.set_state(state, cx.now, &mut cx.effects);
        session.update_playhead(&mut cx);
        cx.now = cx.now + Duration::from_millis(300);
        session.update_playhead(&mut cx);
        let stats = cx.ledger.stats(cx.now, Duration::ZERO, None);
        assert_eq!(stats.played_wall, Duration::from_millis(millis), "{state:?}");
    }
}
