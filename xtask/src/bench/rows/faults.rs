//! Faults of the server.

use std::time::Duration;

use super::{Bench, row};
use crate::bench::content::{DASH, DISCONTINUITY, FRAMES, HLS, LADDER, PART_SECONDS, SEGMENT_SECONDS};
use crate::bench::origin::Conditions;
use crate::bench::players::{Job, Player};
use crate::bench::session::Session;
use crate::bench::table::{Goal, Measured, Row};

/// Name and method of the part.
pub const DESCRIPTION: (&str, &str) = (
    "Faults",
    "Seconds in which the picture stood still in 26 s of play (38 s with the stalled body) at 5 Mbit/s and 20 ms, with a \
     fault on segment 3 of every rung, in the middle of it where it is one of the body; for players whose pictures are counted, the time that no picture accounts for, if that \
     is longer by more than 1.5 s. Where no rung has the segment (404, truncated, \
     garbage), its 4 s may be missing. *Stops* is a player that gives up, *hangs* one that shows nothing in the last 10 s and reports nothing. \
     With manifests that cannot be read, the row has the seconds until an error is reported. In the discontinuity, the times \
     of the media begin anew in the middle.",
);

/// Players whose pictures or positions are followed.
const ABLE: [Player; 4] = [Player::Kinora, Player::Playbin3, Player::Mpv, Player::Ffplay];
/// Time without an advance at the end of a session that is a hang.
const HANG: Duration = Duration::from_secs(10);
/// Difference between time and pictures that is not counted: the start, and pictures on their way.
const SLACK_S: f64 = 1.5;
/// Allowance for a missing segment: pictures on their way at the end.
const HALF_S: f64 = 0.5;
/// Time in which an error about a manifest is expected, in seconds.
const ERROR_S: f64 = 5.0;

/// Judgement of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// Playback goes on.
    Play,
    /// No rung has the segment, so its pictures are missing: playback goes on with the sound, or after it.
    PlayWithoutSegment,
    /// Playback goes on to the end of the film.
    PlayToTheEnd,
    /// An error is reported, because there is nothing to play.
    Error,
}

/// Fault of a row.
struct Case {
    name: &'static str,
    /// Keys of the rule in the plan, without its matching; `HALF` stands for half a segment in bytes.
    rule: &'static str,
    length: Duration,
    expect: Expect,
}

const fn case(name: &'static str, rule: &'static str, seconds: u64, expect: Expect) -> Case {
    Case { name, rule, length: Duration::from_secs(seconds), expect }
}

/// Faults of segments and manifests, each in HLS and in DASH.
const CASES: [Case; 7] = [
    case("404", "fault = { type = \"status\", code = 404 }", 26, Expect::PlayWithoutSegment),
    case("503 twice", "count = 2\nfault = { type = \"status\", code = 503 }", 26, Expect::Play),
    case("reset in mid-segment", "count = 1\nfault = { type = \"reset\", after_permille = 500 }", 26, Expect::Play),
    case(
        "body stalled for 15 s",
        "count = 1\nfault = { type = \"stall\", after_bytes = HALF, stall_ms = 15000 }",
        38,
        Expect::Play,
    ),
    case("truncated", "fault = { type = \"truncate\", after_bytes = HALF }", 26, Expect::PlayWithoutSegment),
    case("garbage", "fault = { type = \"corrupt\", every = 1 }", 26, Expect::PlayWithoutSegment),
    case("manifests of garbage", "fault = { type = \"corrupt\", every = 1 }", 10, Expect::Error),
];

