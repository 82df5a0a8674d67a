//! Comparison of scores with labels.

use std::fmt;

use crate::assessment::{ATTACK, Action, Assessment};

/// Precision and recall at a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AtThreshold {
    /// Score from which on an event counts as an attack.
    pub threshold: f64,
    /// Share of attacks among the events that count as one; 1 if none does.
    pub precision: f64,
    /// Share of attacks that count as one; 1 if there is none.
    pub recall: f64,
}

impl AtThreshold {
    fn of(threshold: f64, (found, flagged, attacks): (usize, usize, usize)) -> Self {
        let share = |part: usize, all: usize| if all == 0 { 1.0 } else { part as f64 / all as f64 };
        Self { threshold, precision: share(found, flagged), recall: share(found, attacks) }
    }

    /// Returns the harmonic mean of both.
    pub fn f1(&self) -> f64 {
        let sum = self.precision + self.recall;
        if sum == 0.0 { 0.0 } else { 2.0 * self.precision * self.recall / sum }
    }
}

/// Result of an evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Rows with a label.
    pub rows: usize,
    /// Rows that are labelled as an attack.
    pub attacks: usize,
    /// At the threshold that the actions use.
    pub used: AtThreshold,
    /// At the threshold whose mean of precision and recall is highest.
    pub best: AtThreshold,
    /// Average precision: the mean of the precisions at each attack in order of the scores.
    pub average_precision: f64,
    /// Rows without attack that were limited.
    pub clean_limited: usize,
    /// Rows without attack whose score means an attack.
    pub clean_flagged: usize,
}

/// Compares assessments with labels, `true` for an attack.
pub fn evaluate(rows: &[(&Assessment, bool)]) -> Evaluation {
    let attacks = rows.iter().filter(|(_, is_attack)| *is_attack).count();
    let mut ranked: Vec<(f64, bool)> =
        rows.iter().map(|(assessment, is_attack)| (assessment.score, *is_attack)).collect();
    ranked.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
    let mut evaluation = Evaluation { rows: rows.len(), attacks, ..Evaluation::default() };
    let (mut flagged, mut found, mut sum) = (0, 0, 0.0);
    for same in ranked.chunk_by(|(a, _), (b, _)| a == b) {
        let attacks_here = same.iter().filter(|(_, is_attack)| *is_attack).count();
        flagged += same.len();
        found += attacks_here;
        let here = AtThreshold::of(same[0].0, (found, flagged, attacks));
        sum += attacks_here as f64 * here.precision;
        if here.f1() > evaluation.best.f1() {
            evaluation.best = here;
        }
    }
    evaluation.average_precision = if attacks == 0 { 1.0 } else { sum / attacks as f64 };
    let over = |is_attack: bool| {
        rows.iter().filter(|(assessment, label)| *label == is_attack && assessment.score >= ATTACK).count()
    };
    evaluation.clean_flagged = over(false);
    evaluation.used = AtThreshold::of(ATTACK, (over(true), over(true) + over(false), attacks));
    let is_limited = |(assessment, is_attack): &&(&Assessment, bool)| !is_attack && assessment.action == Action::Limit;
    evaluation.clean_limited = rows.iter().filter(is_limited).count();
    evaluation
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |at: &AtThreshold| {
            format!("precision {:.4}  recall {:.4}  at a score of {:.3}", at.precision, at.recall, at.threshold)
        };
        writeln!(f, "{} rows, {} of them attacks", self.rows, self.attacks)?;
        writeln!(f, "{}", line(&self.used))?;
        writeln!(f, "{}  (the best)", line(&self.best))?;
        writeln!(f, "average precision {:.4}", self.average_precision)?;
        write!(f, "clean rows: {} limited, {} taken for attacks", self.clean_limited, self.clean_flagged)
    }
}

#[cfg(test)]
mod tests {
    use super::{AtThreshold, evaluate};
    use crate::assessment::{Action, Assessment};

    fn scored(score: f64, action: Action) -> Assessment {
        Assessment { score, reasons: Vec::new(), action }
    }

    #[test]
    fn figures_are_those_of_a_case_worked_by_hand() {
        let rows = [
            (scored(0.9, Action::Limit), true),
            (scored(0.8, Action::Limit), false),
            (scored(0.7, Action::StepUp), true),
            (scored(0.4, Action::Log), true),
            (scored(0.1, Action::Allow), false),
        ];
        let rows: Vec<(&Assessment, bool)> = rows.iter().map(|(row, is_attack)| (row, *is_attack)).collect();
        let result = evaluate(&rows);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(result.used.precision, 2.0 / 3.0) && close(result.used.recall, 2.0 / 3.0), "{result}");
        assert!(close(result.best.threshold, 0.4) && close(result.best.precision, 0.75), "{result}");
        assert!(close(result.average_precision, (1.0 + 2.0 / 3.0 + 0.75) / 3.0), "{result}");
        assert_eq!((result.clean_limited, result.clean_flagged), (1, 1));
        let nothing = evaluate(&[]);
        assert_eq!(nothing.used, AtThreshold { threshold: 0.5, precision: 1.0, recall: 1.0 });
    }
}
