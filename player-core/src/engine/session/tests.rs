//! Questions about a session: who brings which kind, what is held, missing, locked or awaited, and what there is to
//! choose from.
#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::config::PlayerConfig;
use crate::engine::context;
use crate::engine::download::{Demand, NextSegment};
use crate::engine::io::Output;
use crate::engine::licence::KeyState;
use crate::engine::requests::JobId;
use crate::event::Event;

use crate::command::LoadRequest;
use crate::container::{CodecConfig, Payload, Sample, SampleCrypto};
use crate::drm::{ContentKey, KeyId};
use crate::model::{
    AdaptationSet, CaptionService, CaptionTrack, MuxedAudio, Period, Presentation, Protection, Representation,
    Resource, SegmentEncryption, SegmentId, SegmentIndex, SegmentKeys, SegmentList, SegmentRef, TimestampMapping,
    TrackId,
};
use crate::render::Window;
use crate::snapshot::State;

const KEY: [u8; 16] = [9; 16];

pub(super) fn ms(value: i64) -> MediaTime {
    MediaTime::from_millis(value)
}

pub(super) fn rep(id: &str, bandwidth: u64) -> Representation {
    Representation {
        codecs: vec!["avc1".into(), "mp4a".into()],
        width: Some(16),
        height: Some(9),
        index: SegmentIndex::Known(SegmentList::Explicit(vec![segment(0, 0, 4000)])),
        ..Representation::for_tests(id, bandwidth)
    }
}

pub(super) fn segment(number: u64, start: i64, end: i64) -> SegmentRef {
    SegmentRef {
        id: SegmentId::Sequence(number),
        previous: number.checked_sub(1).map(SegmentId::Sequence),
        start: ms(start),
        duration: ms(end).since(ms(start)),
        resource: Resource::new("http://h/x".parse().unwrap()),
        init: None,
        mapping: TimestampMapping::Offset(0),
        gap: false,
        size: None,
        encryption: None,
        program_date_time: None,
        part: None,
    }
}

pub(super) fn set(id: &str, kind: MediaKind, representations: Vec<Representation>) -> AdaptationSet {
    AdaptationSet { language: Some("en".into()), ..AdaptationSet::for_tests(id, kind, representations) }
}

fn presentation(sets: Vec<AdaptationSet>) -> KeyedPresentation {
    described(sets).into()
}

pub(super) fn described(sets: Vec<AdaptationSet>) -> Presentation {
    let periods = vec![Period::new("p".into(), MediaTime::ZERO, None, sets)];
    Presentation { duration: Some(Duration::from_secs(60)), ..Presentation::for_tests(periods) }
}

/// Context of an engine in which nothing is loaded.
pub(super) fn context() -> Context {
    let config = PlayerConfig::default();
    let rule = context::make_rule(&config).unwrap();
    Context::new(config, rule)
}

/// Events that no host has taken yet. Other outputs are dropped.
pub(super) fn events(cx: &mut Context) -> Vec<Event> {
    let outputs = std::iter::from_fn(|| cx.effects.take_next());
    outputs.filter_map(|output| if let Output::Event(event) = output { Some(event) } else { None }).collect()
}

/// Plays these kinds of the item without a name from time zero; the renderer has reported this position.
pub(super) fn play_at(cx: &mut Context, kinds: &[MediaKind], position: i64) {
    cx.playback.load(MediaTime::ZERO, true, cx.settings, cx.now);
    cx.playback.send_flush(ItemId::default(), MediaTime::ZERO, kinds, cx.now, &mut cx.effects);
    let epoch = cx.playback.feed().epoch();
    cx.playback.on_flushed(epoch);
    cx.playback.begin_presentation();
    cx.playback.set_state(State::Ready, cx.now, &mut cx.effects);
    cx.playback.set_renderer_playing(true, cx.now, &mut cx.effects);
    cx.playback.report(epoch, ms(position), cx.now);
    while cx.effects.take_next().is_some() {}
}

/// A session with these streams: what each carries, `None` if that is not known.
fn session(streams: &[(StreamId, Option<(bool, bool)>)]) -> Session {
    session_of(ItemId::default(), streams)
}

