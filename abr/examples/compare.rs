//! Several rules over made-up links, in virtual time, as a table of linear quality (Mbit/s) and of means.
//!
//! `cargo run -p abr --example compare`. `abr-sim compare` does the same with recorded traces and real films.

use std::{
    io::{self, Write},
    time::Duration,
};

use abr::{
    Rung,
    simulator::{
        link::{Link, Row, Trace},
        qoe,
        session::{self, Settings},
        video::Video,
    },
};

const RULES: [&str; 8] = ["default", "dynamic", "robust-mpc", "bola-e", "bola", "bba", "throughput", "lowest"];
/// A link by name: seconds and kbit/s, from the beginning again when they end.
type Shape = (&'static str, &'static [(u64, u64)]);
/// A home with neighbours, a train with tunnels, and a crowded cell.
const LINKS: [Shape; 3] = [
    ("home", &[(40, 6500), (15, 2800), (30, 5200), (8, 1900)]),
    ("train", &[(40, 5000), (8, 0), (20, 3500), (25, 1100), (12, 500), (30, 2600)]),
    ("cell", &[(7, 1500), (4, 600), (11, 2200), (3, 300), (6, 900), (9, 3800)]),
];

/// Plays a film of six minutes over each link with each rule and prints the scores.
///
/// # Errors
///
/// Those of `out`, and of the film or the links above if they make no sense.
pub fn run(out: &mut impl Write) -> io::Result<()> {
    let ladder = [300, 750, 1200, 1850, 2850, 4300].map(|kbps| Rung::new(kbps * 1000)).to_vec();
    let video = Video::new(ladder.clone(), Duration::from_secs(4), sizes(&ladder, 90)).map_err(io::Error::other)?;
    write!(out, "rule        ")?;
    for (name, _) in LINKS {
        write!(out, " {name:>8}")?;
    }
    writeln!(out, " |   mean  kbit/s  stalled %  start s  switches  wasted %")?;
    for name in RULES {
        write!(out, "{name:<12}")?;
        let mut scores = Vec::new();
        for (_, shape) in LINKS {
            let Some(mut rule) = abr::rule(name) else { continue };
            let session = session::play(&video, &link(shape)?, rule.as_mut(), Settings::default());
            let Some(score) = qoe::score(&video, &session) else { continue };
            write!(out, " {:>8.3}", score.linear)?;
            scores.push(score);
        }
        let Some(mean) = qoe::mean(&scores) else { continue };
        writeln!(
            out,
            " | {:>6.3} {:>7.0} {:>10.2} {:>8.2} {:>9.1} {:>9.2}",
            mean.linear,
            mean.kbps,
            mean.rebuffer_ratio * 100.0,
            mean.startup_s,
            mean.switches,
            mean.wasted_share * 100.0
        )?;
    }
    Ok(())
}

fn link(shape: &[(u64, u64)]) -> io::Result<Link> {
    let row = |&(seconds, kbps): &(u64, u64)| Row {
        duration: Duration::from_secs(seconds),
        bandwidth_bps: kbps * 1000,
        latency: Duration::from_millis(60),
    };
    Ok(Link::new(Trace::from_rows(shape.iter().map(row).collect()).map_err(io::Error::other)?))
}

/// Bytes of every segment: around what the ladder declares, as an encoder with variable rate would make them.
fn sizes(ladder: &[Rung], segments: u64) -> Vec<Vec<u64>> {
    let mut state = 1_u64;
    let mut next = move || {
        // A linear congruential generator: Knuth's constants, the high bits.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let of = |rung: &Rung, percent: u64| rung.bitrate_bps / 8 * 4 * percent / 100;
    (0..segments)
        .map(|_| 70 + next() % 61)
        .map(|percent| ladder.iter().map(|rung| of(rung, percent)).collect())
        .collect()
}

fn main() -> io::Result<()> {
    run(&mut io::stdout().lock())
}
