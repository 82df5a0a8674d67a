//! Mutants that no switch can hold, built and tested one after another.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::build::Builder;
use super::report::{Outcome, Verdict};
use super::sample::{Mutant, Position};
use super::trial::{self, Subject};

/// Counts tested mutants and prints each as it is decided.
pub struct Progress {
    total: usize,
    decided: AtomicUsize,
}

impl Progress {
    pub fn new(total: usize) -> Self {
        Self { total, decided: AtomicUsize::new(0) }
    }

    /// Counts and prints this outcome.
    pub fn decide(&self, outcome: &Outcome) {
        let number = self.decided.fetch_add(1, Ordering::Relaxed) + 1;
        println!("[{number}/{}] {} ({}): {}", self.total, outcome.verdict, outcome.by, outcome.mutant.name);
    }
}

/// Tests one mutant in a copy of the sources that is otherwise unchanged: its file is changed, the tests are built and
/// run phase by phase until one fails, and the file is restored. `patience` is the time that each program may take.
pub fn test(builder: &Builder<'_>, mutant: &Mutant, patience: &BTreeMap<String, Duration>) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let path = builder.tree.join(&mutant.file);
    let source = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let write = |text: &str| std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()));
    write(&apply(&source, mutant).with_context(|| format!("no such place: {}", mutant.name))?)?;
    let decided = run(builder, patience);
    write(&source)?;
    let (verdict, by) = decided?;
    Ok(Outcome { mutant: mutant.clone(), verdict, by, seconds: started.elapsed().as_secs_f64() })
}

fn run(builder: &Builder<'_>, patience: &BTreeMap<String, Duration>) -> anyhow::Result<(Verdict, String)> {
    let folder = builder.tree.join(builder.plan.folder());
    for phase in builder.plan.phases {
        let Some(programs) = builder.build_plain(phase)? else {
            return Ok((Verdict::Unviable, "it does not compile".to_owned()));
        };
        let allowed = |name: &str| patience.get(name).copied().unwrap_or(trial::MIN_PATIENCE);
        let of_one = programs.iter().map(|program| Subject::of_one(program, &folder, allowed(&program.name)));
        let decision = trial::decide(&of_one.collect::<Vec<_>>(), 0)?;
        if decision.verdict != Verdict::Missed {
            return Ok((decision.verdict, decision.by));
        }
    }
    Ok((Verdict::Missed, "built alone".to_owned()))
}

/// Returns the source with the replacement in its place; `None` if the place is outside of the source.
fn apply(source: &str, mutant: &Mutant) -> Option<String> {
    let (start, end) = (offset(source, mutant.start)?, offset(source, mutant.end)?);
    Some([source.get(..start)?, &mutant.replacement, source.get(end..)?].concat())
}

fn offset(source: &str, position: Position) -> Option<usize> {
    let line_start: usize = source.split_inclusive('\n').take(position.line.checked_sub(1)?).map(str::len).sum();
    let mut characters = source.get(line_start..)?.char_indices().map(|(at, _)| at);
    Some(line_start + characters.nth(position.column.checked_sub(1)?)?)
}

#[cfg(test)]
mod tests {
    use super::super::sample::Part;
    use super::*;

    #[test]
    fn a_mutant_takes_the_place_of_its_code() {
        let source = "fn f() {\n    // ä\n    /* ä */ 1 + 2\n}\n";
        let place = |start, end| Mutant {
            start: Position { line: 3, column: start },
            end: Position { line: 3, column: end },
            replacement: "-".to_owned(),
            ..Mutant::for_tests("m", Part::Abr)
        };
        let changed = source.replace('+', "-");
        assert_eq!(apply(source, &place(15, 16)), Some(changed));
        assert_eq!(apply(source, &place(15, 90)), None);
    }
}