/// The same for an item of this name.
pub(super) fn session_of(item: ItemId, streams: &[(StreamId, Option<(bool, bool)>)]) -> Session {
    let request = LoadRequest::new("http://h/manifest".parse().unwrap());
    let opening = Opening::new(item, &request, abr::Hdcp::None);
    let mut session = Session::new(&opening, described(Vec::new()), &mut Jitter::new(0));
    session.source.set_duration(None);
    for (id, carries) in streams {
        let place = NextSegment::At { period: PeriodKey::FIRST, time: MediaTime::ZERO };
        let mut stream = Stream::new(*id, TrackId(format!("{id:?}")), place);
        if let Some((video, audio)) = carries {
            stream.note_carried(ContentKinds { video: *video, audio: *audio, text: false });
        }
        session.streams.push(stream);
    }
    session
}

/// Separate video and audio.
fn separate() -> Session {
    session(&[(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))])
}

pub(super) fn of(number: u64) -> PartOf {
    PartOf::for_tests(0, number)
}

pub(super) fn add_of(buffer: &mut TrackBuffer, of: PartOf, from: i64, to: i64, key: Option<[u8; 16]>) {
    add_groups(buffer, of, (from, to, 100), key);
}

/// Adds samples of 100 milliseconds, of which the first in each `group` is a key frame.
pub(super) fn add_groups(
    buffer: &mut TrackBuffer,
    of: PartOf,
    (from, to, group): (i64, i64, i64),
    key: Option<[u8; 16]>,
) {
    let config = CodecConfig::for_tests("");
    let crypto = key.map(|key_id| {
        Arc::new(SampleCrypto { scheme: *b"cenc", key_id, iv: vec![0; 8], subsamples: Vec::new(), pattern: (0, 0) })
    });
    let sample = |at: i64| Sample {
        pts: ms(at),
        dts: ms(at),
        duration: Duration::from_millis(100),
        key: (at - from) % group == 0,
        payload: Payload(vec![0; 10].into()),
        crypto: crypto.clone(),
    };
    let samples = (from..to).step_by(100).map(sample).collect();
    buffer.insert(of, &Arc::new(config), Window::ALL, samples, None);
}

pub(super) fn add(buffer: &mut TrackBuffer, number: u64, from: i64, to: i64, key: Option<[u8; 16]>) {
    add_of(buffer, of(number), from, to, key);
}

pub(super) fn finish(session: &mut Session, id: StreamId) {
    session.stream_mut(id).unwrap().enter_period(NextSegment::End);
}

fn kinds(kinds: ContentKinds) -> (bool, bool, bool) {
    (kinds.video, kinds.audio, kinds.text)
}

#[test]
fn the_main_stream_is_wanted_for_audio_only_where_none_is_separate() {
    let mut muxed = session(&[(StreamId::Main, None)]);
    assert_eq!(kinds(muxed.wanted_of(StreamId::Main)), (true, true, false));
    muxed.selection.give_up(MediaKind::Video);
    assert_eq!(kinds(muxed.wanted_of(StreamId::Main)), (false, true, false));
    muxed.selection.select_audio(TrackChoice::Off);
    assert_eq!(kinds(muxed.wanted_of(StreamId::Main)), (false, false, false));
    let mut separate = separate();
    assert_eq!(kinds(separate.wanted_of(StreamId::Main)), (true, false, false));
    assert_eq!(kinds(separate.wanted_of(StreamId::Audio)), (false, true, false));
    assert_eq!(kinds(separate.wanted_of(StreamId::Text)), (false, false, true));
    separate.selection.give_up(MediaKind::Audio);
    assert_eq!(kinds(separate.wanted_of(StreamId::Audio)), (false, false, false));
}