/// Measures a round.
pub fn measure(bench: &Bench<'_>, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let players = bench.players.among(&ABLE);
    let mut runs = Vec::new();
    for case in &CASES {
        for (form, path) in [("HLS", HLS), ("DASH", DASH)] {
            let conditions = Conditions { faults: Some(plan(case, form)), ..Conditions::shaped() };
            runs.push((format!("{}, {form}", case.name), path, conditions, case.length, case.expect));
        }
    }
    let whole = Duration::from_secs(u64::from(PART_SECONDS) * 2 + 12);
    let name = "discontinuity, HLS".to_owned();
    runs.push((name, DISCONTINUITY, Conditions::shaped(), whole, Expect::PlayToTheEnd));
    let list: Vec<_> = runs.iter().flat_map(|run| players.iter().map(move |player| (run, *player))).collect();
    let results = Bench::in_lanes(&list, |((_, path, conditions, length, _), player)| {
        let job = Job { length: *length, is_watched: true, ..Job::default() };
        Ok(bench.play(*player, conditions, path, &job)?.0)
    })?;
    for (((name, _, _, length, expect), player), session) in list.into_iter().zip(results) {
        let goal = match expect {
            Expect::Error => Goal::AtMost(ERROR_S),
            Expect::PlayWithoutSegment => Goal::AtMost(f64::from(SEGMENT_SECONDS) + HALF_S),
            Expect::Play | Expect::PlayToTheEnd => Goal::AtMost(0.0),
        };
        let result = judge(&session, *length, *expect);
        row(rows, name, || Row::new("faults", &**name, "s", 1, goal).without_ratios()).add(player, result);
    }
    Ok(())
}

/// Returns the fault plan of a case: a rule for each rung, so that each has its own count and the half of its own segments.
fn plan(case: &Case, form: &str) -> String {
    let name = case.name;
    if case.expect == Expect::Error {
        // The media playlists; the multivariant playlist can be read.
        let path = if form == "HLS" { r"^media_\d+\.m3u8$" } else { r"\.mpd$" };
        return format!("[[rule]]\nname = \"{name}\"\npath = '{path}'\n{}\n", case.rule);
    }
    let rules = LADDER.iter().zip(0..).map(|((_, kbps), rung)| {
        // A kilobit is 125 bytes.
        let half = kbps * 125 * SEGMENT_SECONDS / 2;
        let rule = case.rule.replace("HALF", &half.to_string());
        format!("[[rule]]\nname = \"{name}\"\npath = '^chunk-{rung}-3\\.m4s$'\n{rule}\n")
    });
    rules.collect()
}

