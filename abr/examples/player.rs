//! The smallest client: pick a rung, fetch it, report the transfer, give up when the rule advises it. One line a
//! segment.
//!
//! `cargo run -p abr --example player`. The link is made up and the clock is a counter, so every run prints the same.
//! Nothing of the simulator is used: this is what a player of your own has to do.

use std::{
    io::{self, Write},
    time::Duration,
};

use abr::{Caps, Context, InFlight, Phase, Rule, Rung, Transfer, Verdict};

/// Ladder from 240p to 1080p.
const LADDER: [Rung; 6] = [
    Rung::new(300_000).with_height(240),
    Rung::new(750_000).with_height(360),
    Rung::new(1_200_000).with_height(480),
    Rung::new(1_850_000).with_height(576),
    Rung::new(2_850_000).with_height(720),
    Rung::new(4_300_000).with_height(1080),
];
const SEGMENT: Duration = Duration::from_secs(4);
const SEGMENTS: u32 = 30;
const GOAL: Duration = Duration::from_secs(24);
/// Interval at which the client examines a running transfer.
const TICK: Duration = Duration::from_millis(50);
/// From a request to the first byte of its answer.
const TTFB: Duration = Duration::from_millis(100);

/// Bits per second that the link carries: good, then suddenly bad, then better than before, and never quite even.
fn link_bps(now: Duration) -> u64 {
    let level = match now.as_secs() {
        0..45 => 3_400_000,
        45..75 => 600_000,
        _ => 9_000_000,
    };
    level / 100 * (75 + now.as_secs() * 37 % 51)
}

/// The client's clock and its buffer.
struct Client {
    now: Duration,
    buffer: Duration,
    stalled: Duration,
    /// Rung of the segment before.
    last: Option<usize>,
    fetched: u32,
}

/// Result of a request.
enum Outcome {
    Complete,
    GivenUp,
}

impl Client {
    fn tick(&mut self) {
        self.now += TICK;
        if self.fetched > 0 {
            self.stalled += TICK.saturating_sub(self.buffer);
            self.buffer = self.buffer.saturating_sub(TICK);
        }
    }

    /// Input of the rule. A television of 720 lines needs no 1080p.
    fn context(&self) -> Context<'static> {
        let phase = match (self.fetched, self.buffer.is_zero()) {
            (0, _) => Phase::StartUp,
            (_, true) => Phase::Rebuffering,
            (_, false) => Phase::Steady,
        };
        Context {
            now: self.now,
            last: self.last,
            phase,
            buffer: self.buffer,
            buffer_goal: GOAL,
            segments_left: Some(SEGMENTS - self.fetched),
            caps: Caps { max_height: Some(720), ..Caps::default() },
            ..Context::new(&LADDER, SEGMENT)
        }
    }

    /// Fetches a segment, asks every tick whether to go on, and reports the transfer to the rule.
    fn fetch(&mut self, rung: usize, rule: &mut dyn Rule) -> Outcome {
        let size = self.context().nominal_bytes(rung);
        let (started, mut received, mut outcome) = (self.now, 0, Outcome::Complete);
        while received < size {
            self.tick();
            let elapsed = self.now - started;
            if elapsed > TTFB {
                let bits = u128::from(link_bps(self.now)) * TICK.as_millis() / 1000;
                received = size.min(received + bits as u64 / 8);
            }
            let in_flight = InFlight {
                now: self.now,
                rung,
                size: Some(size),
                received,
                elapsed,
                ttfb: (received > 0).then_some(TTFB),
                buffer: self.buffer,
                segment_duration: SEGMENT,
                others: 0,
            };
            let context = Context { last: Some(rung), ..self.context() };
            // The first segment is waited for: giving it up would only start the film later.
            if self.fetched > 0 && matches!(rule.on_progress(&in_flight, &context), Verdict::AbandonTo(_)) {
                outcome = Outcome::GivenUp;
                break;
            }
        }
        rule.on_transfer(&Transfer {
            at: self.now,
            bytes: received,
            ttfb: TTFB.min(self.now - started),
            duration: (self.now - started).saturating_sub(TTFB),
            cached: false,
            concurrent: 1,
            others: 0,
        });
        outcome
    }
}

/// Plays the film and prints what happened.
///
/// # Errors
///
/// Those of `out`.
pub fn run(out: &mut impl Write) -> io::Result<()> {
    let mut rule = abr::default_rule();
    let mut client =
        Client { now: Duration::ZERO, buffer: Duration::ZERO, stalled: Duration::ZERO, last: None, fetched: 0 };
    writeln!(out, "segment    asked at     kbit/s  why            took   buffer")?;
    while client.fetched < SEGMENTS {
        while client.buffer + SEGMENT > GOAL {
            client.tick();
        }
        let asked = client.now;
        let decision = rule.select(&client.context());
        let rung = decision.representation;
        let outcome = client.fetch(rung, rule.as_mut());
        client.last = Some(rung);
        let end = match outcome {
            Outcome::Complete => {
                client.buffer += SEGMENT;
                client.fetched += 1;
                ""
            }
            // The same segment is asked for again, and the rule answers with what it advised.
            Outcome::GivenUp => "  given up",
        };
        writeln!(
            out,
            "{:>7} {:>9.2} s {:>10}  {:<12} {:>4.2} s {:>6.2} s{end}",
            client.fetched + u32::from(matches!(outcome, Outcome::GivenUp)),
            asked.as_secs_f64(),
            LADDER[rung].bitrate_bps / 1000,
            decision.reason,
            (client.now - asked).as_secs_f64(),
            client.buffer.as_secs_f64(),
        )?;
    }
    writeln!(out, "stalled for {:.2} s", client.stalled.as_secs_f64())
}

fn main() -> io::Result<()> {
    run(&mut io::stdout().lock())
}
