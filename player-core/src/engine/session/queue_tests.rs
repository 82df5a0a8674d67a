//! Two sessions over one feed: the second item follows the first without a gap and without a flush.
#![expect(clippy::unwrap_used, reason = "tests")]
use std::collections::BTreeMap;

use super::tests::{add, finish, ms, session_of};
use super::*;
use crate::command::SeekMode;
use crate::config::PlayerConfig;
use crate::container::Sample;
use crate::engine::buffer::Departure;
use crate::engine::buffer::Discard;
use crate::engine::context;
use crate::engine::io::Output;
use crate::render::{RenderCommand, Window};
use crate::snapshot::State;

const KINDS: [MediaKind; 2] = [MediaKind::Video, MediaKind::Audio];

/// A session of separate video and audio whose media has been loaded: segments of two seconds from `start` on. Its last
/// audio sample ends `longer` milliseconds after the video.
fn loaded(item: ItemId, start: i64, segments: u64, longer: i64) -> Session {
    let streams = [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];
    let mut session = session_of(item, &streams);
    session.source.set_start(ms(start));
    for kind in KINDS {
        let buffer = session.buffer_mut(kind).unwrap();
        buffer.restart(ms(start), Departure::Void);
        for number in 0..segments {
            let from = start + number as i64 * 2000;
            let more = if kind == MediaKind::Audio && number + 1 == segments { longer } else { 0 };
            add(buffer, number, from, from + 2000 + more, None);
            buffer.complete();
        }
    }
    finish(&mut session, StreamId::Main);
    finish(&mut session, StreamId::Audio);
    session
}

/// The renderer's side of a feed: what it was given, and the position that it reports.
struct World {
    cx: Context,
    commands: Vec<RenderCommand>,
}

impl World {
    /// Begins to play the first of these sessions.
    fn playing(first: &mut Session) -> Self {
        let config = PlayerConfig::default();
        let rule = context::make_rule(&config).unwrap();
        let mut world = Self { cx: Context::new(config, rule), commands: Vec::new() };
        let cx = &mut world.cx;
        cx.playback.load(ms(0), true, cx.settings, cx.now);
        first.begin_at(cx, first.source.start().unwrap(), SeekMode::Exact);
        first.present(cx);
        let epoch = cx.playback.feed().epoch();
        cx.playback.on_flushed(epoch);
        cx.playback.begin_presentation();
        cx.playback.set_state(State::Ready, cx.now, &mut cx.effects);
        cx.playback.set_renderer_playing(true, cx.now, &mut cx.effects);
        world.drain();
        world
    }

    fn drain(&mut self) {
        while let Some(output) = self.cx.effects.take_next() {
            if let Output::Render(command) = output {
                self.commands.push(command);
            }
        }
    }

    /// Lets time pass up to this position of the renderer; both sessions take their turns.
    fn play_to(&mut self, position: i64, sessions: &mut [&mut Session]) {
        let cx = &mut self.cx;
        let step = ms(position).since(cx.position());
        cx.now = cx.now + step;
        let epoch = cx.playback.feed().epoch();
        cx.playback.report(epoch, ms(position), cx.now);
        for session in sessions {
            session.present(cx);
        }
        self.drain();
    }

    /// Samples of a kind in the order in which they were appended.
    fn samples(&self, kind: MediaKind) -> Vec<Sample> {
        let appended = self.commands.iter().filter_map(|command| match command {
            RenderCommand::Append { track, samples, .. } if *track == kind => Some(samples.clone()),
            _ => None,
        });
        appended.flatten().collect()
    }

    fn count(&self, matches: impl Fn(&RenderCommand) -> bool) -> usize {
        self.commands.iter().filter(|command| matches(command)).count()
    }

    /// Flushes, gaps and ends of track, in this order.
    fn seams(&self) -> (usize, usize, usize) {
        let flush =
            |command: &RenderCommand| matches!(command, RenderCommand::Flush { .. } | RenderCommand::FlushTrack { .. });
        (
            self.count(flush),
            self.count(|command| matches!(command, RenderCommand::Gap { .. })),
            self.count(|command| matches!(command, RenderCommand::EndOfTrack { .. })),
        )
    }
}

#[test]
fn an_item_follows_another_without_a_gap_or_a_flush() {
    let (one, two) = (ItemId::default().next(), ItemId::default().next().next());
    let (mut first, mut second) = (loaded(one, 0, 5, 0), loaded(two, 3000, 5, 0));
    let mut world = World::playing(&mut first);
    world.cx.playback.announce_next(two);
    for position in (0..=19_500).step_by(250) {
        world.play_to(position, &mut [&mut first, &mut second]);
    }
    assert_eq!(world.seams(), (1, 0, 2), "one flush at the start, and one end for each track after the second item");
    for kind in KINDS {
        let samples = world.samples(kind);
        let times: Vec<MediaTime> = samples.iter().map(|sample| sample.pts).collect();
        let wanted: Vec<MediaTime> = (0..200).map(|number| ms(number * 100)).collect();
        assert_eq!(times, wanted, "{kind:?}");
        assert!(samples.iter().all(|sample| sample.dts == sample.pts), "{kind:?}");
    }
    // The second item is behind the first on the renderer's timeline, and has its own times for itself.
    assert_eq!(world.cx.position(), ms(19_500));
    assert_eq!(first.position(&world.cx), ms(19_500));
    assert_eq!(second.position(&world.cx), ms(12_500));
    assert!(world.cx.playback.feed().has_left(one) && !world.cx.playback.feed().has_left(two));
}

