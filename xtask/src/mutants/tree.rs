//! A copy of the sources in which mutants are made, so that the working tree stays as it is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// Makes `copy` hold the same files as git knows below `root`, committed or not. Files that are equal already are not
/// written, so that what was built from them stays valid.
pub fn copy(root: &Path, copy: &Path) -> anyhow::Result<()> {
    let mut listing = Command::new("git");
    listing.arg("-C").arg(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output = listing.output().context("cannot run git")?;
    if !output.status.success() {
        bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    // A file that was deleted and not yet committed is listed too.
    let files: BTreeSet<PathBuf> = names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|file| root.join(file).is_file())
        .collect();
    for file in &files {
        let text = std::fs::read(root.join(file)).with_context(|| format!("cannot read {}", file.display()))?;
        let target = copy.join(file);
        if std::fs::read(&target).is_ok_and(|old| old == text) {
            continue;
        }
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        std::fs::write(&target, text).with_context(|| format!("cannot write {}", target.display()))?;
    }
    remove_others(copy, copy, &files)
}

/// Removes the files below `folder` that are not in the list, such as those of an older copy.
fn remove_others(copy: &Path, folder: &Path, files: &BTreeSet<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(copy, &path, files)?;
        } else if path.strip_prefix(copy).is_ok_and(|name| !files.contains(name)) {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn git(folder: &Path, arguments: &[&str]) {
        assert!(Command::new("git").arg("-C").arg(folder).args(arguments).status().unwrap().success());
    }

    #[test]
    fn a_copy_follows_the_sources_and_leaves_equal_files_unwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (root, target) = (folder.path().join("root"), folder.path().join("copy"));
        std::fs::create_dir_all(root.join("src")).unwrap();
        std::fs::create_dir_all(root.join("target")).unwrap();
        git(&root, &["init", "-q"]);
        for (name, text) in [(".gitignore", "/target/"), ("src/a.rs", "a"), ("src/b.rs", "b"), ("target/x", "x")] {
            std::fs::write(root.join(name), text).unwrap();
        }
        copy(&root, &target).unwrap();
        assert_eq!(std::fs::read_to_string(target.join("src/a.rs")).unwrap(), "a");
        assert!(!target.join("target").exists(), "what git ignores is not copied");

        let written = |name: &str| std::fs::metadata(target.join(name)).unwrap().modified().unwrap();
        let before = written("src/a.rs");
        // A mutant that an interrupted run has left, and a file that was deleted since.
        std::fs::write(target.join("src/b.rs"), "mutant").unwrap();
        std::fs::write(target.join("src/c.rs"), "c").unwrap();
        copy(&root, &target).unwrap();
        assert_eq!(std::fs::read_to_string(target.join("src/b.rs")).unwrap(), "b");
        assert!(!target.join("src/c.rs").exists());
        assert_eq!(written("src/a.rs"), before);
    }
}
