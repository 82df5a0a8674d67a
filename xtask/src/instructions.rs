//! Counts the instructions that reading manifests, taking adaptive decisions and playing an hour of film cost: unlike
//! times, they are the same on every run.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::ValueEnum;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// Reading long manifests: `player-core/benches/manifests.rs`.
    Manifests,
    /// Decisions of the adaptive rules: `abr/benches/decisions.rs`. Takes some five minutes.
    Decisions,
    /// An hour of film in virtual time, with the snapshots of a host: `player-core/benches/session.rs`.
    Session,
}

/// The cases of `player-core/benches/manifests.rs`.
const MANIFESTS: [&str; 11] = [
    "hls_21600_segments",
    "hls_21600_segments_rich",
    "hls_multivariant",
    "dash_timeline_21600",
    "dash_200_periods",
    "reload_delta_minute",
    "reload_delta_day",
    "reload_whole_minute",
    "reload_whole_day",
    "dash_patch_minute",
    "dash_patch_day",
];

/// The cases of `player-core/benches/session.rs`.
const SESSIONS: [&str; 2] = ["session_hls_hour", "session_dash_hour"];

/// The cases of `abr/benches/decisions.rs`: a call of a rule on a ladder of so many rungs, sizes known or hidden.
const CALLS: [&str; 2] = ["select", "on_progress"];
const RULES: [&str; 7] = ["default", "dynamic", "robust-mpc", "bola-e", "bola", "bba", "throughput"];
const LADDERS: [&str; 3] = ["3", "6", "10"];
const SIZES: [&str; 2] = ["known", "hidden"];
/// Decisions of a case: some buffer levels, the first segment among them.
const DECISIONS: u32 = 5;

/// Builds the benches, runs each case under callgrind, and prints one line a case. Without a subject, all are counted.
pub fn run(root: &Path, subject: Option<Subject>) -> anyhow::Result<()> {
    let wanted = |other| subject.is_none_or(|subject| subject == other);
    if wanted(Subject::Manifests) {
        manifests(root)?;
    }
    if wanted(Subject::Decisions) {
        decisions(root)?;
    }
    if wanted(Subject::Session) {
        sessions(root)?;
    }
    Ok(())
}

fn sessions(root: &Path) -> anyhow::Result<()> {
    let executable = built(root, &["-p", "player-core", "--no-default-features", "--features", "sim"], "session")?;
    for case in SESSIONS {
        let once = run_counted(&executable, case, 1)?;
        // The start of the process cancels out; making the film is part of the session.
        let count = once.instructions.saturating_sub(counted(&executable, case, 0)?);
        println!("{case:<28}{count:>14} instructions, {}", once.output.trim());
    }
    Ok(())
}

fn manifests(root: &Path) -> anyhow::Result<()> {
    let executable = built(root, &["-p", "player-core", "--no-default-features"], "manifests")?;
    for case in MANIFESTS {
        // The difference between two readings and one is one: what surrounds them cancels out.
        let count = counted(&executable, case, 2)?.saturating_sub(counted(&executable, case, 1)?);
        println!("{case:<28}{count:>14} instructions");
    }
    Ok(())
}

fn decisions(root: &Path) -> anyhow::Result<()> {
    let executable = built(root, &["-p", "abr"], "decisions")?;
    for call in CALLS {
        for rule in RULES {
            for rungs in LADDERS {
                for sizes in SIZES {
                    let case = format!("{call}/{rule}/{rungs}/{sizes}");
                    let [typical, worst] = decision(&executable, &case)?;
                    println!("{case:<32}{typical:>10} instructions a decision, {worst:>10} at worst");
                }
            }
        }
    }
    Ok(())
}

/// The median and the largest of a case's decisions, each the difference between `n` decisions and one fewer.
fn decision(executable: &str, case: &str) -> anyhow::Result<[u64; 2]> {
    let totals: Vec<u64> = (0..=DECISIONS).map(|times| counted(executable, case, times)).collect::<Result<_, _>>()?;
    let mut counts: Vec<u64> = totals.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    counts.sort_unstable();
    let typical = counts.get(counts.len() / 2).copied();
    typical.zip(counts.last().copied()).map(|(typical, worst)| [typical, worst]).context("a case has decisions")
}

/// Builds a bench; the path of its executable.
fn built(root: &Path, package: &[&str], bench: &str) -> anyhow::Result<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let built = Command::new(&cargo)
        .args(["bench", "--no-run", "--bench", bench, "--message-format=json"])
        .args(package)
        .current_dir(root)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo bench")?;
    if !built.status.success() {
        bail!("the bench does not build");
    }
    let messages = String::from_utf8_lossy(&built.stdout);
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == bench)
        .find_map(|message| message["executable"].as_str().map(str::to_owned))
        .context("cargo named no executable")
}

/// Instructions of the whole process that runs a case so often.
fn counted(executable: &str, case: &str, times: u32) -> anyhow::Result<u64> {
    Ok(run_counted(executable, case, times)?.instructions)
}

/// A process that was run under callgrind.
struct Counted {
    instructions: u64,
    /// Its standard output.
    output: String,
}

fn run_counted(executable: &str, case: &str, times: u32) -> anyhow::Result<Counted> {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(executable)
        .env("KINORA_BENCH_ONCE", case)
        .env("KINORA_BENCH_TIMES", times.to_string())
        .output()
        .context("cannot run valgrind")?;
    let told = String::from_utf8_lossy(&run.stderr);
    let count = told.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    let count = count.filter(|_| run.status.success()).with_context(|| format!("callgrind failed:\n{told}"))?;
    Ok(Counted { instructions: count.parse()?, output: String::from_utf8_lossy(&run.stdout).into_owned() })
}
