//! The engine must build with nothing but data crates around it, and a service must know no other service.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

const BANNED: [&str; 5] = ["tokio", "reqwest", "gstreamer", "hyper", "futures-util"];

/// Services of the backend, and what of the workspace one may depend on.
const SERVICES: [&str; 4] = ["kinora-accounts", "kinora-catalogue", "kinora-playback", "kinora-recommendations"];
const ALLOWED: [&str; 5] = ["kinora-api", "kinora-kit", "kinora-store", "kinora-eventlog", "kinora-media"];
/// Crates of the workspace that those use in turn.
const IN_TURN: [&str; 2] = ["kinora-manifests", "kinora-pin"];

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
    let graph = ["tree", "-p", service, "-e", "normal,build", "--prefix", "none", "--format", "{p}"];
    let tree = Command::new(cargo).args(graph).current_dir(root).output().context("cannot run cargo tree")?;
    if !tree.status.success() {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&tree.stderr));
    }
    let text = std::str::from_utf8(&tree.stdout)?;
    let foreign = foreign_crates(text, service);
    if !text.contains(service) || !foreign.is_empty() {
        bail!("{service} may depend on {} of the workspace only, not on {}", ALLOWED.join(", "), foreign.join(", "));
    }
    Ok(())
}

/// Returns the crates in the output of `cargo tree` that a service may not depend on: those that a path leads to, except the
/// service itself, what all may use, and what those use in turn.
fn foreign_crates<'t>(tree: &'t str, service: &str) -> Vec<&'t str> {
    let mut found: Vec<&str> = tree
        .lines()
        .filter(|line| line.contains("(/"))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != service && !ALLOWED.contains(name) && !IN_TURN.contains(name))
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
        assert_eq!(foreign_crates(tree, "kinora-playback"), ["kinora-accounts"]);
        assert_eq!(foreign_crates(tree, "kinora-accounts"), ["kinora-playback"]);
    }
}
