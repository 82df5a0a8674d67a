//! The simulator's player: its news to a rule and its use of the answers, compared with arithmetic by hand.

use std::time::Duration;

use abr::{
    Context, Decision, InFlight, Phase, Reason, Rule, Rung, Transfer, Verdict,
    simulator::{
        link::{Link, Row, Trace},
        session::{self, Session, Settings, Watch},
        video::Video,
    },
};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// A question about a segment: milliseconds, the phase, milliseconds of buffer, the rung before and the segments left.
type Asked = (u128, Phase, u128, Option<usize>, Option<u32>);

/// Answers from lists, and keeps what it is asked and shown.
#[derive(Default)]
struct Scripted {
    /// Answers to each question; the last one holds for the rest.
    rungs: Vec<usize>,
    wait: Option<Duration>,
    /// Bytes at which a transfer of the top rung is given up, once, and the rung for it.
    gives_up: Option<(u64, usize)>,
    /// Every transfer that is shown is given up for itself.
    stubborn: bool,
    asked: Vec<Asked>,
    shown: Vec<InFlight>,
    transfers: Vec<Transfer>,
}

impl Rule for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        let rung = self.rungs[self.asked.len().min(self.rungs.len() - 1)];
        let (now, buffer) = (context.now.as_millis(), context.buffer.as_millis());
        self.asked.push((now, context.phase, buffer, context.last, context.segments_left));
        let left = context.segments_left.map_or(0, |left| left as usize);
        assert_eq!(context.next_sizes.map(<[u64]>::len), Some(left.min(10) * context.rungs.len()));
        Decision { wait: self.wait, ..Decision::new(rung, Reason::Fixed) }
    }

    fn on_transfer(&mut self, transfer: &Transfer) {
        self.transfers.push(*transfer);
    }

    fn on_progress(&mut self, in_flight: &InFlight, context: &Context<'_>) -> Verdict {
        assert_eq!(
            (context.now, context.last, context.buffer),
            (in_flight.now, Some(in_flight.rung), in_flight.buffer)
        );
        self.shown.push(*in_flight);
        if self.stubborn {
            return Verdict::AbandonTo(in_flight.rung);
        }
        match self.gives_up {
            Some((bytes, rung)) if in_flight.rung > rung && in_flight.received >= bytes => {
                self.gives_up = None;
                Verdict::AbandonTo(rung)
            }
            _ => Verdict::Continue,
        }
    }

    fn estimate_bps(&self) -> Option<u64> {
        None
    }
}

/// Segments of two seconds and 250, 500 and 1000 kB.
fn film(segments: usize) -> Video {
    let rungs = [1, 2, 4].map(|mbps| Rung::new(mbps * 1_000_000)).to_vec();
    Video::constant(rungs, MS(2000), segments).expect("the film is well formed")
}

/// Rows of milliseconds and kilobits a second, at a latency of 100 ms.
fn play(rows: &[(u64, u64)], segments: usize, rule: &mut Scripted, settings: Settings) -> Session {
    let row = |&(millis, kbps): &(u64, u64)| Row { duration: MS(millis), bandwidth_bps: kbps * 1000, latency: MS(100) };
    let trace = Trace::from_rows(rows.iter().map(row).collect()).expect("the trace is well formed");
    session::play(&film(segments), &Link::new(trace), rule, settings)
}

#[test]
fn a_transfer_may_be_given_up_before_its_first_byte() {
    let mut rule = Scripted { rungs: vec![1], gives_up: Some((0, 0)), ..Scripted::default() };
    let settings = Settings { watch: Watch::Timer(MS(40)), ..Settings::default() };
    let session = play(&[(1000, 8000)], 1, &mut rule, settings);
    let silent = rule.transfers[0];
    assert_eq!((silent.at, silent.bytes, silent.ttfb, silent.duration), (MS(40), 0, MS(40), Duration::ZERO));
    // 250,000 bytes at 8 Mbit/s: 100 ms and a quarter of a second after the 40 ms that were lost.
    assert_eq!((session.startup, session.received, session.wasted), (MS(390), 250_000, 0));
    assert_eq!((session.abandoned, session.segments[0].rung), (1, 0));
}

