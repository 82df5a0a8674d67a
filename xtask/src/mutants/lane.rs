//! A copy of the sources in which `cargo mutants` builds and tests one mutant after another.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, bail};

use super::plan::{PLANS, Phase, Plan};
use super::report::{self, Outcome, Verdict};
use super::sample::{self, Mutant};
use super::tree;

/// Counts tested mutants over all lanes and prints each as it is decided.
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

/// A folder of `target/mutants` and the program that makes mutants in it.
pub struct Lane<'a> {
    pub home: PathBuf,
    /// Folder for what is built.
    pub target: PathBuf,
    pub program: &'a Path,
}

impl Lane<'_> {
    /// Tests these mutants. Fails if the unchanged sources do not pass their tests.
    pub fn run(&self, root: &Path, mutants: &[Mutant], progress: &Progress) -> anyhow::Result<Vec<Outcome>> {
        tree::copy(root, &self.home.join("tree"))?;
        let mut outcomes = Vec::new();
        for plan in &PLANS {
            let mut open: Vec<Mutant> =
                mutants.iter().filter(|mutant| plan.parts.contains(&mutant.part)).cloned().collect();
            for (index, phase) in plan.phases.iter().enumerate() {
                let is_last = index + 1 == plan.phases.len();
                let mut missed = Vec::new();
                for outcome in self.test(plan, phase, &open, progress, is_last)? {
                    if outcome.verdict == Verdict::Missed && !is_last {
                        missed.push(outcome.mutant);
                    } else {
                        outcomes.push(outcome);
                    }
                }
                open = missed;
            }
        }
        Ok(outcomes)
    }

    /// Runs `cargo mutants` once over these mutants.
    fn test(
        &self,
        plan: &Plan,
        phase: &Phase,
        mutants: &[Mutant],
        progress: &Progress,
        is_last: bool,
    ) -> anyhow::Result<Vec<Outcome>> {
        if mutants.is_empty() {
            return Ok(Vec::new());
        }
        let results = self.home.join(format!("{}-{}", plan.package, phase.label.replace(' ', "-")));
        let mut child = self
            .command(plan, phase, mutants, &results)?
            .spawn()
            .with_context(|| format!("cannot run {}", self.program.display()))?;
        let mut said = String::new();
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).lines() {
                let line = line.context("cannot read what cargo mutants prints")?;
                match report::decided(&line, mutants) {
                    Some((mutant, verdict)) if is_last || verdict != Verdict::Missed => {
                        let mutant = mutant.clone();
                        progress.decide(&Outcome { mutant, verdict, by: phase.label.to_owned(), seconds: 0.0 });
                    }
                    Some(_) => {}
                    None => {
                        said.push_str(&line);
                        said.push('\n');
                    }
                }
            }
        }
        let status = child.wait().context("cargo mutants ended in an unknown way")?;
        // 0: all caught, 2: some missed, 3: some timed out. Else the sources themselves are at fault.
        if !matches!(status.code(), Some(0 | 2 | 3)) {
            bail!("cargo mutants failed ({status}) on the {} of {}:\n{said}", phase.label, plan.package);
        }
        report::read(&results.join("mutants.out/outcomes.json"), mutants, phase.label)
    }

    fn command(&self, plan: &Plan, phase: &Phase, mutants: &[Mutant], results: &Path) -> anyhow::Result<Command> {
        std::fs::create_dir_all(results).with_context(|| format!("cannot make {}", results.display()))?;
        let mut command = Command::new(self.program);
        command.arg("mutants").arg("--in-place").arg("--dir").arg(self.home.join("tree"));
        command.arg("--output").arg(results).args(["--no-shuffle", "--colors=never", "--caught", "--unviable"]);
        // Without the package, the unchanged sources of the whole workspace would be built and tested first.
        command.arg("--package").arg(plan.package).args(plan.features);
        for target in phase.targets {
            command.arg(format!("--cargo-arg={target}"));
        }
        for mutant in mutants {
            command.arg("--re").arg(sample::exactly(&mutant.name));
        }
        command.env("CARGO_TARGET_DIR", &self.target);
        // A case that fails because of one mutant must not be replayed on the next.
        command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1");
        // A skip in a copy of the sources is not a skip of the run.
        command.env_remove("KINORA_SKIP_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(command)
    }
}
