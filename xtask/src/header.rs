//! The C header, made by cbindgen from the C ABI crate, and all that follows from it: the linker map that lists the
//! exports, and the baseline of symbols and layouts.

use std::path::Path;

use anyhow::{Context as _, bail};

use crate::baseline;
use crate::generated::settle;
use crate::interface::Interface;

/// Constant of the header that numbers the interface.
const ABI_VERSION: &str = "KINORA_ABI_VERSION";

/// Writes or checks `ffi/include/kinora.h`, `ffi/abi/kinora.map` and `ffi/abi/baseline.txt`.
///
/// # Errors
/// Without an entry in `ffi/abi/versions.txt` for the interface as it is, and when programs that are compiled already
/// would break, unless the SONAME is new or `incompatible` is set.
pub fn run(root: &Path, check: bool, incompatible: bool) -> anyhow::Result<()> {
    let ffi = root.join("ffi");
    let log = read(&ffi.join("abi/versions.txt"))?;
    let header = header(&ffi, &log)?;
    settle(&ffi.join("include/kinora.h"), &header, check, "header")?;
    let old = std::fs::read_to_string(ffi.join("abi/baseline.txt")).unwrap_or_default();
    let new = agreed(&header, &ffi.join("include"), &log, &old, incompatible)?;
    settle(&ffi.join("abi/baseline.txt"), &new, check, "header")?;
    settle(&ffi.join("abi/kinora.map"), &baseline::linker_map(&new)?, check, "header")
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Makes the header's text.
fn header(ffi: &Path, log: &str) -> anyhow::Result<String> {
    let config = cbindgen::Config::from_file(ffi.join("cbindgen.toml")).map_err(anyhow::Error::msg)?;
    let bindings = cbindgen::Builder::new()
        .with_crate(ffi)
        .with_config(config)
        .generate()
        .context("cbindgen cannot read the C ABI crate")?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    // What Rust calls safety is, for C, what a call requires.
    let text = String::from_utf8(text)?.replace(" # Safety\n", " Requires:\n");
    let mut versions = String::new();
    for version in baseline::versions(log)? {
        let line = format!("{} ({}) {}", version.abi, version.library, version.text);
        versions.push_str(&wrapped(&line, " *   ", " *       "));
    }
    let place = " * @ABI_VERSIONS@\n";
    if !text.contains(place) {
        bail!("the header's introduction in cbindgen.toml has no place for the log of ABI versions");
    }
    Ok(text.replace(place, &versions))
}

/// Breaks a text into lines of at most 120 columns.
fn wrapped(text: &str, first: &str, next: &str) -> String {
    let (mut lines, mut line) = (String::new(), first.to_owned());
    for word in text.split(' ') {
        if line.len() + word.len() > 119 {
            lines.push_str(line.trim_end());
            lines.push('\n');
            line = next.to_owned();
        }
        line.push_str(word);
        line.push(' ');
    }
    lines.push_str(line.trim_end());
    lines.push('\n');
    lines
}

/// Returns the baseline of a header, once the log agrees with it.
fn agreed(header: &str, includes: &Path, log: &str, old: &str, incompatible: bool) -> anyhow::Result<String> {
    let versions = baseline::versions(log)?;
    let last = versions.last().context("the log is empty")?;
    let interface = Interface::parse(header)?;
    let number = interface.number(ABI_VERSION).with_context(|| format!("the header has no {ABI_VERSION}"))?;
    if number != last.abi {
        bail!("{ABI_VERSION} is {number}, but the last line of ffi/abi/versions.txt is for {}", last.abi);
    }
    let new = baseline::make(&interface, includes, last, old)?;
    let same_library = old.contains(&format!(" libkinora.so.{},", last.soname));
    let breaks = baseline::breaks(old, &new);
    if same_library && !incompatible && !breaks.is_empty() {
        bail!(
            "programs compiled before would break:\n  {}\nKeep the old interface, or give the library a new SONAME in \
             ffi/abi/versions.txt. (`--incompatible` is for a version that was never released.)",
            breaks.join("\n  ")
        );
    }
    let fingerprint = baseline::fingerprint(&new);
    if last.fingerprint != fingerprint {
        bail!(
            "the interface has changed: add a line `{} {} {} {fingerprint} CHANGE` to ffi/abi/versions.txt (with a new \
             {ABI_VERSION} if the last one was released) and run `cargo xtask header`",
            last.abi,
            last.soname,
            env!("CARGO_PKG_VERSION")
        );
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    struct Committed {
        includes: std::path::PathBuf,
        header: String,
        baseline: String,
        map: String,
        log: String,
    }

    fn committed() -> Committed {
        let ffi = crate::root().join("ffi");
        let includes = ffi.join("include");
        Committed {
            header: read(&includes.join("kinora.h")).unwrap(),
            baseline: read(&ffi.join("abi/baseline.txt")).unwrap(),
            map: read(&ffi.join("abi/kinora.map")).unwrap(),
            log: read(&ffi.join("abi/versions.txt")).unwrap(),
            includes,
        }
    }

    /// Agrees on a header that differs from the committed one by a replacement.
    fn changed(from: &str, to: &str, log: impl Fn(&str) -> String, incompatible: bool) -> Result<String, String> {
        let committed = committed();
        assert!(committed.header.contains(from), "{from}");
        let header = committed.header.replacen(from, to, 1);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kinora.h"), &header).unwrap();
        std::fs::copy(committed.includes.join("kinora_errors.h"), folder.path().join("kinora_errors.h")).unwrap();
        let log = log(&committed.log);
        agreed(&header, folder.path(), &log, &committed.baseline, incompatible).map_err(|error| error.to_string())
    }

    /// The log with a line for the fingerprint that an error asks for.
    fn answered(log: &str, error: &str) -> String {
        let line = error.split('`').nth(1).unwrap();
        format!("{log}{line}\n")
    }

    #[test]
    fn what_is_committed_agrees() {
        let committed = committed();
        let made = agreed(&committed.header, &committed.includes, &committed.log, &committed.baseline, false).unwrap();
        assert_eq!(made, committed.baseline);
        assert_eq!(baseline::linker_map(&made).unwrap(), committed.map);
    }

    #[test]
    fn an_addition_needs_a_line_in_the_log() {
        let additions = [
            ("uint32_t kinora_init(void);", "uint32_t kinora_init(void);\nuint32_t kinora_added(size_t n);"),
            ("} kinora_track;", "  uint64_t added;\n} kinora_track;"),
            ("} kinora_state;", "  KINORA_STATE_ADDED = 77,\n} kinora_state;"),
        ];
        for (from, to) in additions {
            let refused = changed(from, to, str::to_owned, false).unwrap_err();
            assert!(refused.starts_with("the interface has changed"), "{refused}");
            let agreed = changed(from, to, |log| answered(log, &refused), false).unwrap();
            assert_ne!(agreed, committed().baseline);
        }
    }

    #[test]
    fn a_break_needs_a_new_soname() {
        let breaks = [
            ("uint32_t kinora_init(void);", ""),
            ("uint32_t kinora_init(void);", "uint32_t kinora_init(uint32_t flags);"),
            ("KINORA_STATE_FAILED = 6", "KINORA_STATE_FAILED = 7"),
            ("  // Declared bitrate, in bits per second.\n  uint64_t bitrate;\n", ""),
            ("  uint64_t bitrate;\n", "  uint32_t bitrate;\n"),
            // Behind the last field there are four bytes of padding: garbage in the structures of old programs.
            ("  uint32_t shown;\n", "  uint32_t shown;\n  uint32_t added;\n"),
            ("  uint64_t bitrate;\n", "  uint64_t bitrate;\n  uint64_t added;\n"),
        ];
        for (from, to) in breaks {
            let refused = changed(from, to, str::to_owned, false).unwrap_err();
            assert!(refused.starts_with("programs compiled before would break"), "{from} → {to}: {refused}");
            assert!(changed(from, to, str::to_owned, true).unwrap_err().starts_with("the interface has changed"));
        }
    }

    #[test]
    fn a_symbol_keeps_the_node_that_it_came_with() {
        let from = "#define KINORA_ABI_VERSION 2";
        let to = "#define KINORA_ABI_VERSION 3\nuint32_t kinora_added(void);";
        let next = |fingerprint: &str| format!("3 2 0.2.0 {fingerprint} an addition\n");
        let refused = changed(from, to, |log| format!("{log}{}", next("0")), false).unwrap_err();
        let fingerprint = refused.split('`').nth(1).unwrap().split(' ').nth(3).unwrap().to_owned();
        let made = changed(from, to, |log| format!("{log}{}", next(&fingerprint)), false).unwrap();
        let map = baseline::linker_map(&made).unwrap();
        assert!(map.ends_with("KINORA_3 {\n  global:\n    kinora_added;\n} KINORA_2;\n"), "{map}");
        assert!(map.contains("    kinora_init;\n") && map.matches("local:").count() == 1);
    }
}
