//! Playing through: boundaries that change codec, size, frame rate, sample rate and channels at once, media that is
//! missing before or after them, and media that overruns them. Every frame comes once, in order and at its time, and
//! every beep with its flash.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use kinora_media::patchwork::{self, NUMBERS, Patch, Patchwork};
use player_core::{Command, Event, LoadRequest, MediaTime, PlayerConfig, SeekMode};

use crate::support::binaries;
use crate::support::servers::{Server, python};
use crate::support::show::{Counter, PATIENCE, Show};

/// What viewers do not notice.
const LIMIT: i64 = 40_000_000;
/// How far the time of a picture may be from what its container says.
const ROUNDING: i64 = 2_000_000;
/// Shows at the same time: they wait for their clocks most of the time.
const AT_ONCE: usize = 4;

/// One presentation of the table.
struct Case {
    name: &'static str,
    patches: Vec<Patch>,
    /// Spans that are jumped over, milliseconds.
    jumps: Vec<(i64, i64)>,
    /// Parts of the warnings that announce what is not presented.
    warnings: Vec<&'static str>,
    /// DASH can say it.
    dash: bool,
    /// HLS can say it, too.
    hls: bool,
}

fn pieces() -> PathBuf {
    binaries().parent().unwrap().join("patchwork")
}

/// Makes a presentation and serves it.
fn serve(patches: &[Patch]) -> (tempfile::TempDir, Patchwork, Server) {
    let dir = tempfile::tempdir().unwrap();
    let made = patchwork::write(&pieces(), dir.path(), patches).unwrap();
    let server = python(dir.path());
    (dir, made, server)
}

/// Events on the way to the end.
#[derive(Default)]
struct Played {
    /// Spans that were jumped over, nanoseconds.
    jumps: Vec<(i64, i64)>,
    /// Texts of the warnings.
    warnings: Vec<String>,
}

/// Plays to the end without a warning; returns the spans that were jumped over, or what went wrong.
fn play_to_end(show: &Show) -> Result<Vec<(i64, i64)>, String> {
    let Played { jumps, warnings } = play_through(show)?;
    if warnings.is_empty() { Ok(jumps) } else { Err(format!("warnings: {warnings:?}")) }
}

/// Plays to the end; returns what happened, or what went wrong.
fn play_through(show: &Show) -> Result<Played, String> {
    let begin = Instant::now();
    let mut played = Played::default();
    loop {
        if begin.elapsed() > PATIENCE {
            return Err(format!("it hangs: {:?} {:?}", show.player, show.player.snapshot().state));
        }
        match show.player.wait_event(Duration::from_millis(200)) {
            Some(Event::Ended) => return Ok(played),
            Some(Event::Failed { error }) => return Err(format!("failed: {error}")),
            Some(Event::Warning { error }) => played.warnings.push(error.to_string()),
            Some(Event::GapSkipped { from, to }) => played.jumps.push((from.as_nanos(), to.as_nanos())),
            _ => {}
        }
    }
}

