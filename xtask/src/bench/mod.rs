//! `cargo xtask bench peers`: what Kinora costs and how fast it is, next to other players on the same work.
//!
//! [`content`] makes the film, [`server`] gives it out over a shaped link in a process apart ([`origin`]), [`players`]
//! play it and are watched from outside ([`session`]), [`rows`] measure, and [`document`] writes the [`table`].

mod bucket;
mod content;
mod document;
mod http;
mod machine;
mod origin;
mod players;
mod rows;
mod server;
mod session;
mod statistics;
mod table;
mod usage;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum as _};

use document::Run;
use players::{Player, Players};
use rows::{Bench, Part};

/// Measurements.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Compare with other players (those that are installed), and write `docs/performance.md`.
    Peers(Options),
    /// Serve files over a shaped link with faults: what `peers` starts for each session.
    #[command(hide = true)]
    Serve(server::Options),
}

/// Command line of the comparison.
#[derive(Debug, Args)]
pub struct Options {
    /// Rounds, whose medians are taken.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
    /// Parts of the table; all without it.
    #[arg(long, value_enum, value_delimiter = ',')]
    rows: Vec<Part>,
    /// Our QA tool; built in release mode without it.
    #[arg(long)]
    tool: Option<PathBuf>,
    /// Write every figure of every round to this file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the table to this document. It keeps the parts that are not measured, if machine and players are the same.
    #[arg(long, value_name = "FILE", default_value = "docs/performance.md")]
    document: PathBuf,
}

/// Carries out a measurement.
pub fn run(root: &Path, task: &Task) -> anyhow::Result<()> {
    match task {
        Task::Peers(options) => peers(root, options),
        Task::Serve(options) => server::run(options),
    }
}

/// Measures the table. Fails if ours did not play; that a goal is not reached is a result and no failure.
fn peers(root: &Path, options: &Options) -> anyhow::Result<()> {
    // Before anything is built or encoded.
    let before = machine::load();
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    let tool = match &options.tool {
        Some(tool) => tool.clone(),
        None => build(root)?,
    };
    let film = content::prepare(&target)?;
    // A build that ends in the middle of the run must not change the player that is measured.
    let kept = tempfile::tempdir()?;
    let tool = {
        let copy = kept.path().join("kinora-qa");
        std::fs::copy(&tool, &copy).with_context(|| format!("cannot read {}", tool.display()))?;
        copy
    };
    let players = Players::find(&tool, &target);
    if let Some((_, reason)) = players.missing.iter().find(|(player, _)| *player == Player::Kinora) {
        bail!("{reason}");
    }
    for (player, reason) in &players.missing {
        eprintln!("{} is left out: {reason}", player.name());
        note_skip(&format!("bench peers: {}: {reason}", player.name()))?;
    }
    let parts = if options.rows.is_empty() { Part::value_variants() } else { &options.rows };
    let rounds = usize::from(options.rounds);
    let document = root.join(&options.document);
    let kept = std::fs::read_to_string(&document).unwrap_or_default();
    let write = |path: &Path, text: &str| {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    let mut rows = Vec::new();
    for round in 0..rounds {
        for (count, part) in parts.iter().enumerate() {
            eprintln!("round {} of {rounds}: {}", round + 1, part.word());
            part.measure(&Bench { players: &players, film: &film, round }, &mut rows)?;
            // After each part, so that a run that is broken off leaves what it has measured.
            let measured = if round == 0 { &parts[..=count] } else { parts };
            let complete = if count + 1 == parts.len() { round + 1 } else { round.max(1) };
            let load = [before, machine::load()];
            let run = Run { players: &players, parts: measured, rows: &rows, rounds: complete, load };
            let text = run.markdown(&kept);
            write(&document, &text)?;
            if let Some(path) = &options.json {
                write(path, &serde_json::to_string_pretty(&run.json())?)?;
            }
            if (round + 1, count + 1) == (rounds, parts.len()) {
                println!("{text}");
            }
        }
    }
    let failed: Vec<String> = rows
        .iter()
        .filter_map(|row| Some(format!("{} {}: {}", row.part, row.name, row.median(Player::Kinora)?.err()?)))
        .collect();
    if !failed.is_empty() {
        bail!("{} rows have no figure of ours:\n{}", failed.len(), failed.join("\n"));
    }
    Ok(())
}

/// Adds a line to the skips of `./test`, if it has started this process.
fn note_skip(line: &str) -> anyhow::Result<()> {
    let Some(path) = std::env::var_os("KINORA_SKIP_LOG") else { return Ok(()) };
    let mut log = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
    Ok(writeln!(log, "{line}")?)
}

/// Builds our QA tool in release mode and returns its path.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let built = Command::new(&cargo)
        .args(["build", "--release", "--workspace", "--bin", "kinora-qa", "--message-format=json-render-diagnostics"])
        .current_dir(root)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo build")?;
    if !built.status.success() {
        bail!("kinora-qa does not build");
    }
    let messages = String::from_utf8_lossy(&built.stdout);
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "kinora-qa")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo named no executable")
}
