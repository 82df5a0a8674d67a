//! The baseline of the C interface: its symbols and the layout of its types, as text that is committed. A change of the
//! text needs a line in the log of versions, and may not break programs that are compiled already.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::interface::Interface;

/// A line of `ffi/abi/versions.txt`: `ABI SONAME LIBRARY FINGERPRINT TEXT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// `KINORA_ABI_VERSION`.
    pub abi: u32,
    /// The number at the end of the SONAME: the ABI version that broke with all before it.
    pub soname: u32,
    /// First version of the library that has it.
    pub library: String,
    /// Fingerprint of the baseline; `-` for versions from before there was one.
    pub fingerprint: String,
    /// A phrase that tells embedders the change.
    pub text: String,
}

/// Reads the log of versions, oldest first.
///
/// # Errors
/// A line that has not five parts, versions that do not ascend, an empty log.
pub fn versions(text: &str) -> anyhow::Result<Vec<Version>> {
    let mut all: Vec<Version> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let parts: Vec<&str> = line.splitn(5, ' ').collect();
        let [abi, soname, library, fingerprint, text] = parts[..] else { bail!("`{line}` has not five parts") };
        let version = Version {
            abi: abi.parse().with_context(|| format!("`{line}`"))?,
            soname: soname.parse().with_context(|| format!("`{line}`"))?,
            library: library.to_owned(),
            fingerprint: fingerprint.to_owned(),
            text: text.to_owned(),
        };
        let last = all.last().map_or((0, 0), |last| (last.abi, last.soname));
        if (version.abi, version.soname) < last || version.soname > version.abi {
            bail!("`{line}`: versions ascend, and a SONAME is the ABI version that it was born with");
        }
        all.push(version);
    }
    if all.is_empty() {
        bail!("the log of ABI versions is empty");
    }
    Ok(all)
}

/// Returns the parts of an interface in the order of their names: their order in the header is none of the interface.
fn by_name<T>(all: &[T], name: impl Fn(&T) -> &str) -> Vec<&T> {
    let mut sorted: Vec<&T> = all.iter().collect();
    sorted.sort_by(|a, b| name(a).cmp(name(b)));
    sorted
}

/// Writes a C program that prints the layouts of an interface.
fn probe(interface: &Interface) -> String {
    let mut code = String::from("#include <kinora.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n");
    for constant in by_name(&interface.constants, |it| &it.name) {
        let name = &constant.name;
        code.push_str(&format!("  printf(\"constant {name} = %lld\\n\", (long long)({name}));\n"));
    }
    for enumeration in by_name(&interface.enumerations, |it| &it.name) {
        let name = &enumeration.name;
        code.push_str(&format!("  printf(\"enum {name} size %zu\\n\", sizeof(enum {name}));\n"));
        for value in &enumeration.values {
            code.push_str(&format!("  printf(\"  {value} = %lld\\n\", (long long){value});\n"));
        }
    }
    for structure in by_name(&interface.structures, |it| &it.name) {
        let name = &structure.name;
        code.push_str(&format!(
            "  printf(\"struct {name} size %zu align %zu\\n\", sizeof({name}), _Alignof({name}));\n"
        ));
        for member in &structure.members {
            let (field, kind) = (&member.name, &member.kind);
            code.push_str(&format!(
                "  printf(\"  %zu %zu {field}: {kind}\\n\", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));\n"
            ));
        }
    }
    code.push_str("  return 0;\n}\n");
    code
}

