//! Mutation tests of the six parts whose tests hold the player: a seeded sample of what `cargo mutants` lists, each run
//! with the unit tests and, if those pass, with the virtual-time tests. See CONTRIBUTING.md, "Mutants".

mod lane;
mod report;
mod sample;
mod tree;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::Args;

use report::{Outcome, Report};
use sample::{Mutant, Part};

/// Choices of one run.
#[derive(Debug, Args)]
pub struct Options {
    /// Number of mutants to test, in equal shares of the parts.
    #[arg(default_value_t = 20)]
    count: usize,
    /// Seed of the sample: the same seed chooses the same mutants of the same sources.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this part; may be repeated. Without it all six.
    #[arg(long = "part")]
    parts: Vec<Part>,
    /// Only mutants of lines that differ from this commit, all of them unless a count is given.
    #[arg(long, value_name = "COMMIT")]
    changed_since: Option<String>,
    /// Percentage of the tested mutants that tests must catch.
    #[arg(long, default_value_t = 92.0)]
    threshold: f64,
    /// Copies of the sources in which mutants are built at the same time.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    lanes: u8,
    /// Print the chosen mutants and test none.
    #[arg(long)]
    list: bool,
    /// Program that lists and tests mutants.
    #[arg(long, env = "CARGO_MUTANTS", default_value = "cargo-mutants")]
    program: PathBuf,
}

/// Tests a sample and prints the result. Fails if fewer than the threshold are caught, if the unchanged sources do not
/// pass, or if no mutant was tested.
pub fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    let parts = if options.parts.is_empty() { Part::ALL.to_vec() } else { options.parts.clone() };
    let home = root.join("target/mutants");
    std::fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    let listed = list(root, &home, options)?;
    let count = if options.changed_since.is_some() { usize::MAX } else { options.count };
    let chosen = sample::choose(&listed, &parts, count, options.seed);
    println!("{} of {} mutants, seed {}", chosen.len(), listed.len(), options.seed);
    if options.list {
        chosen.iter().for_each(|mutant| println!("{}", mutant.name));
        return Ok(());
    }
    if chosen.is_empty() {
        if options.changed_since.is_some() {
            return Ok(());
        }
        bail!("no mutant to test");
    }
    let outcomes = test(root, &home, &chosen, options)?;
    let report = Report::new(outcomes);
    println!("{report}");
    report.check(options.threshold)
}

/// Lists the mutants of the sources, without those that `.cargo/mutants.toml` skips.
fn list(root: &Path, home: &Path, options: &Options) -> anyhow::Result<Vec<Mutant>> {
    let mut command = Command::new(&options.program);
    command.arg("mutants").args(["--list", "--json", "--dir"]).arg(root);
    for part in Part::ALL {
        command.arg("--file").arg(format!("{}/**/*.rs", part.folder()));
    }
    if let Some(base) = &options.changed_since {
        let change = home.join("change.diff");
        let diff = Command::new("git").arg("-C").arg(root).args(["diff", base]).output().context("cannot run git")?;
        if !diff.status.success() {
            bail!("git diff {base} failed: {}", String::from_utf8_lossy(&diff.stderr).trim());
        }
        std::fs::write(&change, diff.stdout).with_context(|| format!("cannot write {}", change.display()))?;
        command.arg("--in-diff").arg(change);
    }
    let output = command.output().with_context(|| format!("cannot run {}", options.program.display()))?;
    if !output.status.success() {
        bail!("cargo mutants --list failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    // A change without mutants is said in words on standard error, and the list is empty.
    if output.stdout.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    sample::parse(&output.stdout)
}

/// Tests the chosen mutants in lanes that run at the same time.
fn test(root: &Path, home: &Path, chosen: &[Mutant], options: &Options) -> anyhow::Result<Vec<Outcome>> {
    let lanes = usize::from(options.lanes).min(chosen.len());
    let progress = lane::Progress::new(chosen.len());
    let results: Vec<anyhow::Result<Vec<Outcome>>> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..lanes)
            .map(|index| {
                let mutants: Vec<Mutant> = chosen.iter().skip(index).step_by(lanes).cloned().collect();
                let lane = lane::Lane { home: home.join(format!("lane-{index}")), program: &options.program };
                let progress = &progress;
                scope.spawn(move || lane.run(root, &mutants, progress))
            })
            .collect();
        let joined = running.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|result| result.unwrap_or_else(|_| bail!("a lane panicked"))).collect()
    });
    let mut outcomes = Vec::new();
    for result in results {
        outcomes.extend(result?);
    }
    Ok(outcomes)
}
