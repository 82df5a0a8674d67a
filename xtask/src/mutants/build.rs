//! The build of a copy of the sources with all of the chosen mutants of one package.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::plan::Plan;
use super::sample::Mutant;
use super::switch::{self, Switched};

/// Maximum number of builds from which mutants that do not compile are removed.
const MAX_ATTEMPTS: usize = 40;

/// Test programs that hold the mutants.
pub struct Built {
    /// Test programs in the order in which they run.
    pub programs: Vec<Program>,
    /// Numbers of the mutants in them.
    pub switched: BTreeSet<u32>,
    /// Numbers of the mutants that would not compile alone either.
    pub unviable: BTreeSet<u32>,
}

pub struct Program {
    pub name: String,
    pub path: PathBuf,
}

/// Call of cargo.
#[derive(Debug, Clone, Copy)]
enum Step {
    Check,
    Build,
}

/// Copies of the sources, in `tree`, built into `target`.
pub struct Builder<'a> {
    pub root: &'a Path,
    pub tree: &'a Path,
    pub target: &'a Path,
    pub plan: &'a Plan,
}

impl Builder<'_> {
    /// Builds the mutants under these numbers. Mutants that do not compile beside the unchanged code are left out.
    pub fn build(&self, mutants: &BTreeMap<u32, &Mutant>) -> anyhow::Result<Built> {
        self.add_module()?;
        let mut open: BTreeSet<u32> = mutants.keys().copied().collect();
        let mut unviable = BTreeSet::new();
        let mut files = self.write(mutants, &mut open, None)?;
        let targets: Vec<&str> = self.plan.phases.concat();
        // Checking the library finds nearly all faults at a fraction of the time of a build.
        let mut step = Step::Check;
        for _ in 0..MAX_ATTEMPTS {
            let messages = self.cargo(step, &targets)?;
            let faults = faults(&messages);
            match (faults.is_empty(), step) {
                (true, Step::Check) => {
                    step = Step::Build;
                    continue;
                }
                (true, Step::Build) => {
                    return Ok(Built { programs: programs(&messages, self.plan)?, switched: open, unviable });
                }
                (false, _) => {}
            }
            let mut removed = BTreeSet::new();
            let mut changed = BTreeSet::new();
            for (file, byte, is_missing_trait) in &faults {
                let Some(switched) = files.get(file) else { continue };
                let concerned = switched.concerned(*byte);
                if *is_missing_trait && switched.is_inserted(*byte) {
                    unviable.extend(concerned.iter().copied());
                }
                removed.extend(concerned);
                changed.insert(file.clone());
            }
            if removed.is_empty() {
                bail!("the sources do not compile: {}", explain(&messages));
            }
            open.retain(|number| !removed.contains(number));
            files.extend(self.write(mutants, &mut open, Some(&changed))?);
        }
        bail!("mutants still do not compile after {MAX_ATTEMPTS} attempts")
    }

    /// Builds these targets from the sources as they are. `None` if they do not compile.
    pub fn build_plain(&self, targets: &[&str]) -> anyhow::Result<Option<Vec<Program>>> {
        let messages = self.cargo(Step::Build, targets)?;
        if faults(&messages).is_empty() { programs(&messages, self.plan).map(Some) } else { Ok(None) }
    }

    /// Adds the module of the switches to the package.
    fn add_module(&self) -> anyhow::Result<()> {
        let folder = self.tree.join(self.plan.folder()).join("src");
        write_changed(&folder.join("mutant_switch.rs"), switch::MODULE)?;
        let root = self.root.join(self.plan.folder()).join("src/lib.rs");
        let text = std::fs::read_to_string(&root).with_context(|| format!("cannot read {}", root.display()))?;
        write_changed(&folder.join("lib.rs"), &with_module(&text))
    }

    /// Writes the files that hold mutants, or of these only `some`, and removes from `open` what a switch cannot hold.
    fn write(
        &self,
        mutants: &BTreeMap<u32, &Mutant>,
        open: &mut BTreeSet<u32>,
        some: Option<&BTreeSet<String>>,
    ) -> anyhow::Result<BTreeMap<String, Switched>> {
        let mut by_file: BTreeMap<&str, Vec<(u32, &Mutant)>> = BTreeMap::new();
        for (number, mutant) in mutants {
            let rows = by_file.entry(&mutant.file).or_default();
            if open.contains(number) {
                rows.push((*number, mutant));
            }
        }
        let mut files = BTreeMap::new();
        for (file, rows) in by_file {
            if some.is_some_and(|some| !some.contains(file)) {
                continue;
            }
            let source = self.root.join(file);
            let text = std::fs::read_to_string(&source).with_context(|| format!("cannot read {}", source.display()))?;
            let path = if file.contains("/src/bin/") {
                format!("{}::mutant_switch", self.plan.package.replace('-', "_"))
            } else {
                "crate::mutant_switch".to_owned()
            };
            let switched = switch::switch(&text, &rows, &path).with_context(|| file.to_owned())?;
            // A file with a byte-order mark, or with a first line `#!`, would need its offsets moved; none has one.
            let text = if file.ends_with("/src/lib.rs") { with_module(&switched.text) } else { switched.text.clone() };
            write_changed(&self.tree.join(file), &text)?;
            open.retain(|number| !switched.alone.contains(number));
            files.insert(file.to_owned(), switched);
        }
        Ok(files)
    }

    /// Checks the library or builds the test programs, and returns what cargo prints as JSON.
    fn cargo(&self, step: Step, targets: &[&str]) -> anyhow::Result<Vec<Value>> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(self.tree);
        match step {
            Step::Check => command.args(["check", "--lib"]),
            Step::Build => command.args(["test", "--no-run"]).args(targets),
        };
        command.args(["--message-format=json", "--profile=mutants"]);
        command.args(["--package", self.plan.package]).args(self.plan.features);
        command.env("CARGO_TARGET_DIR", self.target);
        command.stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = command.output().context("cannot run cargo")?;
        let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{"));
        let messages: Vec<Value> = lines.map(serde_json::from_slice).collect::<Result<_, _>>()?;
        if !output.status.success() && faults(&messages).is_empty() {
            bail!("cargo {step:?} failed: {}", explain(&messages));
        }
        Ok(messages)
    }
}

