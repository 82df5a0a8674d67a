//! Kinora's own tasks. `cargo xtask --help` lists them; `./test` runs those that check.

mod baseline;
mod bench;
mod errors;
mod generated;
mod header;
mod install;
mod instructions;
mod interface;
mod mutants;
mod purity;
mod tidy;
mod unused;

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
    /// Write `ffi/include/kinora.h`, the linker map and the baseline of symbols and layouts from the C ABI crate.
    Header {
        /// Change nothing; fail when a committed file differs.
        #[arg(long)]
        check: bool,
        /// Accept a change that breaks compiled programs: only for an ABI version that was never released.
        #[arg(long)]
        incompatible: bool,
    },
    /// Write `docs/error-codes.md` and `ffi/include/kinora_errors.h` from the player's error codes.
    Errors {
        /// Change nothing; fail when a committed file differs.
        #[arg(long)]
        check: bool,
    },
    /// Build the C library and install it with its headers, pkg-config file, debug symbols and licences.
    Install {
        /// Root of the installed tree.
        #[arg(long, default_value = "/usr/local")]
        prefix: PathBuf,
        /// Folder of the libraries, below the prefix unless absolute.
        #[arg(long, default_value = "lib")]
        libdir: PathBuf,
        /// Folder that stands for the root of the file system while a package is made.
        #[arg(long, env = "DESTDIR")]
        destdir: Option<PathBuf>,
        /// Cargo profile to build.
        #[arg(long, default_value = "dist")]
        profile: String,
        /// Install what an earlier build of the profile has left.
        #[arg(long)]
        no_build: bool,
    },
    /// Test a sample of mutants: small faults in the sources, each of which some test should notice.
    Mutants(mutants::Options),
    /// Check the house rules that the compiler does not know.
    Tidy,
    /// Check that the engine builds without tokio, reqwest and GStreamer in its graph.
    Purity,
    /// Count the instructions that reading manifests and adaptive decisions take (needs valgrind).
    Instructions {
        /// Only these.
        subject: Option<instructions::Subject>,
    },
    /// Measure the player.
    #[command(subcommand)]
    Bench(bench::Task),
}

fn main() -> anyhow::Result<()> {
    let root = root();
    match Cli::parse().task {
        Task::Header { check, incompatible } => header::run(&root, check, incompatible),
        Task::Errors { check } => errors::run(&root, check),
        Task::Install { prefix, libdir, destdir, profile, no_build } => {
            install::run(&root, &install::Options { prefix, libdir, destdir, profile, no_build })
        }
        Task::Mutants(options) => mutants::run(&root, &options),
        Task::Tidy => tidy::run(&root),
        Task::Purity => purity::run(&root),
        Task::Instructions { subject } => instructions::run(&root, subject),
        Task::Bench(task) => bench::run(&root, &task),
    }
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
