//! A rule that records the decisions of another one and their reasons. Decisions pass through unchanged.

use std::time::Duration;

use crate::{Context, Decision, Explanation, History, InFlight, Rule, Transfer, Verdict};

/// One question and its answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// Time at which it was asked.
    pub now: Duration,
    /// Buffered media ahead at that time.
    pub buffer: Duration,
    /// Decision of the rule; `None` if a running transfer was given up for `rung`.
    pub decision: Option<Decision>,
    /// The rung that was chosen.
    pub rung: usize,
    /// Weights behind the decision, if the rule keeps them.
    pub explanation: Option<Explanation>,
}

/// Wraps a rule and records its decisions.
pub struct Recorder<'a> {
    rule: &'a mut dyn Rule,
    entries: Vec<Entry>,
}

impl<'a> Recorder<'a> {
    /// Returns a recorder of `rule`.
    pub fn new(rule: &'a mut dyn Rule) -> Self {
        Self { rule, entries: Vec::new() }
    }

    /// Returns the decisions so far, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl Rule for Recorder<'_> {
    fn name(&self) -> &'static str {
        self.rule.name()
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        let decision = self.rule.select(context);
        self.entries.push(Entry {
            now: context.now,
            buffer: context.buffer,
            decision: Some(decision),
            rung: decision.representation,
            explanation: self.rule.explain(),
        });
        decision
    }

    fn on_transfer(&mut self, transfer: &Transfer) {
        self.rule.on_transfer(transfer);
    }

    fn on_progress(&mut self, in_flight: &InFlight, context: &Context<'_>) -> Verdict {
        let verdict = self.rule.on_progress(in_flight, context);
        if let Verdict::AbandonTo(rung) = verdict {
            let entry = Entry { now: in_flight.now, buffer: context.buffer, decision: None, rung, explanation: None };
            self.entries.push(entry);
        }
        verdict
    }

    fn on_seek(&mut self) {
        self.rule.on_seek();
    }

    fn estimate_bps(&self) -> Option<u64> {
        self.rule.estimate_bps()
    }

    fn explain(&self) -> Option<Explanation> {
        self.rule.explain()
    }

    fn seed(&mut self, history: &History) {
        self.rule.seed(history);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rung;

    #[test]
    fn a_recorder_passes_everything_on() {
        let ladder = [1, 2, 4].map(|mbps| Rung::new(mbps * 1_000_000));
        let context = Context { buffer: Duration::from_secs(9), ..Context::new(&ladder, Duration::from_secs(2)) };
        let mut plain = crate::default_rule();
        let mut rule = crate::default_rule();
        let mut recorder = Recorder::new(rule.as_mut());
        assert_eq!((recorder.name(), recorder.explain(), recorder.estimate_bps()), ("default", None, None));
        let history = History { bandwidth_bps: 3_000_000, ttfb: Duration::from_millis(50) };
        plain.seed(&history);
        recorder.seed(&history);
        assert!(recorder.estimate_bps().is_some_and(|bps| bps > 1_000_000));
        assert_eq!(recorder.estimate_bps(), plain.estimate_bps());
        assert_eq!(recorder.select(&context), plain.select(&context));
        assert!(recorder.explain().is_some());
        assert_eq!(recorder.explain(), plain.explain());
        let entry = recorder.entries()[0];
        assert_eq!((entry.buffer, entry.explanation), (context.buffer, plain.explain()));
        assert_eq!(entry.decision.map(|decision| decision.representation), Some(entry.rung));
        plain.on_seek();
        recorder.on_seek();
        assert_eq!((recorder.explain(), plain.explain()), (None, None), "a seek ends the plan");
    }
}