#[test]
fn a_stream_brings_what_it_carries_of_what_is_wanted_of_it() {
    let mut unknown = session(&[(StreamId::Main, None)]);
    assert_eq!(kinds(unknown.brought_by(StreamId::Main)), (true, true, false), "all that is wanted may come");
    assert!(unknown.kinds().is_none());
    finish(&mut unknown, StreamId::Main);
    assert!(unknown.kinds().is_none(), "it ended and brought nothing");
    let silent = session(&[(StreamId::Main, Some((true, false)))]);
    assert_eq!(kinds(silent.brought_by(StreamId::Main)), (true, false, false));
    assert_eq!(silent.source_of(MediaKind::Video).map(Stream::id), Some(StreamId::Main));
    assert!(silent.source_of(MediaKind::Audio).is_none() && silent.source_of(MediaKind::Text).is_none());
    assert_eq!(silent.kinds().as_deref(), Some(&[MediaKind::Video][..]));
    let mut both = separate();
    both.stream_mut(StreamId::Main).unwrap().note_carried(ContentKinds { video: true, audio: true, text: false });
    assert_eq!(kinds(both.brought_by(StreamId::Main)), (true, false, false), "its audio is not wanted");
    assert_eq!(both.source_of(MediaKind::Audio).map(Stream::id), Some(StreamId::Audio));
    assert_eq!(both.kinds().as_deref(), Some(&[MediaKind::Video, MediaKind::Audio][..]));
    let mut both = session(&[(StreamId::Main, Some((true, true))), (StreamId::Audio, None)]);
    assert!(both.kinds().is_none(), "one has not said what it carries");
    finish(&mut both, StreamId::Audio);
    assert_eq!(both.kinds().as_deref(), Some(&[MediaKind::Video][..]), "it ended and brought nothing");
    assert!(session(&[(StreamId::Text, None)]).kinds().is_none());
}

#[test]
fn a_kind_has_ended_once_its_stream_has_and_its_keys_are_here() {
    let mut session = separate();
    add(&mut session.audio, 0, 0, 1000, None);
    add(&mut session.audio, 0, 1000, 2000, Some(KEY));
    assert!(!session.is_ended(MediaKind::Audio) && session.is_ended(MediaKind::Text), "no stream brings text");
    finish(&mut session, StreamId::Audio);
    assert!(!session.is_ended(MediaKind::Audio) && !session.is_ended(MediaKind::Video));
    assert_eq!(session.locked_from(MediaKind::Audio), Some(ms(1000)));
    assert_eq!(session.buffered_until(MediaKind::Audio, ms(0)), Some(ms(1000)), "what is locked cannot be presented");
    assert_eq!(session.buffered_until(MediaKind::Audio, ms(1000)), None);
    session.keys.set(KeyId(KEY), KeyState::Asked(JobId::for_tests(1)));
    assert!(!session.is_ended(MediaKind::Audio));
    session.keys.set(KeyId(KEY), KeyState::Ready(ContentKey::new(&KEY).unwrap()));
    assert!(session.is_ended(MediaKind::Audio) && session.locked_from(MediaKind::Audio).is_none());
    assert_eq!(session.buffered_until(MediaKind::Audio, ms(0)), Some(ms(2000)));
    session.selection.begin_audio_change(ms(700));
    assert!(!session.is_ended(MediaKind::Audio), "another one is awaited");
    assert_eq!(session.buffered_until(MediaKind::Audio, ms(0)), Some(ms(700)));
    assert_eq!(
        (session.buffered_until(MediaKind::Video, ms(0)), session.buffered_until(MediaKind::Text, ms(0))),
        (None, None)
    );
}

#[test]
fn media_is_ahead_as_far_as_the_kind_with_least_of_those_that_go_on() {
    let mut session = separate();
    let all = [MediaKind::Video, MediaKind::Audio];
    add(&mut session.video, 0, 0, 3000, None);
    add(&mut session.audio, 0, 0, 2000, None);
    assert_eq!(session.held_bytes(), 500);
    assert_eq!(session.ahead(&all, ms(500)), Some(Duration::from_millis(1500)));
    assert_eq!(session.presentable_end(&all, ms(500)), ms(3000), "video alone goes on while audio is awaited");
    assert_eq!(session.held_until(StreamId::Main), Some(ms(3000)));
    finish(&mut session, StreamId::Audio);
    assert_eq!(session.ahead(&all, ms(500)), Some(Duration::from_millis(2500)));
    assert_eq!(session.ahead(&[MediaKind::Audio], ms(500)), None);
    assert_eq!(session.held_ahead(&[MediaKind::Audio], ms(500)), Duration::from_millis(1500));
    finish(&mut session, StreamId::Main);
    assert_eq!((session.ahead(&all, ms(500)), session.presentable_end(&all, ms(500))), (None, MediaTime::MAX));
    assert_eq!(session.held_ahead(&all, ms(500)), Duration::from_millis(2500), "the longest");
    assert_eq!(session.held_ahead(&all, ms(9000)), Duration::ZERO);
    let buffered: Vec<_> = session.buffered(&all).iter().map(|range| (range.start, range.end)).collect();
    assert_eq!(buffered, [(ms(0), ms(2000))], "what all have");
    assert_eq!(session.buffered(&[]).iter().count(), 0);
}

