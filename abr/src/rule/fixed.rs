//! A rung that never changes: manual quality, tests, and the two ends of every comparison.

use crate::{Context, Decision, Reason, Rule, Transfer, estimator::Bandwidth};

/// Rung that [`Fixed`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// The lowest rung of the ladder.
    Lowest,
    /// This index, or the nearest one that exists and is permitted.
    Rung(usize),
    /// The highest that the caps permit.
    Highest,
}

/// Always the same rung, within the caps. It still measures, so that a host can show an estimate.
#[derive(Debug, Clone)]
pub struct Fixed {
    pin: Pin,
    bandwidth: Bandwidth,
}

impl Fixed {
    /// A rule that always answers `pin`.
    #[must_use]
    pub const fn new(pin: Pin) -> Self {
        Self { pin, bandwidth: Bandwidth::new() }
    }
}

impl Rule for Fixed {
    fn name(&self) -> &'static str {
        match self.pin {
            Pin::Lowest => "lowest",
            Pin::Rung(_) => "fixed",
            Pin::Highest => "highest",
        }
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        let wanted = match self.pin {
            Pin::Lowest => 0,
            Pin::Rung(rung) => rung.min(context.rungs.len().saturating_sub(1)),
            Pin::Highest => context.rungs.len().saturating_sub(1),
        };
        let rung = context.clamp(wanted);
        let reason = if context.rungs.len() <= 1 {
            Reason::Only
        } else if rung != wanted {
            Reason::Capped
        } else {
            Reason::Fixed
        };
        Decision::new(rung, reason)
    }

    fn on_transfer(&mut self, transfer: &Transfer) {
        self.bandwidth.observe(transfer);
    }

    fn estimate_bps(&self) -> Option<u64> {
        self.bandwidth.safe_bps()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Caps, Rung};
    use std::time::Duration;

    #[test]
    fn a_pin_is_held_within_the_ladder_and_the_caps() {
        let ladder = [1, 2, 3].map(|mbps| Rung::new(mbps * 1_000_000));
        let context = Context::new(&ladder, Duration::from_secs(2));
        let capped = Context { caps: Caps { max_height: None, max_bitrate_bps: Some(2_000_000) }, ..context.clone() };
        let one = Context { rungs: &ladder[..1], ..context.clone() };
        let answer = |pin, context: &Context<'_>| {
            let decision = Fixed::new(pin).select(context);
            (decision.representation, decision.reason)
        };
        let pins = [Pin::Lowest, Pin::Rung(1), Pin::Rung(7), Pin::Highest];
        let (fixed, bound) = (Reason::Fixed, Reason::Capped);
        assert_eq!(pins.map(|pin| answer(pin, &context)), [(0, fixed), (1, fixed), (2, fixed), (2, fixed)]);
        assert_eq!(pins.map(|pin| answer(pin, &capped)), [(0, fixed), (1, fixed), (1, bound), (1, bound)]);
        assert_eq!(pins.map(|pin| answer(pin, &one)), [(0, Reason::Only); 4]);
        assert_eq!(pins.map(|pin| Fixed::new(pin).name()), ["lowest", "fixed", "fixed", "highest"]);
    }

    #[test]
    fn it_measures_all_the_same() {
        let mut rule = Fixed::new(Pin::Lowest);
        assert_eq!(rule.estimate_bps(), None);
        rule.on_transfer(&Transfer {
            at: Duration::ZERO,
            bytes: 125_000,
            ttfb: Duration::ZERO,
            duration: Duration::from_secs(1),
            cached: false,
            concurrent: 1,
            others: 0,
        });
        assert_eq!(rule.estimate_bps(), Some(1_000_000));
    }
}
