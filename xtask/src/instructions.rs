//! Counts the instructions that reading manifests takes: unlike times, they are the same on every run.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

/// The cases of `player-core/benches/manifests.rs`.
const CASES: [&str; 5] =
    ["hls_21600_segments", "hls_21600_segments_rich", "hls_multivariant", "dash_timeline_21600", "dash_200_periods"];

/// Builds the bench, runs each case once under callgrind, and prints one line a case.
pub fn run(root: &Path) -> anyhow::Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let build = ["bench", "--no-run", "-p", "player-core", "--no-default-features", "--bench", "manifests"];
    let built = Command::new(&cargo)
        .args(build)
        .arg("--message-format=json")
        .current_dir(root)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo bench")?;
    if !built.status.success() {
        bail!("the bench does not build");
    }
    let messages = String::from_utf8_lossy(&built.stdout);
    let executable = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "manifests")
        .find_map(|message| message["executable"].as_str().map(str::to_owned))
        .context("cargo named no executable")?;
    for case in CASES {
        // The difference between two readings and one is one: what surrounds them cancels out.
        let count = counted(&executable, case, 2)?.saturating_sub(counted(&executable, case, 1)?);
        println!("{case:<28}{count:>14} instructions");
    }
    Ok(())
}

/// Instructions of the whole process that reads a case so often.
fn counted(executable: &str, case: &str, times: u32) -> anyhow::Result<u64> {
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
    Ok(count.parse()?)
}
