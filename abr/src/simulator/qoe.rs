//! The score of a session. Measures only; nothing here decides.
//!
//! Linear: mean over segments of rate − weight · stall − |change of rate|, in Mbit/s, start-up charged like a stall
//! (Yin et al., SIGCOMM 2015, §3; Mao, Netravali, Alizadeh: "Neural Adaptive Video Streaming with Pensieve", SIGCOMM
//! 2017). The weight of a second is the top rung. Logarithmic: the same with the logarithm of the rate over the lowest.

use std::time::Duration;

use serde::Serialize;

use crate::{
    Rung,
    simulator::{session::Session, video::Video},
};

/// The figures of one session, or the means of several.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Score {
    /// Linear quality of experience per segment, in Mbit/s.
    pub linear: f64,
    /// Logarithmic quality of experience per segment.
    pub logarithmic: f64,
    /// Mean declared rate, in kbit/s.
    pub kbps: f64,
    /// Stalled share of the time in which something should have been shown, start-up excluded.
    pub rebuffer_ratio: f64,
    /// Seconds until the first segment was complete.
    pub startup_s: f64,
    /// Number of changes of rung.
    pub switches: f64,
    /// Bytes given up, as a share of those received.
    pub wasted_share: f64,
}

/// Scores `session`, which must have been played from `video`; `None` if nothing was played.
#[must_use]
pub fn score(video: &Video, session: &Session) -> Option<Score> {
    let rungs = video.rungs();
    let rates: Vec<f64> = session.segments.iter().map(|segment| mbps(&rungs[segment.rung])).collect();
    let count = rates.len() as f64;
    let (lowest, highest) = (mbps(rungs.first()?).max(1e-6), mbps(rungs.last()?));
    let logs: Vec<f64> = rates.iter().map(|rate| (rate / lowest).ln()).collect();
    if rates.is_empty() {
        return None;
    }
    let stall = session.segments.iter().map(|segment| segment.stall).sum::<Duration>().as_secs_f64();
    let startup = session.startup.as_secs_f64();
    let quality = |values: &[f64], second: f64| {
        let changes: f64 = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
        (values.iter().sum::<f64>() - changes - second * (stall + startup)) / count
    };
    let shown = video.segment().as_secs_f64() * count;
    let switches = session.segments.windows(2).filter(|pair| pair[0].rung != pair[1].rung).count();
    Some(Score {
        linear: quality(&rates, highest),
        logarithmic: quality(&logs, (highest / lowest).ln()),
        kbps: rates.iter().sum::<f64>() / count * 1000.0,
        rebuffer_ratio: stall / (stall + shown),
        startup_s: startup,
        switches: switches as f64,
        wasted_share: session.wasted as f64 / session.received.max(1) as f64,
    })
}

/// The mean of each figure; `None` of nothing.
#[must_use]
pub fn mean(scores: &[Score]) -> Option<Score> {
    let count = scores.len() as f64;
    let of = |figure: fn(&Score) -> f64| scores.iter().map(figure).sum::<f64>() / count;
    (!scores.is_empty()).then(|| Score {
        linear: of(|score| score.linear),
        logarithmic: of(|score| score.logarithmic),
        kbps: of(|score| score.kbps),
        rebuffer_ratio: of(|score| score.rebuffer_ratio),
        startup_s: of(|score| score.startup_s),
        switches: of(|score| score.switches),
        wasted_share: of(|score| score.wasted_share),
    })
}

fn mbps(rung: &Rung) -> f64 {
    rung.bitrate_bps as f64 / 1e6
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::{Reason, simulator::session::Played};

    #[test]
    fn counts_by_hand() {
        let ladder = vec![Rung::new(1_000_000), Rung::new(2_000_000)];
        let video = Video::constant(ladder, Duration::from_secs(2), 3).unwrap();
        let played = |rung, stall| Played {
            rung,
            reason: Reason::Hold,
            requested: Duration::ZERO,
            arrived: Duration::ZERO,
            stall: Duration::from_millis(stall),
            buffer: Duration::ZERO,
        };
        let session = Session {
            segments: vec![played(0, 0), played(1, 0), played(1, 500)],
            startup: Duration::from_millis(250),
            received: 100,
            wasted: 10,
            abandoned: 1,
        };
        let score = score(&video, &session).unwrap();
        // (1 + 2 + 2 − 1 − 2 · 0.75) / 3
        assert!((score.linear - 2.5 / 3.0).abs() < 1e-12, "{score:?}");
        // (0 + ln 2 + ln 2 − ln 2 − 0.75 · ln 2) / 3
        assert!((score.logarithmic - 0.25 * 2f64.ln() / 3.0).abs() < 1e-12, "{score:?}");
        assert!((score.rebuffer_ratio - 0.5 / 6.5).abs() < 1e-12);
        assert_eq!((score.switches, score.wasted_share), (1.0, 0.1));
        assert!((score.kbps - 5000.0 / 3.0).abs() < 1e-9);
        assert_eq!(score.startup_s, 0.25);
        assert_eq!(mean(&[score, score]), Some(score));
        assert_eq!(mean(&[]), None);
        assert_eq!(super::score(&video, &Session::default()), None);
    }

    #[test]
    fn means_are_of_each_figure() {
        let figures = |at: f64| Score {
            linear: at,
            logarithmic: at * 2.0,
            kbps: at * 3.0,
            rebuffer_ratio: at * 4.0,
            startup_s: at * 5.0,
            switches: at * 6.0,
            wasted_share: at * 7.0,
        };
        assert_eq!(mean(&[figures(1.0), figures(4.0), figures(7.0)]), Some(figures(4.0)));
    }
}