#[test]
fn a_gap_in_every_kind_is_presented_over_and_one_in_some_is_not() {
    let mut session = separate();
    let all = [MediaKind::Video, MediaKind::Audio];
    for buffer in [&mut session.video, &mut session.audio] {
        add(buffer, 0, 0, 1000, None);
        buffer.complete();
    }
    add(&mut session.video, 2, 5000, 6000, None);
    assert_eq!(session.next_gap(&all, ms(0)).map(|gap| (gap.from, gap.to)), None, "audio may still come");
    assert_eq!(session.presentable_end(&all, ms(0)), ms(1000));
    add(&mut session.audio, 2, 4000, 6000, None);
    assert_eq!(session.next_gap(&all, ms(0)).map(|gap| (gap.from, gap.to)), Some((ms(1000), ms(4000))));
    assert_eq!(session.presentable_end(&all, ms(0)), MediaTime::MAX);
}

pub(super) fn chosen(number: u64, start: i64, end: i64) -> SegmentPlan {
    SegmentPlan {
        rep: of(0).rep,
        segment: segment(number, start, end),
        reason: abr::Reason::Only,
        ladder: Arc::default(),
        rung: 0,
        opening: true,
        window: Window::ALL,
    }
}

#[test]
fn a_complete_segment_lacks_the_kind_that_did_not_come_with_it() {
    let mut session = session(&[(StreamId::Main, Some((true, true)))]);
    add(&mut session.video, 0, 0, 4000, None);
    add(&mut session.audio, 0, 0, 3900, None);
    session.complete_segment(StreamId::Main, &chosen(0, 0, 4000));
    assert!(session.video.back().unwrap().complete && session.audio.back().unwrap().complete);
    assert_eq!((session.video.end(), session.audio.end()), (Some(ms(4000)), Some(ms(3900))), "both came");
    add(&mut session.video, 1, 4000, 8000, None);
    session.complete_segment(StreamId::Main, &chosen(1, 4000, 8000));
    assert_eq!(session.audio.end(), Some(ms(8000)), "it is missing up to where the other reaches");
    assert_eq!((session.audio.last_media(), session.audio.media_end(ms(0))), (Some(ms(3900)), Some(ms(3900))));
    assert_eq!(session.held_until(StreamId::Main), Some(ms(8000)));
    // A segment without any media marks nothing as missing.
    session.complete_segment(StreamId::Main, &chosen(2, 8000, 12_000));
    assert_eq!((session.video.end(), session.audio.end()), (Some(ms(8000)), Some(ms(8000))));
}

#[test]
fn a_segment_that_is_given_up_is_missing_in_what_its_stream_brings() {
    let mut session = separate();
    session.mark_resolved(StreamId::Main, of(0), ms(0), ms(4000));
    assert_eq!((session.video.end(), session.audio.end()), (Some(ms(4000)), None));
    session.mark_resolved(StreamId::Audio, of(0), ms(0), ms(5000));
    assert_eq!((session.video.end(), session.audio.end()), (Some(ms(4000)), Some(ms(5000))));
    assert_eq!(
        (session.held_until(StreamId::Main), session.held_until(StreamId::Audio)),
        (Some(ms(4000)), Some(ms(5000)))
    );
    assert_eq!(session.held_until(StreamId::Text), None);
}

