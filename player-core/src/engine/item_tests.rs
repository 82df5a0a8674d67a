//! Begin and end of a load, and inputs to an item that is opening.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::*;
use crate::command::TrackChoice;
use crate::config::PlayerConfig;
use crate::engine::ids::ItemId;
use crate::engine::io::Output;
use crate::engine::jitter::Jitter;
use crate::model::MediaKind;
use crate::render::FrameCounts;
use crate::snapshot::BufferingReason;

fn context() -> Context {
    let config = PlayerConfig::default();
    let rule = context::make_rule(&config).unwrap();
    Context::new(config, rule)
}

fn request() -> LoadRequest {
    LoadRequest::new("http://h/manifest.mpd".parse().unwrap())
}

fn opening() -> Opening {
    Opening::new(ItemId::default(), &request(), abr::Hdcp::None)
}

/// Commands to the renderer that it has not taken yet.
fn commands(cx: &mut Context) -> Vec<RenderCommand> {
    let outputs = std::iter::from_fn(|| cx.effects.take_next());
    outputs.filter_map(|output| if let Output::Render(command) = output { Some(command) } else { None }).collect()
}

#[test]
fn a_wall_clock_is_plausible_from_its_earliest_time_on() {
    let earliest = EARLIEST_CLOCK.as_unix_nanos();
    let plausible = [earliest - 1, earliest, earliest + 1].map(|nanos| is_plausible(WallClock::from_unix_nanos(nanos)));
    assert_eq!(plausible, [false, true, true]);
}

#[test]
fn a_load_holds_the_renderer_and_gives_it_the_settings() {
    for (rate, muted) in [(1.5, true), (1.0, false)] {
        let mut cx = context();
        cx.settings = crate::engine::playback::Settings { rate, volume: 0.25, muted, viewport: None };
        load(&mut cx, &mut None, &request());
        let expected = [
            RenderCommand::SetPlaying(false),
            RenderCommand::SetRate(rate),
            RenderCommand::SetVolume { volume: 0.25, muted },
        ];
        assert_eq!(commands(&mut cx), expected);
        assert_eq!(cx.playback.state(), State::Loading);
    }
}

#[test]
fn a_load_counts_anew_and_forgets_what_waited_for_its_turn() {
    let mut cx = context();
    let mut item = None;
    load(&mut cx, &mut item, &request());
    cx.ledger.wasted(7);
    cx.pending.text_mut().put(TrackChoice::Off);
    cx.pending.seek_mut().put(Seeking { to: MediaTime::ZERO, mode: SeekMode::Exact, since: cx.now });
    load(&mut cx, &mut item, &request());
    assert_eq!(cx.ledger.stats(cx.now, Duration::ZERO, None).bytes_wasted, 0);
    assert!(cx.pending.text().waiting().is_none() && cx.pending.seek().waiting().is_none());
    assert_eq!(cx.jobs.ids().len(), 1, "the request for the first manifest is cancelled");
}

#[test]
fn each_item_has_a_name_of_its_own() {
    let mut cx = context();
    let mut names = Vec::new();
    for _ in 0..2 {
        let mut item = None;
        load(&mut cx, &mut item, &request());
        let Some(Item::Opening(opening)) = item else { panic!("it is opening") };
        names.push(opening.item());
    }
    assert_ne!(names[0], names[1]);
    assert_eq!(names[1], cx.last_item);
}

#[test]
fn an_unload_ends_a_stall_and_tells_whether_something_was_there() {
    let mut cx = context();
    let mut item = None;
    assert!(!unload(&mut cx, &mut item));
    assert_eq!(commands(&mut cx), []);
    load(&mut cx, &mut item, &request());
    let Context { playback, ledger, effects, now, .. } = &mut cx;
    playback.start_stall(BufferingReason::NetworkTooSlow, *now, ledger, effects);
    while cx.effects.take_next().is_some() {}
    cx.now = cx.now + Duration::from_secs(2);
    assert!(unload(&mut cx, &mut item) && item.is_none());
    let outputs: Vec<_> = std::iter::from_fn(|| cx.effects.take_next()).collect();
    let stall = Event::StallEnded { at: MediaTime::ZERO, duration: Duration::from_secs(2) };
    assert_eq!(outputs, [Output::Event(stall), Output::Render(RenderCommand::Stop)]);
    assert_eq!(cx.playback.state(), State::Idle);
}

#[test]
fn the_output_that_is_set_while_the_manifest_is_fetched_counts_later() {
    let mut cx = context();
    let mut item = Item::Opening(Box::new(opening()));
    item.set_output_protection(&mut cx, abr::Hdcp::Type1);
    let Item::Opening(opening) = &item else { panic!("it is opening") };
    assert_eq!(opening.output(), abr::Hdcp::Type1);
    assert_eq!(cx.effects.take_next(), Some(Output::Event(Event::TracksChanged)));
}