#[test]
fn media_of_the_second_item_before_its_start_is_not_presented_over_the_first() {
    let (one, two) = (ItemId::default(), ItemId::default().next());
    let (mut first, mut second) = (loaded(one, 0, 2, 0), loaded(two, 0, 2, 0));
    // Decoding begins at the key frame before the start.
    second.source.set_start(ms(650));
    let mut world = World::playing(&mut first);
    world.cx.playback.announce_next(two);
    for position in (0..=7000).step_by(250) {
        world.play_to(position, &mut [&mut first, &mut second]);
    }
    assert_eq!(world.seams(), (1, 0, 2));
    let windows: BTreeMap<&str, Window> = world
        .commands
        .iter()
        .filter_map(|command| match command {
            RenderCommand::Configure { track, window, .. } => Some((track.as_str(), *window)),
            _ => None,
        })
        .collect();
    for (kind, window) in windows {
        assert_eq!((window.from, window.until), (ms(4000), MediaTime::MAX), "{kind}");
    }
    assert!(world.samples(MediaKind::Video).iter().any(|sample| sample.pts == ms(3950)));
}

#[test]
fn an_item_begins_where_the_longest_track_of_the_one_before_ends() {
    let (one, two) = (ItemId::default(), ItemId::default().next());
    let (mut first, mut second) = (loaded(one, 0, 2, 100), loaded(two, 0, 2, 0));
    let mut world = World::playing(&mut first);
    world.cx.playback.announce_next(two);
    for position in (0..=8000).step_by(250) {
        world.play_to(position, &mut [&mut first, &mut second]);
    }
    let first_after = |kind| world.samples(kind).iter().map(|sample| sample.pts).find(|pts| *pts >= ms(4100));
    assert_eq!(world.seams(), (1, 0, 2), "a tenth of a second without a picture is no gap");
    assert_eq!(KINDS.map(first_after), [Some(ms(4100)); 2]);
}

#[test]
fn runs_of_two_items_with_equal_keys_are_not_mixed_up() {
    let (one, two) = (ItemId::default(), ItemId::default().next());
    let (mut first, mut second) = (loaded(one, 0, 2, 0), loaded(two, 0, 4, 0));
    let mut world = World::playing(&mut first);
    // The second item was not announced: its session waits, and the first one ends.
    for position in [0, 1000, 2000, 3000] {
        world.play_to(position, &mut [&mut first]);
        let handed = world.commands.len();
        let keys = Keys::default();
        let limits = (MediaTime::MAX, MediaTime::MAX);
        let cx = &mut world.cx;
        cx.playback.hand_out((&mut second.video, &keys, MediaKind::Video), limits, true, &mut cx.effects);
        world.drain();
        assert_eq!(world.commands.len(), handed);
    }
    assert_eq!(world.seams(), (1, 0, 2));
    let feed = world.cx.playback.feed();
    assert!(feed.committed(one, MediaKind::Video).is_some() && feed.end(one, MediaKind::Video) == Some(ms(4000)));
    assert!(feed.committed(two, MediaKind::Video).is_none() && feed.end(two, MediaKind::Video).is_none());
    assert!(!world.cx.playback.follow(two, ms(0), &KINDS), "it was not announced");
    world.cx.playback.announce_next(two);
    assert!(!world.cx.playback.follow(two, ms(0), &KINDS[..1]), "another set of tracks needs a flush");
    assert!(world.cx.playback.follow(two, ms(0), &KINDS));
    // What was handed out of the first item may not change, and everything of it was.
    let dropped =
        first
            .video
            .truncate(first.committed(&world.cx, MediaKind::Video), Departure::Discarded(Discard::Seek), |_| true);
    assert_eq!((dropped, first.video.end()), (0, Some(ms(4000))));
}

#[test]
fn a_track_that_ended_before_the_longest_has_been_fed_to_its_own_end() {
    let (one, two) = (ItemId::default(), ItemId::default().next());
    let mut first = loaded(one, 0, 2, 100);
    let mut world = World::playing(&mut first);
    for position in [0, 1000, 2000, 3000] {
        world.play_to(position, &mut [&mut first]);
    }
    world.cx.playback.announce_next(two);
    assert!(world.cx.playback.follow(two, ms(3000), &KINDS));
    // In the times of the second item, which begins at 3 s where the audio of the first ends.
    let feed = world.cx.playback.feed();
    assert_eq!(KINDS.map(|kind| feed.end(two, kind)), [Some(ms(2900)), Some(ms(3000))]);
}
