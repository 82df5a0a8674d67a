//! Outcomes of tested mutants: how they are read, counted and judged.

use std::fmt;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;

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

impl Verdict {
    /// Reads the word that begins a line of progress.
    fn of_line(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "caught" => Some(Self::Caught),
            "missed" => Some(Self::Missed),
            "timeout" => Some(Self::TimedOut),
            "unviable" => Some(Self::Unviable),
            _ => None,
        }
    }

    fn of_summary(summary: &str) -> Option<Self> {
        match summary {
            "CaughtMutant" => Some(Self::Caught),
            "MissedMutant" => Some(Self::Missed),
            "Timeout" => Some(Self::TimedOut),
            "Unviable" => Some(Self::Unviable),
            _ => None,
        }
    }
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

/// Reads a line of progress of `cargo mutants`, such as `CAUGHT   src/a.rs:1:2: replace f in 3s build + 1s test`.
pub fn decided<'a>(line: &str, mutants: &'a [Mutant]) -> Option<(&'a Mutant, Verdict)> {
    let (word, rest) = line.split_once(' ')?;
    let verdict = Verdict::of_line(word)?;
    let rest = rest.trim_start();
    // One name may begin another: the longest is the one.
    let named = mutants.iter().filter(|mutant| rest.starts_with(&mutant.name));
    named.max_by_key(|mutant| mutant.name.len()).map(|mutant| (mutant, verdict))
}

/// Reads `outcomes.json`. Fails unless each of the mutants has an outcome: none may be lost.
pub fn read(path: &Path, mutants: &[Mutant], phase: &str) -> anyhow::Result<Vec<Outcome>> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let json: Value = serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    let rows = json.get("outcomes").and_then(Value::as_array).context("no outcomes")?;
    let mut outcomes = Vec::new();
    for mutant in mutants {
        let is_named =
            |row: &&Value| row.pointer("/scenario/Mutant/name").and_then(Value::as_str) == Some(&mutant.name);
        let row = rows.iter().find(is_named).with_context(|| format!("no outcome of {}", mutant.name))?;
        let summary = row.get("summary").and_then(Value::as_str).unwrap_or_default();
        let verdict = Verdict::of_summary(summary).with_context(|| format!("{}: {summary}", mutant.name))?;
        let steps = row.get("phase_results").and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
        let seconds = steps.iter().filter_map(|step| step.get("duration").and_then(Value::as_f64)).sum();
        outcomes.push(Outcome { mutant: mutant.clone(), verdict, by: phase.to_owned(), seconds });
    }
    Ok(outcomes)
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
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn mutant(name: &str, part: Part) -> Mutant {
        Mutant::for_tests(name, part)
    }

    fn outcome(part: Part, verdict: Verdict) -> Outcome {
        Outcome { mutant: mutant("m", part), verdict, by: "unit tests".to_owned(), seconds: 1.0 }
    }

    #[test]
    fn a_line_of_progress_names_its_mutant() {
        let mutants = [
            mutant("a.rs:1:2: replace f -> u8 with 1", Part::Abr),
            mutant("a.rs:1:2: replace f -> u8 with 11", Part::Abr),
        ];
        let line = "CAUGHT   a.rs:1:2: replace f -> u8 with 11 in 3s build + 1s test";
        assert_eq!(decided(line, &mutants), Some((&mutants[1], Verdict::Caught)));
        assert_eq!(
            decided("TIMEOUT  a.rs:1:2: replace f -> u8 with 1", &mutants),
            Some((&mutants[0], Verdict::TimedOut))
        );
        assert_eq!(decided("Found 2 mutants to test", &mutants), None);
        assert_eq!(decided("MISSED   b.rs:1:2: replace g", &mutants), None);
    }

    #[test]
    fn an_outcome_is_read_and_a_lost_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outcomes.json");
        let text = r#"{"outcomes": [
            {"scenario": "Baseline", "summary": "Success"},
            {"scenario": {"Mutant": {"name": "m"}}, "summary": "MissedMutant",
             "phase_results": [{"phase": "Build", "duration": 2.5}, {"phase": "Test", "duration": 1.5}]},
            {"scenario": {"Mutant": {"name": "broken"}}, "summary": "Failure"}
        ]}"#;
        std::fs::write(&path, text).unwrap();
        let outcomes = read(&path, &[mutant("m", Part::Drm)], "unit tests").unwrap();
        assert_eq!((outcomes[0].verdict, outcomes[0].seconds), (Verdict::Missed, 4.0));
        for lost in ["another", "broken"] {
            let error = read(&path, &[mutant(lost, Part::Drm)], "unit tests").unwrap_err();
            assert!(error.to_string().contains(lost), "{error}");
        }
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
