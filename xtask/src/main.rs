//! Kinora's own tasks. `cargo xtask --help` lists them; `./test` runs those that check.

mod errors;
mod generated;
mod header;
mod install;
mod instructions;
mod purity;
mod tidy;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

/// Tasks of the Kinora repository.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Write `ffi/include/kinora.h` from the C ABI crate.
    Header {
        /// Change nothing; fail when the committed file differs.
        #[arg(long)]
        check: bool,
    },
    /// Write `docs/error-codes.md` and `ffi/include/kinora_errors.h` from the player's error codes.
    Errors {
        /// Change nothing; fail when a committed file differs.
        #[arg(long)]
        check: bool,
    },
    /// Build the C library and install it with its headers and pkg-config file.
    Install {
        /// Where to.
        #[arg(long, default_value = "/usr/local")]
        prefix: PathBuf,
        /// Which cargo profile to build.
        #[arg(long, default_value = "dist")]
        profile: String,
    },
    /// Check the house rules that the compiler does not know.
    Tidy,
    /// Check that the engine builds without tokio, reqwest and GStreamer in its graph.
    Purity,
    /// Count the instructions that reading manifests and adaptive decisions take (needs valgrind).
    Instructions {
        /// Only these.
        subject: Option<instructions::Subject>,
    },
}

fn main() -> anyhow::Result<()> {
    let root = root();
    match Cli::parse().task {
        Task::Header { check } => header::run(&root, check),
        Task::Errors { check } => errors::run(&root, check),
        Task::Install { prefix, profile } => install::run(&root, &prefix, &profile),
        Task::Tidy => tidy::run(&root),
        Task::Purity => purity::run(&root),
        Task::Instructions { subject } => instructions::run(&root, subject),
    }
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