/// Returns the figure of a session, or the reason for which it has none.
fn judge(session: &Session, length: Duration, expect: Expect) -> Measured {
    let seconds = session.length.as_secs_f64();
    let is_early = session.length + Duration::from_millis(500) < length;
    if expect == Expect::Error {
        return match session.first_frame {
            Some(_) => Err("plays a part".to_owned()),
            None if session.error.is_some() || is_early => Ok(seconds),
            None => Err("hangs".to_owned()),
        };
    }
    if let Some(error) = &session.error {
        return Err(format!("stops after {seconds:.0} s: {error}"));
    }
    let Some(first) = session.first_frame else { return Err("no picture".to_owned()) };
    if is_early && !session.ended && expect != Expect::PlayToTheEnd {
        return Err(format!("stops after {seconds:.0} s"));
    }
    let stands = |hold: &&crate::bench::session::Hold| hold.at + hold.length >= session.length;
    if session.holds.iter().find(stands).is_some_and(|hold| hold.length >= HANG) {
        return Err("hangs".to_owned());
    }
    let frozen = session.frozen_s();
    let played = match expect {
        Expect::PlayToTheEnd => f64::from(PART_SECONDS) * 2.0,
        _ => session.length.saturating_sub(first).as_secs_f64(),
    };
    let unshown = session.frames.map_or(0.0, |frames| played - frames as f64 / FRAMES);
    Ok(if unshown > frozen + SLACK_S { unshown } else { frozen })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::session::Hold;
    use kinora_faults::{Effect, FaultPlan, Request};

    const LENGTH: Duration = Duration::from_secs(26);

    fn session() -> Session {
        Session { length: LENGTH, first_frame: Some(Duration::from_secs(1)), ..Session::default() }
    }

    #[test]
    fn every_plan_is_read_and_strikes_what_it_should() {
        for case in &CASES {
            for (form, struck, spared) in [
                ("HLS", ["chunk-0-3.m4s", "media_1.m3u8"], ["chunk-4-3.m4s", "master.m3u8"]),
                ("DASH", ["chunk-3-3.m4s", "manifest.mpd"], ["chunk-0-13.m4s", "init-0.mp4"]),
            ] {
                let mut plan = FaultPlan::parse(&plan(case, form)).expect("a plan");
                let mut strikes = |path| plan.verdict(&Request { path, ..Request::default() }).effect.is_some();
                let is_manifest = case.expect == Expect::Error;
                assert_eq!(struck.map(&mut strikes), [!is_manifest, is_manifest], "{} {form}", case.name);
                assert_eq!(spared.map(&mut strikes), [false, false], "{} {form}", case.name);
            }
        }
    }

    #[test]
    fn counts_are_of_each_rung() {
        let mut plan = FaultPlan::parse(&plan(&CASES[1], "HLS")).expect("a plan");
        let mut strikes = |path| plan.verdict(&Request { path, ..Request::default() }).effect.is_some();
        let [low, high] = ["chunk-0-3.m4s", "chunk-3-3.m4s"];
        assert_eq!([low, low, high, low, high, high].map(&mut strikes), [true, true, true, false, true, false]);
    }

    #[test]
    fn a_body_breaks_off_in_its_middle() {
        let mut plan = FaultPlan::parse(&plan(&CASES[4], "HLS")).expect("a plan");
        let effect = plan.verdict(&Request { path: "chunk-3-3.m4s", ..Request::default() }).effect;
        assert_eq!(effect, Some(Effect::Shorten { after_bytes: 650_000 }));
    }

    #[test]
    fn sessions_are_judged_by_pictures() {
        assert_eq!(judge(&session(), LENGTH, Expect::Play), Ok(0.0));
        let mut held = session();
        held.holds.push(Hold { at: Duration::from_secs(9), length: Duration::from_secs(4) });
        assert_eq!(judge(&held, LENGTH, Expect::Play), Ok(4.0));
        held.frames = Some(24 * 15);
        assert_eq!(judge(&held, LENGTH, Expect::Play), Ok(10.0), "the clock went on without pictures");
        held.holds[0].length = Duration::from_secs(17);
        assert_eq!(judge(&held, LENGTH, Expect::Play), Err("hangs".to_owned()));
        let stopped = Session { error: Some("lost".to_owned()), length: Duration::from_secs(9), ..session() };
        assert_eq!(judge(&stopped, LENGTH, Expect::Play), Err("stops after 9 s: lost".to_owned()));
        let left = Session { length: Duration::from_secs(9), ..session() };
        assert_eq!(judge(&left, LENGTH, Expect::Play), Err("stops after 9 s".to_owned()));
        assert_eq!(
            judge(&Session { first_frame: None, ..session() }, LENGTH, Expect::Play),
            Err("no picture".to_owned())
        );
    }

    #[test]
    fn a_bad_manifest_needs_an_error() {
        let length = Duration::from_secs(10);
        let none = Session { first_frame: None, ..session() };
        let failed =
            Session { error: Some("ManifestInvalid".to_owned()), length: Duration::from_secs(1), ..none.clone() };
        assert_eq!(judge(&failed, length, Expect::Error), Ok(1.0));
        assert_eq!(judge(&Session { length, ..none }, length, Expect::Error), Err("hangs".to_owned()));
        assert_eq!(judge(&session(), length, Expect::Error), Err("plays a part".to_owned()));
    }

    #[test]
    fn a_discontinuity_shows_every_picture() {
        let length = Duration::from_secs(52);
        let ended = Session { length: Duration::from_secs(41), ended: true, frames: Some(960), ..session() };
        assert_eq!(judge(&ended, length, Expect::PlayToTheEnd), Ok(0.0));
        let short = Session { frames: Some(480), ..ended };
        assert_eq!(judge(&short, length, Expect::PlayToTheEnd), Ok(20.0));
    }
}
