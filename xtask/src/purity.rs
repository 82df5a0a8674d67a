//! The engine must build with nothing but data crates around it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

const BANNED: [&str; 5] = ["tokio", "reqwest", "gstreamer", "hyper", "futures-util"];

/// Checks the dependency graph, then that it compiles, in a target folder of its own so that the features of the
/// workspace are not disturbed.
pub fn run(root: &Path) -> anyhow::Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let graph = ["tree", "-p", "player-core", "--no-default-features", "-e", "normal", "--prefix", "none"];
    let tree = Command::new(&cargo).args(graph).current_dir(root).output().context("cannot run cargo tree")?;
    if !tree.status.success() {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&tree.stderr));
    }
    let names: Vec<&str> =
        std::str::from_utf8(&tree.stdout)?.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let found: Vec<&&str> = BANNED.iter().filter(|name| names.contains(name)).collect();
    if !names.contains(&"player-core") || !found.is_empty() {
        bail!("player-core without features must not depend on {found:?}");
    }
    let status = Command::new(&cargo)
        .args(["check", "--quiet", "-p", "player-core", "--no-default-features", "--target-dir", "target/purity"])
        .current_dir(root)
        .status()
        .context("cannot run cargo check")?;
    if !status.success() {
        bail!("player-core does not build without features");
    }
    Ok(())
}