/// Returns the root of a crate with the module of the switches.
fn with_module(text: &str) -> String {
    format!("{text}\n#[doc(hidden)]\npub mod mutant_switch;\n")
}

/// Writes the file unless it holds this text already, so that what was built from it stays valid.
fn write_changed(path: &Path, text: &str) -> anyhow::Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Returns the errors of the compiler.
fn errors(messages: &[Value]) -> impl Iterator<Item = &Value> {
    let errors = messages.iter().filter_map(|message| message.get("message"));
    errors.filter(|message| message.get("level").and_then(Value::as_str) == Some("error"))
}

/// Errors of the compiler about a type that lacks what an expression asks of it, such as `Default` or `Mul`. If such an
/// error lies in the text of a mutant, that mutant does not compile alone either.
const MISSING_TRAIT: [&str; 2] = ["E0277", "E0369"];

/// Returns the places of all errors: the file below the root of the repository, the byte, and true if a type lacks a
/// trait there.
fn faults(messages: &[Value]) -> BTreeSet<(String, usize, bool)> {
    let mut places = BTreeSet::new();
    for error in errors(messages) {
        let code = error.pointer("/code/code").and_then(Value::as_str).unwrap_or_default();
        let spans = error.get("spans").and_then(Value::as_array).into_iter().flatten();
        for span in spans.filter(|span| span.get("is_primary").and_then(Value::as_bool) == Some(true)) {
            let file = span.get("file_name").and_then(Value::as_str);
            let byte = span.get("byte_start").and_then(Value::as_u64);
            if let (Some(file), Some(byte)) = (file, byte.and_then(|byte| usize::try_from(byte).ok())) {
                places.insert((file.to_owned(), byte, MISSING_TRAIT.contains(&code)));
            }
        }
    }
    places
}

fn explain(messages: &[Value]) -> String {
    let texts = errors(messages).filter_map(|error| error.get("rendered").and_then(Value::as_str));
    texts.take(5).collect()
}

/// Returns the test programs that cargo has built, in the order of the plan.
fn programs(messages: &[Value], plan: &Plan) -> anyhow::Result<Vec<Program>> {
    let mut programs = Vec::new();
    for message in messages {
        let is_test = message.pointer("/profile/test").and_then(Value::as_bool) == Some(true);
        let path = message.get("executable").and_then(Value::as_str);
        let name = message.pointer("/target/name").and_then(Value::as_str);
        if let (true, Some(path), Some(name)) = (is_test, path, name) {
            let is_lib = message.pointer("/target/kind/0").and_then(Value::as_str) == Some("lib");
            programs.push((!is_lib, Program { name: name.to_owned(), path: path.into() }));
        }
    }
    if programs.is_empty() {
        bail!("cargo has built no test program of {}", plan.package);
    }
    // Unit tests first: they are quick.
    programs.sort_by_key(|(is_late, _)| *is_late);
    Ok(programs.into_iter().map(|(_, program)| program).collect())
}