#[test]
fn a_seek_while_the_manifest_is_fetched_decides_where_playback_begins() {
    for (to, begin) in [(-5000, 0), (7000, 7000)] {
        let begin = MediaTime::from_millis(begin);
        let mut cx = context();
        let mut item = Some(Item::Opening(Box::new(opening())));
        load(&mut cx, &mut item, &request());
        item.as_mut().unwrap().seek(&mut cx, MediaTime::from_millis(to), SeekMode::Keyframe);
        assert_eq!((cx.position(), cx.playback.start().mode), (begin, SeekMode::Keyframe));
        let waiting = cx.pending.seek().waiting().unwrap();
        assert_eq!((waiting.to, waiting.mode), (begin, SeekMode::Keyframe));
        let Some(Item::Opening(opening)) = &item else { panic!("it is opening") };
        assert_eq!(opening.start(), Some(begin));
    }
}

#[test]
fn a_reading_of_the_clocks_moves_the_time_from_which_an_item_is_available() {
    let mut cx = context();
    let from = WallClock::from_unix_nanos(EARLIEST_CLOCK.as_unix_nanos() + 10_000_000_000);
    let presentation = Presentation { available_from: Some(from), ..Presentation::for_tests(Vec::new()) };
    let session = Session::new(&opening(), presentation, &mut Jitter::new(0));
    let mut item = Item::Open(Box::new(session));
    let available = |item: &Item| item.session().and_then(|session| session.presentation().available_at());
    assert_eq!(available(&item), None);
    let now = Now::ZERO + Duration::from_secs(3);
    on_wall_clock(&mut cx, Some(&mut item), now, EARLIEST_CLOCK);
    assert_eq!(available(&item), Some(now + Duration::from_secs(10)));
    on_wall_clock(&mut cx, Some(&mut item), now, WallClock::from_unix_nanos(0));
    assert_eq!(available(&item), Some(now + Duration::from_secs(10)), "that clock was never set");
}

#[test]
fn an_item_is_placed_in_time_as_soon_as_it_is_open() {
    let mut cx = context();
    cx.utc.note_host(Now::ZERO, EARLIEST_CLOCK);
    let from = WallClock::from_unix_nanos(EARLIEST_CLOCK.as_unix_nanos() + 10_000_000_000);
    let presentation = Presentation { available_from: Some(from), ..Presentation::for_tests(Vec::new()) };
    let mut item = Item::Opening(Box::new(opening()));
    item.open(&mut cx, None);
    assert!(item.session().is_none());
    item.open(&mut cx, Some(presentation));
    let available = item.session().and_then(|session| session.presentation().available_at());
    assert_eq!(available, Some(Now::ZERO + Duration::from_secs(10)));
}

#[test]
fn frames_that_were_counted_for_other_items_are_not_those_of_this_one() {
    let mut cx = context();
    let mut item = Item::Opening(Box::new(opening()));
    cx.playback.set_state(State::Ready, cx.now, &mut cx.effects);
    let frames = |presented| RenderEvent::Frames(FrameCounts { presented, ..FrameCounts::default() });
    let mut shown = |cx: &mut Context, count| {
        item.on_render(cx, frames(count));
        let epoch = cx.playback.feed().epoch();
        cx.playback.send_flush(ItemId::default(), MediaTime::ZERO, &[MediaKind::Video], cx.now, &mut cx.effects);
        item.on_render(cx, RenderEvent::Flushed { epoch });
        assert!(!cx.playback.awaits_flush());
        cx.ledger.frame_counts().presented
    };
    assert_eq!([shown(&mut cx, 7), shown(&mut cx, 9), shown(&mut cx, 12)], [0, 2, 5]);
}

#[test]
fn a_seek_goes_no_further_than_the_presentation() {
    let presentation = Presentation { duration: Some(Duration::from_secs(60)), ..Presentation::for_tests(Vec::new()) };
    for (to, expected) in [(-5000, 0), (7000, 7000), (90_000, 59_900)] {
        let mut cx = context();
        let session = Session::new(&opening(), presentation.clone(), &mut Jitter::new(0));
        Item::Open(Box::new(session)).seek(&mut cx, MediaTime::from_millis(to), SeekMode::Exact);
        let waiting = cx.pending.seek().waiting().map(|seek| seek.to);
        assert_eq!(waiting, Some(MediaTime::from_millis(expected)), "{to}");
    }
}

#[test]
fn reports_count_until_playback_has_failed() {
    for (state, counts) in [(State::Loading, true), (State::Ready, true), (State::Failed, false), (State::Idle, false)]
    {
        let mut cx = context();
        let mut item = Item::Opening(Box::new(opening()));
        cx.playback.set_state(state, cx.now, &mut cx.effects);
        while cx.effects.take_next().is_some() {}
        let warning = PlayerError::warning(ErrorCode::DecoderFailed, "late");
        item.on_render(&mut cx, RenderEvent::Warning(warning));
        item.on_render(&mut cx, RenderEvent::Frames(FrameCounts { presented: 7, ..FrameCounts::default() }));
        let events = std::iter::from_fn(|| cx.effects.take_next()).count();
        let found = (events, cx.decoder.counted().presented);
        assert_eq!(found, if counts { (1, 7) } else { (0, 0) }, "{state:?}");
    }
}