/// Everything that is wrong with what a show has shown.
fn faults(show: &Show, made: &Patchwork) -> Vec<String> {
    let mut faults = Vec::new();
    let pictures = show.pictures();
    let numbers: Vec<Option<u32>> = pictures.iter().map(|picture| picture.counter).collect();
    let expected: Vec<Option<u32>> = made.frames.iter().map(|(number, _)| Some(*number)).collect();
    if numbers != expected {
        let missing: Vec<u32> =
            expected.iter().filter(|number| !numbers.contains(number)).map(|n| n.unwrap()).collect();
        let at = numbers.iter().zip(&expected).position(|(seen, told)| seen != told);
        let near = at.map(|at| &pictures[at.saturating_sub(2)..(at + 3).min(pictures.len())]);
        faults.push(format!("{} frames of {}, without {missing:?}; {near:?}", numbers.len(), expected.len()));
    }
    for (picture, (number, at)) in pictures.iter().zip(&made.frames) {
        if picture.counter == Some(*number) && (picture.pts.as_nanos() - at).abs() > ROUNDING {
            faults.push(format!("frame {number} came at {:?}, not at {at} ns", picture.pts));
            break;
        }
    }
    let beeps: Vec<i64> = show.beeps().iter().map(|beep| beep.pts.as_nanos()).collect();
    let near = |at: &i64| beeps.iter().map(|beep| beep - at).min_by_key(|apart| apart.abs());
    for (at, apart) in made.beeps.iter().map(|at| (at, near(at))) {
        if apart.is_none_or(|apart| apart.abs() > LIMIT) {
            faults.push(format!("the beep at {at} ns is {apart:?} ns away"));
        }
    }
    // A beep right after another one is part of it.
    let apart = made.beeps.windows(2).filter(|pair| pair[1] - pair[0] > 250_000_000).count();
    let told = apart + usize::from(!made.beeps.is_empty());
    if beeps.len() != told {
        faults.push(format!("{} beeps of {told}: {beeps:?}", beeps.len()));
    }
    let stats = &show.player.snapshot().stats;
    if !stats.stalls.is_empty() || stats.frames.corrupt > 0 || stats.frames.dropped > 0 {
        faults.push(format!("stalls {:?}, {:?}", stats.stalls, stats.frames));
    }
    let short = stats.played.as_nanos() as i64 - made.duration;
    if short.abs() > 150_000_000 {
        faults.push(format!("played {:?} of {} ns", stats.played, made.duration));
    }
    faults
}

fn play(case: &Case, manifest: &str) -> Vec<String> {
    let (_dir, made, server) = serve(&case.patches);
    let show = Show::new(PlayerConfig::default(), Counter::Demo);
    show.load(LoadRequest::new(server.url.join(manifest).unwrap()));
    let mut faults = match play_through(&show) {
        Err(fault) => vec![fault],
        Ok(Played { warnings, .. })
            if warnings.len() != case.warnings.len()
                || !warnings.iter().zip(&case.warnings).all(|(warning, part)| warning.contains(part)) =>
        {
            vec![format!("warnings {warnings:?}, not {:?}", case.warnings)]
        }
        Ok(Played { jumps, .. }) => {
            let near = |a: i64, b: i64| (a - b * 1_000_000).abs() <= 45_000_000;
            let as_told = jumps.len() == case.jumps.len()
                && jumps.iter().zip(&case.jumps).all(|(jump, told)| near(jump.0, told.0) && near(jump.1, told.1));
            if as_told { Vec::new() } else { vec![format!("jumped {jumps:?}, not {:?}", case.jumps)] }
        }
    };
    faults.extend(self::faults(&show, &made));
    faults.into_iter().map(|fault| format!("{} ({manifest}): {fault}", case.name)).collect()
}

