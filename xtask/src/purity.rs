//! The engine must build with nothing but data crates around it, and a service must know no other service.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

const BANNED: [&str; 5] = ["tokio", "reqwest", "gstreamer", "hyper", "futures-util"];

/// Services of the backend, and what of the workspace one may depend on.
const SERVICES: [&str; 4] = ["kinora-accounts", "kinora-catalogue", "kinora-playback", "kinora-recommendations"];
const ALLOWED: [&str; 6] =
    ["kinora-api", "kinora-kit", "kinora-store", "kinora-eventlog", "kinora-media", "kinora-risk"];
/// Crates of the workspace that those use in turn.
const IN_TURN: [&str; 3] = ["kinora-art", "kinora-manifests", "kinora-pin"];
/// Crates that know no other one of the workspace: rules of risk, and the traffic by which they are judged, which could not be
/// independent of them otherwise.
const ALONE: [&str; 3] = ["kinora-art", "kinora-risk", "kinora-risk-traffic"];

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
    for service in SERVICES {
        check_service(&cargo, root, service)?;
    }
    for name in ALONE {
        check_alone(&cargo, root, name)?;
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

/// Checks that a service depends, straight or round, on no crate of the workspace but those that all may use.
fn check_service(cargo: &str, root: &Path, service: &str) -> anyhow::Result<()> {
    let tree = tree_of(cargo, root, service)?;
    let foreign = foreign_crates(&tree, service, &[&ALLOWED[..], &IN_TURN].concat());
    if !foreign.is_empty() {
        bail!("{service} may depend on {} of the workspace only, not on {}", ALLOWED.join(", "), foreign.join(", "));
    }
    Ok(())
}

/// Checks that a crate depends on no crate of the workspace.
fn check_alone(cargo: &str, root: &Path, name: &str) -> anyhow::Result<()> {
    let tree = tree_of(cargo, root, name)?;
    let foreign = foreign_crates(&tree, name, &[]);
    if !foreign.is_empty() {
        bail!("{name} may depend on no crate of the workspace, and does on {}", foreign.join(", "));
    }
    Ok(())
}

fn tree_of(cargo: &str, root: &Path, name: &str) -> anyhow::Result<String> {
    let graph = ["tree", "-p", name, "-e", "normal,build", "--prefix", "none", "--format", "{p}"];
    let tree = Command::new(cargo).args(graph).current_dir(root).output().context("cannot run cargo tree")?;
    let text = String::from_utf8(tree.stdout)?;
    if !tree.status.success() || !text.contains(name) {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&tree.stderr));
    }
    Ok(text)
}

/// Returns the crates in the output of `cargo tree` that a crate may not depend on: those that a path leads to, except itself and
/// what is allowed.
fn foreign_crates<'t>(tree: &'t str, own: &str, allowed: &[&str]) -> Vec<&'t str> {
    let mut found: Vec<&str> = tree
        .lines()
        .filter(|line| line.contains("(/"))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != own && !allowed.contains(name))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::foreign_crates;

    #[test]
    fn another_service_is_foreign_and_the_kit_is_not() {
        let tree = "kinora-playback v0.1.0 (/k/mock-backend/services/playback)\naxum v0.8.9\nkinora-kit v0.1.0 (/k/mock-backend/kit)\n\
                    kinora-accounts v0.1.0 (/k/mock-backend/services/accounts)\nkinora-accounts v0.1.0 (/k/mock-backend/services/accounts) (*)";
        assert_eq!(foreign_crates(tree, "kinora-playback", &["kinora-kit"]), ["kinora-accounts"]);
        assert_eq!(foreign_crates(tree, "kinora-accounts", &["kinora-kit"]), ["kinora-playback"]);
        assert_eq!(foreign_crates(tree, "kinora-playback", &[]), ["kinora-accounts", "kinora-kit"]);
    }
}