#[test]
fn a_stream_that_is_sent_elsewhere_forgets_its_troubles() {
    let mut session = separate();
    let mut known = described(Vec::new());
    known.periods.push(Period::new("q".into(), ms(10_000), None, Vec::new()));
    session.source.set_presentation(known.into());
    let stream = session.stream_mut(StreamId::Audio).unwrap();
    for _ in 0..3 {
        stream.skip_download();
    }
    stream.step_back_to(NextSegment::End, 2);
    stream.hold(Now::ZERO);
    assert_eq!((stream.skipped(), stream.stepped_back(), stream.hold_until()), (3, 2, Some(Now::ZERO)));
    session.send_stream_to(StreamId::Audio, ms(12_000));
    let stream = session.stream(StreamId::Audio).unwrap();
    assert_eq!(stream.place(), NextSegment::At { period: PeriodKey::for_tests(1), time: ms(12_000) });
    assert_eq!((stream.skipped(), stream.stepped_back(), stream.hold_until()), (0, 0, None));
    session.send_stream_to(StreamId::Audio, ms(9_999));
    assert_eq!(
        session.stream(StreamId::Audio).unwrap().place(),
        NextSegment::At { period: PeriodKey::FIRST, time: ms(9_999) }
    );
}

pub(super) fn locked(mut rep: Representation) -> Representation {
    let protection = Protection {
        scheme_id: String::new(),
        system: None,
        scheme: None,
        key_ids: vec![KeyId(KEY)],
        pssh: Vec::new(),
        licence_urls: Vec::new(),
        key: None,
    };
    rep.protection = vec![Arc::new(protection)];
    rep
}

#[test]
fn a_stream_presents_its_track_as_long_as_something_of_it_can_be_presented() {
    let track = |id: StreamId| format!("{id:?}");
    let sets = |main: Vec<Representation>| {
        vec![
            set("other", MediaKind::Video, vec![rep("o", 1)]),
            set(&track(StreamId::Main), MediaKind::Video, main),
            set(&track(StreamId::Audio), MediaKind::Text, vec![rep("t", 1)]),
            set("a", MediaKind::Audio, vec![rep("a", 1)]),
        ]
    };
    let position = |session: &Session, id| {
        let set = session.set_in(id, PeriodKey::FIRST)?;
        session.source.presentation().set_keys(PeriodKey::FIRST).position(|key| key == set)
    };
    let mut session = separate();
    assert_eq!(session.set_in(StreamId::Main, PeriodKey::FIRST), None, "nothing is known");
    session.source.set_presentation(presentation(sets(vec![rep("m", 1), locked(rep("n", 2))])));
    assert_eq!(position(&session, StreamId::Main), Some(1), "some of it is clear");
    assert_eq!(position(&session, StreamId::Audio), Some(3), "the same name, but another kind");
    assert_eq!(session.set_in(StreamId::Main, PeriodKey::for_tests(1)), None);
    let exclude = |session: &mut Session, rep: u32| {
        session.selection.exclude(RepKey::for_tests(0, 1, rep + 1), Duration::MAX, Now::ZERO);
    };
    exclude(&mut session, 0);
    assert_eq!(position(&session, StreamId::Main), Some(1), "one of two is gone for ever");
    exclude(&mut session, 1);
    assert_eq!(position(&session, StreamId::Main), Some(0));
    let mut session = separate();
    session.source.set_presentation(presentation(sets(vec![locked(rep("m", 1))])));
    assert_eq!(position(&session, StreamId::Main), Some(0), "another one is clear");
    session.source.set_presentation(presentation(sets(vec![locked(rep("m", 1))]).into_iter().skip(1).collect()));
    assert_eq!(position(&session, StreamId::Main), Some(0), "the error says better than nothing why it is locked");
}

