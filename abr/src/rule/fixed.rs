//! A rung that never changes: manual quality, tests, and the two ends of every comparison.

use crate::{Context, Decision, Reason, Rule, Transfer, estimator::Bandwidth};

/// Which rung [`Fixed`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// The lowest.
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
