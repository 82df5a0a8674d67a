//! Mutation tests of the six parts whose tests hold the player: a seeded sample of what `cargo mutants` lists, each run
//! with the unit tests and, if those pass, with the virtual-time tests. See CONTRIBUTING.md, "Mutants".
//!
//! All mutants of a package are built at once, each behind a switch (`switch`, `build`), and tested one after another
//! (`trial`). `cargo mutants` itself tests those that a switch cannot hold, one build each (`lane`).

mod build;
mod lane;
mod plan;
mod report;
mod sample;
mod switch;
mod tree;
mod trial;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

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
    /// Mutants that are tested at the same time.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    jobs: u8,
    /// Leave out the mutants that need a build each.
    #[arg(long)]
    switched_only: bool,
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

/// Tests the chosen mutants: those that can be switched in one build, the others in one build each.
fn test(root: &Path, home: &Path, chosen: &[Mutant], options: &Options) -> anyhow::Result<Vec<Outcome>> {
    let progress = lane::Progress::new(chosen.len());
    let tree = home.join("tree");
    tree::copy(root, &tree)?;
    let mut outcomes = Vec::new();
    let mut alone: Vec<Mutant> = Vec::new();
    for plan in &plan::PLANS {
        let numbered = (1..).zip(chosen).filter(|(_, mutant)| plan.parts.contains(&mutant.part));
        let mutants: BTreeMap<u32, &Mutant> = numbered.collect();
        if mutants.is_empty() {
            continue;
        }
        let builder = build::Builder { root, tree: &tree, target: &home.join("build"), plan };
        let built = builder.build(&mutants)?;
        alone.extend(mutants.iter().filter(|(number, _)| !built.switched.contains(number)).map(|(_, m)| (*m).clone()));
        outcomes.extend(trials(&tree.join(plan.folder()), home, &mutants, &built, &progress, options)?);
    }
    if alone.is_empty() {
        return Ok(outcomes);
    }
    println!("{} mutants need a build each:", alone.len());
    alone.iter().for_each(|mutant| println!("  {}", mutant.name));
    if options.switched_only {
        println!("they were left out");
        return Ok(outcomes);
    }
    let lane = lane::Lane { home: home.join("alone"), target: home.join("build"), program: &options.program };
    outcomes.extend(lane.run(root, &alone, &progress)?);
    Ok(outcomes)
}

/// Tests the mutants of one build.
fn trials(
    folder: &Path,
    home: &Path,
    mutants: &BTreeMap<u32, &Mutant>,
    built: &build::Built,
    progress: &lane::Progress,
    options: &Options,
) -> anyhow::Result<Vec<Outcome>> {
    let notes = trial::notes(home);
    let measured = built.programs.iter().map(|program| trial::Subject::measure(program, folder, &notes));
    let subjects = measured.collect::<anyhow::Result<Vec<_>>>()?;
    let open: Mutex<VecDeque<u32>> = Mutex::new(built.switched.iter().copied().collect());
    let next = || open.lock().ok().and_then(|mut open| open.pop_front());
    let work = || -> anyhow::Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        while let Some(number) = next() {
            let Some(mutant) = mutants.get(&number) else { continue };
            let trial::Decision { verdict, by, seconds } = trial::decide(&subjects, number)?;
            let outcome = Outcome { mutant: (*mutant).clone(), verdict, by, seconds };
            progress.decide(&outcome);
            outcomes.push(outcome);
        }
        Ok(outcomes)
    };
    let results: Vec<anyhow::Result<Vec<Outcome>>> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..options.jobs).map(|_| scope.spawn(work)).collect();
        let joined = running.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|result| result.unwrap_or_else(|_| bail!("a thread panicked"))).collect()
    });
    let results: Vec<Vec<Outcome>> = results.into_iter().collect::<anyhow::Result<_>>()?;
    Ok(results.into_iter().flatten().collect())
}
