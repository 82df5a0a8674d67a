//! House rules that the compiler does not know. `borders` holds the rules of one file, `engine` and `guards` those of
//! the playback engine, `prose` those of comments and documents, `references` that named paths exist.

mod borders;
mod circles;
mod comments;
mod engine;
mod guards;
mod limits;
mod modules;
mod prose;
mod references;
mod syntax;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use self::syntax::{Text, is_below, read};
use crate::unused;

/// Figures that may only fall, relative to the repository.
const LIMITS: &str = "xtask/tidy-limits.toml";

/// Folders with sources.
const TOPS: [&str; 7] = ["abr", "player-core", "ffi", "ui-desktop", "mock-backend", "tests", "xtask"];

/// Checks everything and lists all that is wrong. Figures below their limit are listed without failing.
pub fn run(root: &Path) -> anyhow::Result<()> {
    let paths = list(root)?;
    let mut sources = Vec::new();
    let mut documents = Vec::new();
    for name in &paths {
        let is_source = name.ends_with(".rs") && TOPS.iter().any(|top| is_below(name, top));
        if is_source || name.ends_with(".md") {
            let file = Text { name: name.clone(), text: read(&root.join(name))? };
            if is_source { sources.push(file) } else { documents.push(file) }
        }
    }
    if sources.is_empty() {
        bail!("no source found below {}", root.display());
    }
    let mut faults: Vec<String> = sources.iter().flat_map(|file| borders::faults_of(&file.name, &file.text)).collect();
    let packages = packages(&paths);
    for package in &packages {
        let is_own = |file: &&Text| owner(&packages, &file.name) == Some(*package);
        let texts = sources.iter().filter(is_own).map(|file| file.text.as_str());
        for name in unused::dependencies(&read(&root.join(package).join("Cargo.toml"))?, texts)? {
            faults.push(format!("{package}/Cargo.toml: `{name}` is declared, and no source names it"));
        }
    }
    faults.extend(references::faults(&references::Repository::new(root, &paths, &sources), &documents));
    let measures =
        [engine::measure(&sources)?, circles::measure(&sources, &packages)?, prose::measure(&sources, &documents)]
            .concat();
    let limits = limits::Limits::parse(&read(&root.join(LIMITS))?)?;
    let verdict = limits.compare(&measures)?;
    for request in verdict.requests {
        eprintln!("{LIMITS}: {request}");
    }
    faults.extend(verdict.faults);
    if !faults.is_empty() {
        bail!("{} faults:\n{}", faults.len(), faults.join("\n"));
    }
    Ok(())
}

/// Returns the folders with a manifest, without the root; a package inside another one comes first.
fn packages(paths: &[String]) -> Vec<&str> {
    let mut folders: Vec<&str> = paths.iter().filter_map(|path| path.strip_suffix("/Cargo.toml")).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.len()));
    folders
}

/// Returns the folder of the package that a file belongs to.
fn owner<'a>(packages: &[&'a str], name: &str) -> Option<&'a str> {
    packages.iter().copied().find(|package| is_below(name, package))
}

/// Lists the files of the repository by name, sorted, without those that git and builds keep.
fn list(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut paths = Vec::new();
    collect(root, &mut paths)?;
    let mut names: Vec<String> =
        paths.iter().map(|path| path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")).collect();
    names.sort();
    Ok(names)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !path.is_dir() {
            files.push(path);
        } else if name != "target" && name != ".git" {
            collect(&path, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_belongs_to_the_innermost_package() {
        let paths = ["Cargo.toml", "ui/Cargo.toml", "ui/fuzz/Cargo.toml", "ui/src/a.rs"].map(ToOwned::to_owned);
        let packages = packages(&paths);
        let owners = ["ui/fuzz/b.rs", "ui/src/a.rs", "uix/c.rs"].map(|name| owner(&packages, name));
        assert_eq!(owners, [Some("ui/fuzz"), Some("ui"), None]);
    }
}
