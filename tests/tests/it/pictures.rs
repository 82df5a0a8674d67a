//! The pictures are the right ones: each frame once, in order, across switches and after seeks.

use std::collections::BTreeSet;
use std::time::Duration;

use player_core::{Command, Event, LoadRequest, MediaTime, PlayerConfig, QualityChoice, SeekMode};

use crate::support::servers::python;
use crate::support::show::{Counter, Show};
use crate::support::{film, films};

/// Little is buffered, so that a chosen quality is on screen soon.
fn shallow() -> PlayerConfig {
    PlayerConfig { buffer_goal: Duration::from_secs(5), ..PlayerConfig::default() }
}

fn quality(show: &Show, height: u32) -> QualityChoice {
    let snapshot = show.player.snapshot();
    let found = snapshot.qualities.iter().find(|quality| quality.height == Some(height));
    QualityChoice::Representation(found.unwrap_or_else(|| panic!("no {height}p in {snapshot:?}")).id.clone())
}

fn switches_show_every_frame_once(manifest: &str, index: usize) {
    let film = film(index);
    let server = python(&films());
    let show = Show::new(shallow(), Counter::Demo);
    show.load(LoadRequest::new(server.url.join(&format!("{}/{manifest}", film.id)).unwrap()));
    show.until("first picture", |event| matches!(event, Event::FirstFrame { .. }));
    for (at, height) in [(1, 240), (5, 720), (9, 360), (13, 480)] {
        show.until_position(MediaTime::from_millis(at * 1000));
        show.player.send(Command::SelectQuality(quality(&show, height))).unwrap();
    }
    show.until("end", |event| matches!(event, Event::Ended));
    let frames = u32::try_from(film.frames).unwrap();
    assert_eq!(show.runs(), [(0, frames)], "first number and length of each run");
    let pictures = show.pictures();
    assert!(pictures.windows(2).all(|pair| pair[0].pts < pair[1].pts), "times go up");
    let heights: BTreeSet<u32> = pictures.iter().map(|picture| picture.height).collect();
    assert!(heights.len() >= 4, "four qualities were on screen: {heights:?}");
    let stats = &show.player.snapshot().stats;
    assert_eq!((stats.frames.presented, stats.frames.corrupt), (film.frames, 0));
    assert!(stats.stalls.is_empty(), "{:?}", stats.stalls);
}

#[test]
fn hls_shows_every_frame_once_across_switches() {
    switches_show_every_frame_once("master.m3u8", 0);
}

#[test]
fn dash_shows_every_frame_once_across_switches() {
    switches_show_every_frame_once("manifest.mpd", 1);
}

#[test]
fn an_exact_seek_begins_with_the_frame_at_its_target() {
    let film = film(2);
    let rate = film.frame_rate.fps();
    let server = python(&films());
    let show = Show::new(shallow(), Counter::Demo);
    show.load(LoadRequest::new(server.url.join(&format!("{}/master.m3u8", film.id)).unwrap()));
    show.until("first picture", |event| matches!(event, Event::FirstFrame { .. }));
    // Ahead and behind, buffered and not, between and on key frames; the last two go over what was decoded already.
    let targets = [15.3, 4.0, 18.26, 4.9, 3.52];
    for seconds in targets {
        show.player.seek_to(MediaTime::from_secs_f64(seconds), SeekMode::Exact).unwrap();
        let done = show.until("end of the seek", |event| matches!(event, Event::SeekCompleted { .. }));
        let Event::SeekCompleted { error_nanos, .. } = done else { unreachable!() };
        assert_eq!(error_nanos, 0, "the picture at {seconds} s is the one on screen then");
        show.until_pictures(show.pictures().len() + 10);
    }
    let begins: Vec<u32> = show.runs().iter().map(|run| run.0).collect();
    let expected: Vec<u32> =
        std::iter::once(0).chain(targets.iter().map(|seconds| (seconds * rate + 1e-6).floor() as u32)).collect();
    assert_eq!(begins, expected, "first number of each run");
    assert!(show.runs().iter().skip(1).all(|run| run.1 >= 8), "pictures follow each seek: {:?}", show.runs());
}

#[test]
fn a_paused_seek_shows_its_picture_and_holds_it() {
    let film = film(3);
    let server = python(&films());
    let show = Show::new(shallow(), Counter::Demo);
    let mut request = LoadRequest::new(server.url.join(&format!("{}/manifest.mpd", film.id)).unwrap());
    request.play_when_ready = false;
    show.load(request);
    show.until("first picture", |event| matches!(event, Event::FirstFrame { .. }));
    show.player.seek_to(MediaTime::from_millis(7_700), SeekMode::Exact).unwrap();
    show.until("end of the seek", |event| matches!(event, Event::SeekCompleted { .. }));
    let expected = (7.7 * film.frame_rate.fps() + 1e-6).floor() as u32;
    assert_eq!(show.pictures().last().and_then(|picture| picture.counter), Some(expected));
    assert_eq!(show.player.position(), MediaTime::from_millis(7_700));
}