/// Rung, stall, buffer, request and arrival of each segment, times in milliseconds.
fn segments(session: &Session) -> Vec<(usize, u128, u128, u128, u128)> {
    let of = |time: Duration| time.as_millis();
    let one = |played: &session::Played| {
        (played.rung, of(played.stall), of(played.buffer), of(played.requested), of(played.arrived))
    };
    session.segments.iter().map(one).collect()
}

#[test]
fn a_session_without_a_stall_is_arithmetic() {
    let mut rule = Scripted { rungs: vec![0, 2, 9, 0], ..Scripted::default() };
    let session = play(&[(1000, 8000)], 12, &mut rule, Settings { start: MS(500), ..Settings::default() });
    let wanted = [(0, 0, 2000, 500, 850), (2, 0, 2900, 850, 1950), (2, 0, 3800, 1950, 3050), (0, 0, 5450, 3050, 3400)];
    assert_eq!(segments(&session)[..4], wanted);
    let asked = [
        (500, Phase::StartUp, 0, None, Some(12)),
        (850, Phase::Steady, 2000, Some(0), Some(11)),
        (1950, Phase::Steady, 2900, Some(2), Some(10)),
        (3050, Phase::Steady, 3800, Some(2), Some(9)),
    ];
    assert_eq!(rule.asked[..4], asked);
    assert_eq!((session.startup, session.received), (MS(350), 10 * 250_000 + 2_000_000));
    assert_eq!((session.wasted, session.abandoned), (0, 0));
    let transfer = rule.transfers[1];
    assert_eq!(
        (transfer.at, transfer.bytes, transfer.ttfb, transfer.duration),
        (MS(1950), 1_000_000, MS(100), MS(1000))
    );
    assert_eq!((transfer.cached, transfer.concurrent), (false, 1));

    // Every 50 ms from the first byte at 950 ms on, before the last one; the first segment is shown never.
    let first = rule.shown[0];
    assert_eq!((first.now, first.rung, first.size, first.received), (MS(1000), 2, Some(1_000_000), 50_000));
    assert_eq!((first.elapsed, first.ttfb, first.buffer), (MS(150), Some(MS(100)), MS(1850)));
    assert_eq!(first.segment_duration, MS(2000));
    let times: Vec<u128> = rule.shown.iter().map(|shown| shown.now.as_millis()).take(20).collect();
    assert_eq!((times[18], times[19]), (1900, 2100));
}

#[test]
fn a_slow_transfer_is_shown_when_bytes_have_come_and_by_a_timer_always() {
    // 100 kbit/s carry 1500 bytes in 120 ms; the first segment of 250 kB takes 20 s.
    let mut rule = Scripted { rungs: vec![0], ..Scripted::default() };
    let _ = play(&[(1000, 100)], 2, &mut rule, Settings::default());
    let first = rule.shown[0];
    assert_eq!((first.now, first.received, first.elapsed), (MS(20_100 + 100 + 120), 1500, MS(220)));
    assert_eq!(rule.shown[1].now, MS(20_440));

    // Seven looks at 350 ms; the last would be with the last byte.
    let mut rule = Scripted { rungs: vec![0], ..Scripted::default() };
    let settings = Settings { watch: Watch::Timer(MS(50)), ..Settings::default() };
    let _ = play(&[(1000, 8000)], 1, &mut rule, settings);
    let shown: Vec<_> = rule.shown.iter().map(|shown| (shown.now, shown.received, shown.ttfb)).collect();
    let begun = Some(MS(100));
    let wanted = [
        (50, 0, None),
        (100, 0, begun),
        (150, 50_000, begun),
        (200, 100_000, begun),
        (250, 150_000, begun),
        (300, 200_000, begun),
    ];
    assert_eq!(shown, wanted.map(|(at, bytes, ttfb)| (MS(at), bytes, ttfb)));
    let settings = Settings { watch: Watch::Timer(Duration::ZERO), ..Settings::default() };
    let mut rule = Scripted { rungs: vec![0], ..Scripted::default() };
    let _ = play(&[(1000, 8000)], 1, &mut rule, settings);
    assert_eq!((rule.shown.len(), rule.shown[1].now), (349, MS(2)), "a timer of nothing is one of a millisecond");
}

