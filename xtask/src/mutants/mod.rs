//! Mutation tests of the six parts whose tests hold the player: a seeded sample of what `cargo mutants` lists, each run
//! with the unit tests and, if those pass, with the virtual-time tests. See CONTRIBUTING.md, "Mutants".
//!
//! All mutants of a package are built at once, each behind a switch (`switch`, `build`), and tested one after another
//! (`trial`). Those that a switch cannot hold get a build each (`lane`).

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
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;

use report::{Outcome, Report, Verdict};
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
    /// Minutes after which no further mutant is begun.
    #[arg(long, default_value_t = 90)]
    minutes: u64,
    /// Print the chosen mutants and test none.
    #[arg(long)]
    list: bool,
    /// Program that lists mutants.
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
    let end = Instant::now() + Duration::from_secs(60 * options.minutes);
    let progress = lane::Progress::new(chosen.len());
    let tree = home.join("tree");
    let mut outcomes = Vec::new();
    for plan in &plan::PLANS {
        let numbered = (1..).zip(chosen).filter(|(_, mutant)| plan.parts.contains(&mutant.part));
        let mutants: BTreeMap<u32, &Mutant> = numbered.collect();
        if mutants.is_empty() {
            continue;
        }
        tree::copy(root, &tree)?;
        let builder = build::Builder { root, tree: &tree, target: &home.join("build"), plan };
        let built = builder.build(&mutants)?;
        for number in &built.unviable {
            let Some(mutant) = mutants.get(number) else { continue };
            let by = "a type lacks what it asks".to_owned();
            let outcome = Outcome { mutant: (*mutant).clone(), verdict: Verdict::Unviable, by, seconds: 0.0 };
            progress.decide(&outcome);
            outcomes.push(outcome);
        }
        let run = Run { folder: &tree.join(plan.folder()), home, mutants: &mutants, progress: &progress, end };
        let (found, patience) = run.trials(&built, options.jobs)?;
        outcomes.extend(found);

        let is_alone = |number: &u32| !built.switched.contains(number) && !built.unviable.contains(number);
        let alone: Vec<&Mutant> = mutants.iter().filter(|(number, _)| is_alone(number)).map(|(_, m)| *m).collect();
        println!("{} mutants of {} need a build each", alone.len(), plan.package);
        if options.switched_only {
            alone.iter().for_each(|mutant| println!("left out: {}", mutant.name));
            continue;
        }
        tree::copy(root, &tree)?;
        for mutant in alone {
            if Instant::now() >= end {
                break;
            }
            let outcome = lane::test(&builder, mutant, &patience)?;
            progress.decide(&outcome);
            outcomes.push(outcome);
        }
    }
    if outcomes.len() < chosen.len() {
        println!("{} of {} mutants were not tested", chosen.len() - outcomes.len(), chosen.len());
    }
    Ok(outcomes)
}

/// State that the trials of one build share.
struct Run<'a> {
    folder: &'a Path,
    home: &'a Path,
    mutants: &'a BTreeMap<u32, &'a Mutant>,
    progress: &'a lane::Progress,
    /// No further mutant is begun after this.
    end: Instant,
}

impl Run<'_> {
    /// Tests the mutants of one build. Returns also the time that each test program may take.
    fn trials(&self, built: &build::Built, jobs: u8) -> anyhow::Result<(Vec<Outcome>, BTreeMap<String, Duration>)> {
        let notes = trial::notes(self.home);
        let measured = built.programs.iter().map(|program| trial::Subject::measure(program, self.folder, &notes));
        let subjects = measured.collect::<anyhow::Result<Vec<_>>>()?;
        let open: Mutex<VecDeque<u32>> = Mutex::new(built.switched.iter().copied().collect());
        let next = || open.lock().ok().filter(|_| Instant::now() < self.end).and_then(|mut open| open.pop_front());
        let work = || -> anyhow::Result<Vec<Outcome>> {
            let mut outcomes = Vec::new();
            while let Some(number) = next() {
                let Some(mutant) = self.mutants.get(&number) else { continue };
                let trial::Decision { verdict, by, seconds } = trial::decide(&subjects, number)?;
                let outcome = Outcome { mutant: (*mutant).clone(), verdict, by, seconds };
                self.progress.decide(&outcome);
                outcomes.push(outcome);
            }
            Ok(outcomes)
        };
        let results: Vec<anyhow::Result<Vec<Outcome>>> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            let joined = running.into_iter().map(std::thread::ScopedJoinHandle::join);
            joined.map(|result| result.unwrap_or_else(|_| bail!("a thread panicked"))).collect()
        });
        let results: Vec<Vec<Outcome>> = results.into_iter().collect::<anyhow::Result<_>>()?;
        let patience = subjects.iter().map(trial::Subject::patience).collect();
        Ok((results.into_iter().flatten().collect(), patience))
    }
}