#[test]
fn tracks_and_qualities_are_listed_with_what_is_selected_shown_and_available() {
    let mut session = separate();
    let video = vec![rep("hi", 2000), rep("lo", 1000), locked(rep("locked", 3000))];
    let mut known = described(vec![
        set("Main", MediaKind::Video, video),
        set("Audio", MediaKind::Audio, vec![rep("a", 1)]),
        set("b", MediaKind::Audio, vec![rep("b", 1)]),
        set("t", MediaKind::Text, vec![rep("t", 1)]),
        set("t", MediaKind::Text, vec![rep("u", 1)]),
    ]);
    known.periods[0].muxed_audio = Some(MuxedAudio {
        id: TrackId("inside".into()),
        language: None,
        label: None,
        roles: Vec::new(),
        default: true,
        autoselect: true,
    });
    session.source.set_presentation(known.into());
    let at = |seconds| Now::ZERO + Duration::from_secs(seconds);
    assert!(session.list_choices(at(0)) && !session.list_choices(at(0)), "the second time nothing has changed");
    let tracks = |session: &Session| {
        session.tracks().iter().map(|track| (track.id.0.clone(), track.selected)).collect::<Vec<_>>()
    };
    let listed = [("Audio", true), ("b", false), ("t", false), ("inside", false)];
    assert_eq!(tracks(&session), listed.map(|(id, selected)| (id.to_owned(), selected)));
    let qualities = |session: &Session| {
        let list = session.qualities();
        let words = list.iter().map(|quality| (quality.id.clone(), quality.shown, quality.available));
        words.collect::<Vec<_>>()
    };
    let word = |id: &str, shown, available| (id.to_owned(), shown, available);
    assert_eq!(qualities(&session), [word("lo", false, true), word("hi", false, true), word("locked", false, false)]);
    assert_eq!(session.qualities()[0].codec.as_deref(), Some("avc1"));
    session.selection.show(RepKey::for_tests(0, 0, 0));
    session.selection.exclude(RepKey::for_tests(0, 0, 1), Duration::from_secs(5), at(0));
    assert!(session.list_choices(at(0)));
    assert_eq!(qualities(&session), [word("lo", false, false), word("hi", true, true), word("locked", false, false)]);
    assert!(session.list_choices(at(5)), "the exclusion is over");
    session.streams.retain(|stream| stream.id() != StreamId::Audio);
    assert!(session.list_choices(at(5)));
    assert_eq!(tracks(&session)[3], ("inside".to_owned(), true), "audio in the files of the video");
    session.selection.select_audio(TrackChoice::Off);
    assert!(session.list_choices(at(5)));
    assert!(tracks(&session).iter().all(|(_, selected)| !selected));
}

#[test]
fn video_is_decided_on_for_a_time_once_it_is_here_or_on_its_way() {
    let mut session = separate();
    for (rep, from) in [(0, 0), (1, 4000)] {
        let part = PartOf::for_tests(rep, u64::from(rep));
        add_of(&mut session.video, part, from, from + 4000, None);
        session.video.complete();
    }
    let decided = |session: &Session, at| audio_pairing::pictures_at(session, ms(at)).map(|rep| rep.number());
    assert_eq!([0, 3899, 3900, 7899].map(|at| decided(&session, at)), [Some(0), Some(0), Some(1), Some(1)]);
    assert_eq!(decided(&session, 7900), None, "up to the tolerance");
    let mut next = chosen(2, 8000, 12_000);
    next.rep = RepKey::for_tests(0, 0, 2);
    let resource = next.segment.resource.clone();
    session.stream_mut(StreamId::Main).unwrap().await_init(next, resource);
    assert_eq!([7899, 7900, 11_899, 11_900].map(|at| decided(&session, at)), [Some(1), Some(2), Some(2), None]);
}

#[test]
fn a_missing_decoder_excludes_its_codecs_and_without_any_declared_its_set() {
    use crate::error::{ErrorCode, PlayerError};
    let coded = |id: &str, codecs: &[&str]| {
        let codecs = codecs.iter().map(|codec| (*codec).to_owned()).collect();
        Representation { codecs, ..rep(id, 1) }
    };
    let mut session = separate();
    session.source.set_presentation(presentation(vec![
        set("a", MediaKind::Video, vec![coded("1", &["avc1.64001f"]), coded("2", &["hvc1.1"]), coded("3", &[])]),
        set("b", MediaKind::Video, vec![coded("4", &["avc1.42c01e"]), coded("5", &[])]),
        set("c", MediaKind::Audio, vec![coded("6", &["avc1"]), coded("7", &[])]),
        set("d", MediaKind::Video, vec![coded("8", &[]), coded("9", &[])]),
    ]));
    let all: Vec<_> = session.source.presentation().all_reps().collect();
    let excluded = |number: usize, code| {
        let keys = session.same_decoder(all[number - 1], &PlayerError::fatal(code, "it fails"));
        let name =
            |key: &RepKey| selection::representation(session.source.presentation(), *key).map(|rep| rep.id.clone());
        keys.iter().filter_map(name).collect::<String>()
    };
    let missing = [1, 2, 3, 4, 8].map(|number| excluded(number, ErrorCode::DecoderUnavailable));
    assert_eq!(missing, ["14", "2", "3", "14", "89"]);
    assert_eq!(excluded(1, ErrorCode::DecoderFailed), "1", "another representation may be decoded");
}

