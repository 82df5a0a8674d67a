//! Licences of the crates that are linked into the library, as their terms ask for: names, licences and texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// Package whose dependencies are meant.
const LIBRARY: &str = "kinora-ffi";
/// Beginnings of the names of files that hold a licence or must be handed on.
const FILES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT"];

/// A crate that is linked.
struct Linked {
    id: String,
    name: String,
    version: String,
    licence: String,
    manifest: String,
}

/// Writes the list of all crates in the library and, after it, each text once with the crates that it stands for.
///
/// # Errors
/// Metadata that cargo cannot give.
pub fn notices(root: &Path) -> anyhow::Result<String> {
    let mut text = format!(
        "Crates that are linked into libkinora {}, with their licences; the texts follow.\n\n",
        env!("CARGO_PKG_VERSION")
    );
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in linked(&metadata(root)?)? {
        writeln!(text, "{} {}: {}", package.name, package.version, package.licence)?;
        let folder = Path::new(&package.manifest).parent().unwrap_or(root);
        for licence in licence_texts(folder) {
            texts.entry(licence).or_default().push(format!("{} {}", package.name, package.version));
        }
    }
    for (licence, packages) in texts {
        write!(text, "\n{}\n{}\n\n{}\n", "=".repeat(80), packages.join(", "), licence.trim())?;
    }
    Ok(text)
}

fn licence_texts(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let named = paths.into_iter().filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        FILES.iter().any(|start| name.starts_with(start)) && path.is_file()
    });
    named.filter_map(|path| std::fs::read_to_string(path).ok()).collect()
}

fn metadata(root: &Path) -> anyhow::Result<Value> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("-vV").output().context("cannot run rustc")?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", host])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata fails: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Lists the packages that the library is linked from, without those of build scripts, tests and macros.
fn linked(metadata: &Value) -> anyhow::Result<Vec<Linked>> {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut packages: BTreeMap<String, Linked> = BTreeMap::new();
    let mut macros = BTreeSet::new();
    for package in list(&metadata["packages"]) {
        let id = text(&package, "id");
        let kinds = list(&package["targets"]).into_iter().flat_map(|target| list(&target["kind"]));
        if kinds.into_iter().any(|kind| kind == "proc-macro") {
            macros.insert(id.clone());
        }
        let linked = Linked {
            name: text(&package, "name"),
            version: text(&package, "version"),
            licence: package["license"].as_str().unwrap_or("see its text").to_owned(),
            manifest: text(&package, "manifest_path"),
            id: id.clone(),
        };
        packages.insert(id, linked);
    }
    let nodes = list(&metadata["resolve"]["nodes"]);
    let edges: BTreeMap<String, Vec<String>> = nodes
        .iter()
        .map(|node| {
            let normal = list(&node["deps"])
                .into_iter()
                .filter(|dependency| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()));
            (text(node, "id"), normal.map(|dependency| text(&dependency, "pkg")).collect())
        })
        .collect();
    let library = packages.values().find(|package| package.name == LIBRARY).context("the library is no package")?;
    let (mut seen, mut open) = (BTreeSet::new(), vec![library.id.clone()]);
    while let Some(id) = open.pop() {
        if !macros.contains(&id) && seen.insert(id.clone()) {
            open.extend(edges.get(&id).cloned().unwrap_or_default());
        }
    }
    let mut all: Vec<Linked> = seen.into_iter().filter_map(|id| packages.remove(&id)).collect();
    all.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn crates_of_the_library_are_listed_and_others_are_not() {
        let text = notices(&crate::root()).unwrap();
        assert!(text.contains("\nreqwest ") && text.contains("\ngstreamer "), "{text}");
        assert!(text.contains("Apache License") && text.contains("kinora-ffi "));
        assert!(!text.contains("\neframe ") && !text.contains("\ncbindgen ") && !text.contains("\nserde_derive "));
    }
}
