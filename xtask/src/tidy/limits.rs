//! Figures that may only fall, until they reach their target. The committed table holds today's.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};

/// One counted figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Name in the table: a section and a key.
    pub section: String,
    pub key: String,
    pub value: u64,
    /// Value from which on nothing more is asked for.
    pub target: u64,
    /// Places that were counted, for the message.
    pub places: Vec<String>,
}

/// Outcome of a comparison.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Figures above their limit, each with its places.
    pub faults: Vec<String>,
    /// Limits that are higher than they need be.
    pub requests: Vec<String>,
}

/// The table of limits.
pub struct Limits(BTreeMap<String, BTreeMap<String, u64>>);

impl Limits {
    /// Reads a table of sections with whole numbers.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        toml::from_str(text).map(Self).context("the table of limits is not one of sections with whole numbers")
    }

    /// Compares each figure with its limit. A limit below the target counts as the target. A figure without a limit,
    /// and a limit without a figure, are errors: neither would hold anything.
    pub fn compare(&self, measures: &[Measure]) -> anyhow::Result<Verdict> {
        let mut verdict = Verdict::default();
        let mut missing = Vec::new();
        for measure in measures {
            let name = format!("[{}] {}", measure.section, measure.key);
            let limit = self.0.get(&measure.section).and_then(|section| section.get(&measure.key));
            let Some(limit) = limit.map(|limit| (*limit).max(measure.target)) else {
                missing.push(format!("{name} is {}, and the table has no limit for it", measure.value));
                continue;
            };
            if measure.value > limit {
                let places = measure.places.join("\n  ");
                verdict.faults.push(format!("{name} is {}, more than {limit}:\n  {places}", measure.value));
            }
            let lowest = measure.value.max(measure.target);
            if lowest < limit {
                verdict.requests.push(format!("{name} has fallen to {}: lower its limit to {lowest}", measure.value));
            }
        }
        for (section, keys) in &self.0 {
            for key in keys.keys() {
                if !measures.iter().any(|measure| measure.section == *section && measure.key == *key) {
                    missing.push(format!("the table limits [{section}] {key}, and nothing is counted under that name"));
                }
            }
        }
        if !missing.is_empty() {
            bail!("{}", missing.join("\n"));
        }
        Ok(verdict)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn measure(value: u64) -> Measure {
        let places = vec!["engine/feed.rs:7".to_owned()];
        Measure { section: "engine".to_owned(), key: "guards".to_owned(), value, target: 10, places }
    }

    #[test]
    fn a_figure_may_fall_and_never_rise() {
        let limits = Limits::parse("[engine]\nguards = 20\n").unwrap();
        let risen = limits.compare(&[measure(21)]).unwrap();
        assert_eq!(risen.faults, ["[engine] guards is 21, more than 20:\n  engine/feed.rs:7"]);
        let same = limits.compare(&[measure(20)]).unwrap();
        assert!(same.faults.is_empty() && same.requests.is_empty());
        let fallen = limits.compare(&[measure(15)]).unwrap();
        assert!(fallen.faults.is_empty());
        assert_eq!(fallen.requests, ["[engine] guards has fallen to 15: lower its limit to 15"]);
    }

    #[test]
    fn nothing_more_is_asked_for_at_the_target() {
        let limits = Limits::parse("[engine]\nguards = 10\n").unwrap();
        assert!(limits.compare(&[measure(3)]).unwrap().requests.is_empty());
        let limits = Limits::parse("[engine]\nguards = 0\n").unwrap();
        assert!(limits.compare(&[measure(10)]).unwrap().faults.is_empty());
        assert_eq!(limits.compare(&[measure(11)]).unwrap().faults.len(), 1);
    }

    #[test]
    fn figures_and_limits_without_each_other_are_errors() {
        let limits = Limits::parse("[engine]\nguards = 20\nglobs = 1\n").unwrap();
        assert!(limits.compare(&[measure(20)]).is_err());
        assert!(Limits::parse("[engine]\n").unwrap().compare(&[measure(0)]).is_err());
        assert!(Limits::parse("guards = 20\n").is_err());
    }
}
