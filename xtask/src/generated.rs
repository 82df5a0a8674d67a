//! Files that are generated and committed: written, or compared with what is committed.

use std::path::Path;

use anyhow::{Context as _, bail};

/// Writes `content`, or with `check` fails when the file differs from it.
pub fn settle(path: &Path, content: &str, check: bool, task: &str) -> anyhow::Result<()> {
    if check {
        let committed = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        if committed != content {
            bail!("{} is out of date: run `cargo xtask {task}` and commit it", path.display());
        }
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}
