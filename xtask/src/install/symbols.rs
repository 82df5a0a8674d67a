//! Symbols of the built libraries: versions are checked, and what only debuggers need goes into a file of its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// Libraries as they are installed.
pub struct Split {
    /// The shared library, with dynamic symbols only.
    pub shared: PathBuf,
    /// Its symbols and debug information, which debuggers find by the build id.
    pub debug: PathBuf,
    /// The static library without debug information.
    pub archive: PathBuf,
    /// The build id in hexadecimal.
    pub build_id: String,
}

fn tool(name: &str, arguments: &[&OsStr]) -> anyhow::Result<String> {
    let output = Command::new(name).args(arguments).output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        bail!("{name} fails: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Checks that a library exports the symbols of the baseline with their versions, and nothing else.
///
/// # Errors
/// A symbol too many, too few, or without its version: then the linker did not follow the map.
pub fn check(library: &Path, baseline: &str) -> anyhow::Result<()> {
    let listed =
        tool("nm", &["-D".as_ref(), "--defined-only".as_ref(), "--with-symbol-versions".as_ref(), library.as_ref()])?;
    let faults = faults(&listed, baseline);
    if !faults.is_empty() {
        bail!(
            "{} was not linked by its map (mold does it; see ffi/build.rs): {}",
            library.display(),
            faults.join(", ")
        );
    }
    Ok(())
}

/// Compares what `nm` lists with a baseline.
fn faults(listed: &str, baseline: &str) -> Vec<String> {
    let expected = baseline.lines().filter_map(|line| Some(line.strip_prefix("symbol ")?.split_once(": ")?.0));
    let expected: std::collections::BTreeSet<&str> = expected.collect();
    let exported = listed.lines().filter_map(|line| line.split_whitespace().nth(2));
    // GNU ld lists the versions, too.
    let exported: std::collections::BTreeSet<&str> = exported.filter(|name| !name.starts_with("KINORA_")).collect();
    let extra = exported.difference(&expected).map(|name| format!("{name} is exported"));
    let lacking = expected.difference(&exported).map(|name| format!("{name} is not exported"));
    extra.chain(lacking).collect()
}

/// Splits the libraries in `built` into what is installed, in the folder `stage`.
pub fn split(built: &Path, stage: &Path) -> anyhow::Result<Split> {
    let from = built.join("libkinora.so");
    let notes = tool("readelf", &["-n".as_ref(), from.as_ref()])?;
    let build_id = notes.lines().find_map(|line| line.trim().strip_prefix("Build ID: "));
    let build_id =
        build_id.filter(|id| id.len() > 2 && id.is_ascii()).context("the library has no build id")?.to_owned();
    let place = |name: &str| stage.join(name);
    let split = Split {
        shared: place("libkinora.so"),
        debug: place("libkinora.debug"),
        archive: place("libkinora.a"),
        build_id,
    };
    let objcopy =
        |option: &str, from: &Path, to: &Path| tool("objcopy", &[option.as_ref(), from.as_ref(), to.as_ref()]);
    objcopy("--only-keep-debug", &from, &split.debug)?;
    objcopy("--strip-unneeded", &from, &split.shared)?;
    let archive = place("libkinora.all.a");
    std::fs::copy(built.join("libkinora.a"), &archive).context("there is no static library")?;
    // With split debug information, an archive holds members that are nothing else.
    let members = tool("ar", &["t".as_ref(), archive.as_ref()])?;
    let members: Vec<&OsStr> = members.lines().filter(|name| name.ends_with(".dwo")).map(AsRef::as_ref).collect();
    for members in members.chunks(500) {
        tool("ar", &[&["d".as_ref(), archive.as_os_str()], members].concat())?;
    }
    objcopy("--strip-debug", &archive, &split.archive)?;
    Ok(split)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_those_of_the_baseline() {
        let baseline = "symbol a@@KINORA_2: int a(void)\nsymbol b@@KINORA_3: int b(void)\nstruct c size 1 align 1\n";
        let good = "0 T a@@KINORA_2\n0 T b@@KINORA_3\n0 A KINORA_2@@KINORA_2\n";
        assert_eq!(faults(good, baseline), Vec::<String>::new());
        assert_eq!(faults("0 T a\n0 T b@@KINORA_3\n", baseline), ["a is exported", "a@@KINORA_2 is not exported"]);
        assert_eq!(faults(&format!("{good}0 T rust\n"), baseline), ["rust is exported"]);
    }
}
