//! What the simulator's player tells a rule, and what it makes of the answers, by hand.

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

/// A question about a segment: its time, the phase, the buffer, the rung before and the segments left.
type Asked = (Duration, Phase, Duration, Option<usize>, Option<u32>);

/// Answers from lists, and keeps what it is asked and shown.
#[derive(Default)]
struct Scripted {
    /// Answers to each question; the last one holds for the rest.
    rungs: Vec<usize>,
    wait: Option<Duration>,
    /// Bytes at which a transfer of the top rung is given up, once, and the rung for it.
    gives_up: Option<(u64, usize)>,
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
        self.asked.push((context.now, context.phase, context.buffer, context.last, context.segments_left));
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

/// Segments of two seconds at 1 and 4 Mbit/s.
fn film(segments: usize) -> Video {
    let rungs = vec![Rung::new(1_000_000), Rung::new(4_000_000)];
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