#[test]
fn initialisation_data_is_encrypted_as_the_segment_that_waits_for_it_declares() {
    let resource = |name: &str| Resource::new(format!("http://h/{name}").parse().unwrap());
    let encryption = SegmentEncryption { media: SegmentKeys::default(), init: SegmentKeys::default(), sequence: 7 };
    let plan = SegmentPlan {
        rep: RepKey::for_tests(0, 0, 0),
        segment: SegmentRef { encryption: Some(encryption.clone()), ..segment(0, 0, 4000) },
        reason: abr::Reason::Only,
        ladder: Arc::default(),
        rung: 0,
        opening: false,
        window: Window::ALL,
    };
    let mut session = separate();
    let stream = session.stream_mut(StreamId::Main).unwrap();
    stream.decide_on(plan.rep, Now::ZERO);
    stream.await_init(plan, resource("map-2"));
    let of = |rep: u32, name: &str| session.encryption_at(RepKey::for_tests(0, 0, rep), &resource(name));
    assert_eq!(of(0, "map-2"), Some(encryption));
    assert_eq!(of(0, "map-1"), None, "that of a map that was asked for before says nothing of another one");
    assert_eq!(of(1, "map-2"), None);
}

#[test]
fn captions_in_a_wanted_language_come_before_subtitles_that_are_only_forced() {
    let caption = CaptionTrack {
        id: TrackId("cc".into()),
        service: CaptionService::Cea608(1),
        language: Some("en".into()),
        label: None,
        default: false,
        autoselect: false,
    };
    for (forced, chosen) in [(true, Some("cc")), (false, None)] {
        let text = AdaptationSet { forced, ..set("t", MediaKind::Text, vec![rep("t", 1)]) };
        let mut known = described(vec![set("a", MediaKind::Audio, vec![rep("a", 1)]), text]);
        known.periods[0].captions = vec![caption.clone()];
        let mut session = session(&[]);
        session.source.set_presentation(known.into());
        let languages = || vec!["en".to_owned()];
        let preferences = session.preferences().clone();
        let preferences = TrackPreferences { audio_languages: languages(), text_languages: languages(), ..preferences };
        session.selection = TrackSelection::new(preferences, abr::Hdcp::None);
        let wanted = session.wanted_captions().map(|track| track.id.0);
        assert_eq!(wanted.as_deref(), chosen, "{forced}");
    }
}

#[test]
fn the_steps_set_the_demand_of_the_playback_rate_on_every_stream() {
    let mut session = separate();
    let mut cx = context();
    for rate in [2.0, 0.5] {
        cx.settings.rate = rate;
        session.run_steps(&mut cx);
        for id in [StreamId::Main, StreamId::Audio] {
            assert_eq!(session.stream(id).map(Stream::demand), Some(Demand::of(id, rate)));
        }
        assert_eq!(session.demand_for(MediaKind::Audio), Demand::of(StreamId::Audio, rate));
        assert_eq!(session.demand_for(MediaKind::Text), Demand::of(StreamId::Main, rate), "no stream supplies it");
    }
}

#[test]
fn among_captions_of_a_language_the_default_comes_first_and_then_what_is_selected_by_itself() {
    let caption = |id: &str, default, autoselect| CaptionTrack {
        id: TrackId(id.into()),
        service: CaptionService::Cea608(1),
        language: Some("en".into()),
        label: None,
        default,
        autoselect,
    };
    let plain = || caption("plain", false, false);
    for (captions, expected) in [
        (vec![plain(), caption("auto", false, true), caption("default", true, false)], "default"),
        (vec![plain(), caption("auto", false, true)], "auto"),
        (vec![plain(), caption("other", false, false)], "plain"),
    ] {
        let mut known = described(vec![set("a", MediaKind::Audio, vec![rep("a", 1)])]);
        known.periods[0].captions = captions;
        let mut session = session(&[]);
        session.source.set_presentation(known.into());
        let preferences = TrackPreferences { text_languages: vec!["en".to_owned()], ..session.preferences().clone() };
        session.selection = TrackSelection::new(preferences, abr::Hdcp::None);
        assert_eq!(session.wanted_captions().map(|track| track.id.0).as_deref(), Some(expected));
    }
}
