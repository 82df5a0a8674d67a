//! The [`Rule`] trait and the table of rules by name. Each algorithm lives in its own file below.

mod bba;
mod bola;
mod bola_e;
pub(crate) mod candidate;
mod dynamic;
mod first_picture;
mod fixed;
mod planner;
mod robust_mpc;
mod throughput;

pub use bba::Bba;
pub use bola::Bola;
pub use bola_e::BolaE;
pub use dynamic::Dynamic;
pub use fixed::{Fixed, Pin};
pub use planner::{Planner, Tuning};
pub use robust_mpc::RobustMpc;
pub use throughput::Throughput;

use crate::{Context, Decision, Explanation, History, InFlight, Transfer, Verdict};

/// A bitrate rule: events in, one index out.
///
/// Call [`select`](Rule::select) before each segment, [`on_transfer`](Rule::on_transfer) after each transfer of the
/// session (whatever it carried), [`on_progress`](Rule::on_progress) while a segment of the ladder is arriving.
/// No method panics, blocks, reads a clock or allocates, whatever its arguments are.
pub trait Rule: Send {
    /// The name by which [`rule()`] makes this rule.
    fn name(&self) -> &'static str;

    /// Chooses the rung of the next segment.
    fn select(&mut self, context: &Context<'_>) -> Decision;

    /// Learns from a finished transfer, or from the part that had arrived when it was given up.
    fn on_transfer(&mut self, transfer: &Transfer) {
        let _ = transfer;
    }

    /// Judges a running transfer; `context` describes the present, its `last` is the rung in flight.
    fn on_progress(&mut self, in_flight: &InFlight, context: &Context<'_>) -> Verdict {
        let _ = (in_flight, context);
        Verdict::Continue
    }

    /// The playhead jumped: the buffer is another one, the network is the same.
    fn on_seek(&mut self) {}

    /// Bandwidth that may be relied upon, in bits per second; `None` until something was learned.
    fn estimate_bps(&self) -> Option<u64>;

    /// Returns the weights of the latest decision; `None` of a rule that keeps none.
    fn explain(&self) -> Option<Explanation> {
        None
    }

    /// Starts from an earlier session's knowledge of this network. Call it before the first transfer.
    fn seed(&mut self, history: &History) {
        let _ = history;
    }
}

/// Makes a rule by name: `default`, `dynamic`, `robust-mpc`, `bola-e`, `bola`, `bba`, `throughput`, `fixed:N` (always rung `N`), `lowest` or `highest`.
#[must_use]
pub fn rule(name: &str) -> Option<Box<dyn Rule>> {
    if let Some(rung) = name.strip_prefix("fixed:") {
        return rung.parse().ok().map(|rung| Box::new(Fixed::new(Pin::Rung(rung))) as Box<dyn Rule>);
    }
    match name {
        "default" => Some(default_rule()),
        "dynamic" => Some(Box::new(Dynamic::new())),
        "bba" => Some(Box::new(Bba::new())),
        "bola-e" => Some(Box::new(BolaE::new())),
        "robust-mpc" => Some(Box::new(RobustMpc::new())),
        "bola" => Some(Box::new(Bola::new())),
        "throughput" => Some(Box::new(Throughput::new())),
        "lowest" => Some(Box::new(Fixed::new(Pin::Lowest))),
        "highest" => Some(Box::new(Fixed::new(Pin::Highest))),
        _ => None,
    }
}

/// The rule that players should use unless they have a reason not to.
#[must_use]
pub fn default_rule() -> Box<dyn Rule> {
    Box::new(Planner::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_makes_the_rule_of_that_name() {
        let names =
            ["default", "dynamic", "bba", "bola-e", "robust-mpc", "bola", "throughput", "lowest", "highest", "fixed:2"];
        for name in names {
            let found = rule(name).map(|rule| rule.name());
            assert!(found.is_some_and(|found| name.split(':').next() == Some(found)), "{name}: {found:?}");
        }
        assert!(["", "Bola", "fixed", "fixed:", "fixed:-1"].iter().all(|name| rule(name).is_none()));
    }
}
