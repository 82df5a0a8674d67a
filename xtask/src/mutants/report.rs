//! Outcomes of tested mutants: how they are counted and judged.

use std::fmt;

use anyhow::bail;

use super::sample::{Mutant, Part};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A test failed.
    Caught,
    /// All tests passed.
    Missed,
    /// The tests did not end within the time limit, as with a loop that lost its end. No run of tests accepts that.
    TimedOut,
    /// The change does not compile.
    Unviable,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Caught => "caught",
            Self::Missed => "missed",
            Self::TimedOut => "timeout",
            Self::Unviable => "unviable",
        })
    }
}

/// Result of one mutant.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub mutant: Mutant,
    pub verdict: Verdict,
    /// Test that failed, or why none did.
    pub by: String,
    /// Time to build and test, in seconds.
    pub seconds: f64,
}

/// Outcomes of a whole run. Its text is a table of the parts and a line for each survivor.
pub struct Report {
    outcomes: Vec<Outcome>,
}

impl Report {
    pub fn new(outcomes: Vec<Outcome>) -> Self {
        Self { outcomes }
    }

    fn count(&self, part: Option<Part>, verdict: Verdict) -> usize {
        let counts =
            |outcome: &&Outcome| part.is_none_or(|part| outcome.mutant.part == part) && outcome.verdict == verdict;
        self.outcomes.iter().filter(counts).count()
    }

    /// Returns the share of viable mutants that did not pass, in percent; `None` if there was no viable mutant.
    fn percentage(&self, part: Option<Part>) -> Option<f64> {
        let missed = self.count(part, Verdict::Missed);
        let noticed = self.count(part, Verdict::Caught) + self.count(part, Verdict::TimedOut);
        let ratio = |noticed: usize, all: usize| 100.0 * noticed as f64 / all as f64;
        (noticed + missed > 0).then(|| ratio(noticed, noticed + missed))
    }

    /// Fails if too few mutants were caught, or if none could be tested.
    pub fn check(&self, threshold: f64) -> anyhow::Result<()> {
        match self.percentage(None) {
            None => bail!("no mutant compiled, so nothing was tested"),
            Some(percentage) if percentage < threshold => {
                bail!("{percentage:.1} % of the mutants were caught; at least {threshold} % must be")
            }
            Some(_) => Ok(()),
        }
    }

    fn row(&self, formatter: &mut fmt::Formatter<'_>, name: &str, part: Option<Part>) -> fmt::Result {
        let [caught, timeout, missed, unviable] =
            [Verdict::Caught, Verdict::TimedOut, Verdict::Missed, Verdict::Unviable]
                .map(|verdict| self.count(part, verdict));
        let share = self.percentage(part).map_or("-".to_owned(), |percentage| format!("{percentage:.1} %"));
        writeln!(formatter, "{name:<10} {caught:>7} {timeout:>8} {missed:>7} {unviable:>9} {share:>9}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{:<10} {:>7} {:>8} {:>7} {:>9} {:>9}",
            "part", "caught", "timeout", "missed", "unviable", "noticed"
        )?;
        for part in Part::ALL {
            if self.outcomes.iter().any(|outcome| outcome.mutant.part == part) {
                self.row(formatter, &format!("{part:?}").to_lowercase(), Some(part))?;
            }
        }
        self.row(formatter, "all", None)?;
        for verdict in [Verdict::TimedOut, Verdict::Missed] {
            for outcome in self.outcomes.iter().filter(|outcome| outcome.verdict == verdict) {
                writeln!(formatter, "{verdict}: {} ({})", outcome.mutant.name, outcome.by)?;
            }
        }
        let seconds: f64 = self.outcomes.iter().map(|outcome| outcome.seconds).sum();
        write!(formatter, "{:.1} s to build and test a mutant, on average", seconds / self.outcomes.len().max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(name: &str, part: Part) -> Mutant {
        Mutant::for_tests(name, part)
    }

    fn outcome(part: Part, verdict: Verdict) -> Outcome {
        Outcome { mutant: mutant("m", part), verdict, by: "unit tests".to_owned(), seconds: 1.0 }
    }

    #[test]
    fn the_share_counts_timeouts_as_noticed_and_leaves_out_what_does_not_compile() {
        let verdicts = [Verdict::Caught, Verdict::Caught, Verdict::TimedOut, Verdict::Missed, Verdict::Unviable];
        let mut outcomes: Vec<Outcome> = verdicts.map(|verdict| outcome(Part::Text, verdict)).into();
        outcomes.push(outcome(Part::Abr, Verdict::Unviable));
        let report = Report::new(outcomes);
        assert_eq!(report.percentage(Some(Part::Text)), Some(75.0));
        assert_eq!(report.percentage(Some(Part::Abr)), None);
        assert!(report.check(75.0).is_ok());
        assert!(report.check(75.1).is_err());
        assert!(Report::new(vec![outcome(Part::Abr, Verdict::Unviable)]).check(0.0).is_err(), "nothing was tested");
        let text = report.to_string();
        assert!(
            text.contains("missed: m (unit tests)\n")
                && text.contains("timeout: m (unit tests)\n")
                && !text.contains("engine"),
            "{text}"
        );
    }
}