#[test]
fn requests_wait_for_room_and_for_what_the_rule_says() {
    let asked = |goal: u64, wait: Option<u64>| {
        let mut rule = Scripted { rungs: vec![0], wait: wait.map(MS), ..Scripted::default() };
        let session = play(&[(1000, 8000)], 3, &mut rule, Settings { buffer_goal: MS(goal), ..Settings::default() });
        (segments(&session)[1..].iter().map(|segment| (segment.3, segment.2)).collect::<Vec<_>>(), rule.asked[2].0)
    };
    // 3.65 s are ahead at 700 ms, and two more must fit below the goal: the least is two segments.
    assert_eq!(asked(1000, None), (vec![(350, 3650), (2350, 3650)], 2350));
    assert_eq!(asked(4000, None), (vec![(350, 3650), (2350, 3650)], 2350));
    assert_eq!(asked(5000, None), (vec![(350, 3650), (1350, 4650)], 1350));
    assert_eq!(asked(30_000, Some(300)), (vec![(650, 3350), (1300, 4700)], 1000));
    // No longer than there is media: the first segment at once, the second when nothing is left, 350 ms of stall each.
    assert_eq!(asked(30_000, Some(9000)), (vec![(2350, 2000), (4700, 2000)], 2700));
}

#[test]
fn what_is_given_up_is_paid_for_and_not_begun_again() {
    let rows = [(400, 8000), (1_000_000, 1000)];
    let mut rule = Scripted { rungs: vec![0, 2], gives_up: Some((260_000, 0)), ..Scripted::default() };
    let session = play(&rows, 2, &mut rule, Settings::default());
    // From 450 ms on 125 bytes a millisecond: 262,500 of them at 2550, when nothing is ahead for 200 ms.
    assert_eq!(segments(&session), [(0, 0, 2000, 0, 350), (0, 2300, 2000, 2550, 4650)]);
    assert_eq!(
        rule.asked[1..],
        [(350, Phase::Steady, 2000, Some(0), Some(1)), (2550, Phase::Rebuffering, 0, Some(2), Some(1))]
    );
    assert_eq!((session.received, session.wasted, session.abandoned), (762_500, 262_500, 1));
    let given_up = rule.transfers[1];
    assert_eq!((given_up.at, given_up.bytes, given_up.ttfb, given_up.duration), (MS(2550), 262_500, MS(100), MS(2100)));

    // A lower rung that the rule prefers to what it advised is its own.
    for (answer, fetched) in [(2, 0), (1, 1), (0, 0)] {
        let mut rule = Scripted { rungs: vec![0, 2, answer], gives_up: Some((1, 0)), ..Scripted::default() };
        assert_eq!(play(&rows, 2, &mut rule, Settings::default()).segments[1].rung, fetched);
    }
    let mut rule = Scripted { rungs: vec![0], stubborn: true, ..Scripted::default() };
    let session = play(&[(1000, 8000)], 2, &mut rule, Settings::default());
    assert_eq!((session.abandoned, rule.shown.len(), session.wasted), (16, 16, 16 * 50_000));
}

#[test]
fn a_segment_that_arrives_may_be_played_as_far_as_it_has_come() {
    let play = |rung: usize, reserve: u64, progressive: bool| {
        let mut rule = Scripted { rungs: vec![0, rung], ..Scripted::default() };
        let settings = Settings { progressive, reserve: MS(reserve), ..Settings::default() };
        let session = play(&[(1000, 1000)], 2, &mut rule, settings);
        assert_eq!(session.startup, MS(2100), "the first segment is waited for");
        (session.segments[1].stall.as_millis(), session.segments[1].buffer.as_millis())
    };
    // The second segment comes 100 ms after the buffer is gone, and by then nearly all of it has come.
    assert_eq!(play(0, 0, false), (100, 2000));
    assert_eq!(play(0, 0, true), (0, 1900));
    // Of one that takes 4.1 s half has come when 1.9 s of it have been played: the last 200 ms are a stall.
    assert_eq!(play(1, 0, false), (2100, 2000));
    assert_eq!(play(1, 0, true), (200, 100));
    // A player that stops 200 ms early has 1.7 s before playback catches up with 1.3 s less 200 ms.
    assert_eq!(play(1, 200, false), (2300, 2200));
    assert_eq!(play(1, 200, true), (1000, 900));
}