/// Compiles and runs the probe with the system's C compiler; what it prints.
fn layouts(interface: &Interface, includes: &Path) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let (source, program) = (folder.path().join("probe.c"), folder.path().join("probe"));
    std::fs::write(&source, probe(interface))?;
    let mut compiler = Command::new("cc");
    compiler.arg("-std=c11").arg("-I").arg(includes).arg(&source).arg("-o").arg(&program);
    if !compiler.status().context("cannot run the C compiler")?.success() {
        bail!("the header does not compile as C");
    }
    let output = Command::new(&program).output().context("cannot run the probe")?;
    if !output.status.success() {
        bail!("the probe fails");
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Makes the baseline. Functions that the old one lacks get the node of the present version.
///
/// # Errors
/// A header that does not compile, an old baseline that cannot be read.
pub fn make(interface: &Interface, includes: &Path, version: &Version, old: &str) -> anyhow::Result<String> {
    let nodes = nodes(old);
    let mut text = format!(
        "# Symbols and layouts of libkinora.so.{}, ABI version {} (64 bits). Written by `cargo xtask header`.\n",
        version.soname, version.abi
    );
    for function in by_name(&interface.functions, |it| &it.name) {
        let node = nodes.get(&function.name).copied().filter(|node| *node >= version.soname).unwrap_or(version.abi);
        writeln!(text, "symbol {}@@KINORA_{node}: {}", function.name, function.declaration)?;
    }
    for callback in by_name(&interface.callbacks, |it| &it.name) {
        writeln!(text, "callback {}: {}", callback.name, callback.declaration)?;
    }
    text.push_str(&layouts(interface, includes)?);
    Ok(text)
}

/// The version that each symbol of a baseline came with.
fn nodes(baseline: &str) -> BTreeMap<String, u32> {
    let symbols = baseline.lines().filter_map(|line| line.strip_prefix("symbol ")?.split_once(": "));
    let versioned = symbols.filter_map(|(symbol, _)| symbol.split_once("@@KINORA_"));
    versioned.filter_map(|(name, node)| Some((name.to_owned(), node.parse().ok()?))).collect()
}

/// Writes the linker map of a baseline: a node for each version, each after the one before it.
pub fn linker_map(baseline: &str) -> anyhow::Result<String> {
    let mut by_node: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (name, node) in nodes(baseline) {
        by_node.entry(node).or_default().push(name);
    }
    let mut text = String::from("/* Exported symbols by ABI version. Written by `cargo xtask header`. */\n");
    let mut last: Option<u32> = None;
    for (node, names) in by_node {
        writeln!(text, "KINORA_{node} {{\n  global:")?;
        for name in names {
            writeln!(text, "    {name};")?;
        }
        match last {
            None => text.push_str("  local:\n    *;\n};\n"),
            Some(last) => writeln!(text, "}} KINORA_{last};")?,
        }
        last = Some(node);
    }
    Ok(text)
}

/// Fingerprint of a baseline: FNV-1a over its lines without comments, in hexadecimal.
pub fn fingerprint(baseline: &str) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for line in baseline.lines().filter(|line| !line.starts_with('#')) {
        for byte in line.bytes().chain([b'\n']) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

/// A type or symbol of a baseline with the lines below it, by its first two words.
fn entries(baseline: &str) -> BTreeMap<String, (String, Vec<String>)> {
    let mut all = BTreeMap::new();
    let mut current = String::new();
    for line in baseline.lines().filter(|line| !line.starts_with('#')) {
        if let Some(detail) = line.strip_prefix("  ") {
            let entry: Option<&mut (String, Vec<String>)> = all.get_mut(&current);
            entry.into_iter().for_each(|(_, details)| details.push(detail.to_owned()));
        } else {
            current = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
            all.insert(current.clone(), (line.to_owned(), Vec::new()));
        }
    }
    all
}

/// Lists what programs compiled with the old baseline would not survive: something is gone or has changed, or a new
/// field lies where an old program has padding, whose bytes mean nothing.
pub fn breaks(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (entries(old), entries(new));
    let mut breaks = Vec::new();
    for (name, (line, details)) in old {
        let Some((new_line, new_details)) = new.get(&name) else {
            breaks.push(format!("{name} is gone"));
            continue;
        };
        let is_structure = name.starts_with("struct ");
        if !is_structure && *new_line != line && !name.ends_with(" KINORA_ABI_VERSION") {
            breaks.push(format!("`{line}` is now `{new_line}`"));
        }
        if let Some(gone) = details.iter().find(|detail| !new_details.contains(detail)) {
            breaks.push(format!("{name} has no `{gone}` any more"));
        }
        if !is_structure {
            continue;
        }
        let size = number_after(&line, " size ");
        let added = new_details.iter().filter(|detail| !details.contains(detail));
        for field in added.filter(|field| number_after(&format!(" {field}"), " ") < size) {
            breaks.push(format!("{name}: the new `{field}` lies in the {size} bytes of old programs"));
        }
        let align = |line: &str| number_after(line, " align ");
        if align(&line) != align(new_line) || number_after(new_line, " size ") < size {
            breaks.push(format!("`{line}` is now `{new_line}`"));
        }
    }
    breaks
}

fn number_after(text: &str, word: &str) -> u64 {
    let rest = text.split_once(word).map_or("", |(_, rest)| rest);
    rest.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