/// Plays all cases in both protocols, a few at a time.
fn play_all(cases: Vec<Case>) {
    // Encoded before the clocks run.
    let dir = tempfile::tempdir().unwrap();
    patchwork::write(&pieces(), dir.path(), &[Patch::whole("avc-aac")]).unwrap();
    let todo: VecDeque<(&Case, &str)> = cases
        .iter()
        .flat_map(|case| [case.dash.then_some((case, patchwork::DASH)), case.hls.then_some((case, patchwork::HLS))])
        .flatten()
        .collect();
    let todo = Mutex::new(todo);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = todo.lock().unwrap().pop_front();
                    let Some((case, manifest)) = next else { break };
                    let faults = play(case, manifest);
                    wrong.lock().unwrap().extend(faults);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn case(name: &'static str, patches: &[Patch]) -> Case {
    Case { name, patches: patches.to_vec(), jumps: Vec::new(), warnings: Vec::new(), dash: true, hls: true }
}

impl Case {
    fn jumping(mut self, from: i64, to: i64) -> Self {
        self.jumps.push((from, to));
        self
    }

    fn warning(mut self, part: &'static str) -> Self {
        self.warnings.push(part);
        self
    }

    fn hls_only(mut self) -> Self {
        self.dash = false;
        self
    }

    fn dash_only(mut self) -> Self {
        self.hls = false;
        self
    }
}

const A: Patch = Patch::whole("avc-aac");
const B: Patch = Patch::whole("hevc-aac");
const C: Patch = Patch::whole("vp9-opus");
const D: Patch = Patch::whole("avc-ac3");
const E: Patch = Patch::whole("av1-flac");
const F: Patch = Patch::whole("avc-mp3");

#[test]
fn a_boundary_may_change_everything() {
    play_all(vec![
        case("avc-aac to hevc-aac to vp9-opus", &[A, B, C]),
        case("avc-ac3 to av1-flac to avc-mp3", &[D, E, F]),
        case("the same decoder for another film", &[A, D, A]),
        // Media past the end of a period is not presented (ISO/IEC 23009-1 §5.3.2), which is announced once.
        case("media that overruns its period", &[B.lasting(2500), D.lasting(1300), A.lasting(2020), F])
            .dash_only()
            .warning("outside of their period"),
    ]);
}

#[test]
fn containers_may_change() {
    let (a, b, d, f) =
        (A.in_transport_stream(), B.in_transport_stream(), D.in_transport_stream(), F.in_transport_stream());
    play_all(vec![
        case("transport stream and packed AAC, then fragmented", &[a, C, E]).hls_only(),
        case("fragmented, then transport stream and packed AC-3, and back", &[A, d, B]).hls_only(),
        case("transport streams of other codecs", &[b, f, a]).hls_only(),
    ]);
}

#[test]
fn gaps_at_the_end_of_a_period() {
    play_all(vec![
        case("pictures end 90 ms early", &[A.pictures(0, 90), B]),
        case("pictures end 700 ms early", &[A.pictures(0, 700), B]),
        case("pictures end 1.4 s early", &[C.pictures(0, 1400), A]),
        case("sound ends 90 ms early", &[A.sound(0, 90), B]),
        case("sound ends 700 ms early", &[A.sound(0, 700), B]),
        case("sound ends 1.4 s early", &[C.sound(0, 1400), D]),
        case("both end 200 ms early", &[A.pictures(0, 200).sound(0, 200), B]),
        case("both end early", &[A.pictures(0, 1500).sound(0, 1400), B]).jumping(1600, 3000),
        case("a period longer than its media", &[B.lasting(4000), A]).jumping(3000, 4000).dash_only(),
        case("the last period is longer than its media", &[A, B.lasting(4500)]).jumping(6000, 7500).dash_only(),
    ]);
}

#[test]
fn gaps_at_the_begin_of_a_period() {
    play_all(vec![
        case("pictures begin half a second late", &[A, C.pictures(500, 0)]).dash_only(),
        case("pictures begin a second late", &[B, A.pictures(1000, 0)]),
        case("sound begins 90 ms late", &[A, B.sound(90, 0)]).dash_only(),
        case("sound begins 700 ms late", &[A, D.sound(700, 0)]).dash_only(),
        case("sound begins nearly a second late", &[A, B.sound(900, 0)]),
        case("both begin late", &[A, C.pictures(1000, 0).sound(900, 0)]).jumping(3000, 3900),
        case("the first period begins with sound alone", &[A.pictures(500, 0), B]).dash_only(),
        case("the first period begins with pictures alone", &[D.sound(800, 0), B]).dash_only(),
    ]);
}

#[test]
fn gaps_on_both_sides_of_a_boundary() {
    play_all(vec![
        case("pictures", &[A.pictures(0, 700), C.pictures(500, 0)]).dash_only(),
        case("sound", &[A.sound(0, 700), B.sound(600, 0)]).dash_only(),
        case("pictures, then sound", &[A.pictures(0, 700), B.sound(600, 0)]).dash_only(),
        case("sound, then pictures", &[A.sound(0, 700), C.pictures(500, 0)]).dash_only(),
        case("both", &[A.pictures(0, 800).sound(0, 700), C.pictures(500, 0).sound(600, 0)])
            .jumping(2300, 3500)
            .dash_only(),
        case("everywhere", &[A.sound(200, 1200), C.pictures(500, 600), A.mute(), D.sound(1100, 90), C.blind(), B])
            .dash_only(),
    ]);
}

#[test]
fn a_period_without_a_track_plays_through() {
    play_all(vec![
        case("no sound in the middle", &[A, B.mute(), D]),
        case("no pictures in the middle", &[A, B.blind(), D]),
        case("no sound at first", &[C.mute(), A]).dash_only(),
        case("no sound at last", &[A, C.mute()]),
        case("no pictures at last", &[A, C.blind()]),
        case("no pictures at first", &[C.blind(), A]).dash_only(),
    ]);
}

/// Seeks in a paused film: each shows the picture with its number and stays where it was sent.
fn seeks(patches: &[Patch], targets: &[(i64, u32)]) {
    let (_dir, made, server) = serve(patches);
    let show = Show::new(PlayerConfig::default(), Counter::Demo);
    show.load(LoadRequest::new(server.url.join(patchwork::DASH).unwrap()));
    show.until("first picture", |event| matches!(event, Event::FirstFrame { .. }));
    show.player.send(Command::Pause).unwrap();
    // All of it is here, so that what lies before a gap is, too.
    let end = MediaTime::from_nanos(made.duration - 200_000_000);
    let held = || show.player.snapshot().buffered.iter().last().is_some_and(|range| range.end >= end);
    while !held() {
        let event = show.player.wait_event(Duration::from_millis(20));
        assert!(!matches!(event, Some(Event::Failed { .. })), "{event:?}");
    }
    for (at, number) in targets {
        let before = show.pictures().len();
        show.player.seek_to(MediaTime::from_millis(*at), SeekMode::Exact).unwrap();
        show.until("end of the seek", |event| matches!(event, Event::SeekCompleted { .. }));
        show.until_pictures(before + 1);
        let shown = show.pictures().last().and_then(|picture| picture.counter);
        assert_eq!(shown, Some(*number), "after a seek to {at} ms in {patches:?}");
        assert_eq!(show.player.position(), MediaTime::from_millis(*at));
    }
    show.player.send(Command::Play).unwrap();
    assert!(play_to_end(&show).is_ok());
}

#[test]
fn seeks_onto_and_around_boundaries() {
    let (b, c) = (NUMBERS, 2 * NUMBERS);
    seeks(
        &[A, B, C],
        &[(3000, b), (2990, 71), (3010, b), (6000, c), (5990, b + 89), (2960, 71), (6050, c + 1), (0, 0)],
    );
}

#[test]
fn a_seek_into_a_gap_of_the_pictures_shows_the_last_one() {
    seeks(&[A.pictures(0, 1000), B], &[(2500, 47), (2000, 47), (1990, 47), (3000, NUMBERS), (2900, 47)]);
}

#[test]
fn other_rates_show_every_frame() {
    let patches = [A, B, C.sound(500, 900), D.mute(), E, F];
    for rate in [4.0, 2.0] {
        let (_dir, made, server) = serve(&patches);
        let show = Show::new(PlayerConfig::default(), Counter::Demo);
        show.player.send(Command::SetRate(rate)).unwrap();
        show.load(LoadRequest::new(server.url.join(patchwork::DASH).unwrap()));
        assert_eq!(play_to_end(&show), Ok(Vec::new()));
        let numbers: Vec<Option<u32>> = show.pictures().iter().map(|picture| picture.counter).collect();
        let expected: Vec<Option<u32>> = made.frames.iter().map(|(number, _)| Some(*number)).collect();
        assert_eq!(numbers, expected, "at {rate}");
    }
}

#[test]
fn at_the_sinks_sound_and_picture_stay_together() {
    let (_dir, made, server) = serve(&[A, B, C, D, E]);
    let show = Show::new(PlayerConfig::default(), Counter::Demo);
    show.load(LoadRequest::new(server.url.join(patchwork::HLS).unwrap()));
    assert_eq!(play_to_end(&show), Ok(Vec::new()));
    let (pictures, beeps) = (show.pictures(), show.beeps());
    let mut apart: Vec<Duration> = Vec::new();
    for at in &made.beeps {
        let picture = pictures.iter().min_by_key(|picture| (picture.pts.as_nanos() - at).abs()).unwrap();
        let beep = beeps.iter().min_by_key(|beep| (beep.pts.as_nanos() - at).abs()).unwrap();
        assert!(picture.flash, "{picture:?}");
        apart.push(beep.at.max(picture.at) - beep.at.min(picture.at));
    }
    apart.sort_unstable();
    assert!(apart[apart.len() / 2] <= Duration::from_nanos(LIMIT as u64), "{apart:?}");
}
