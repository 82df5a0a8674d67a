//! Takes the paths of the build machine out of built libraries.
//!
//! Compilers put source paths into panic messages, assertions and debug information. Telling them other paths
//! (`--remap-path-prefix`, `-ffile-prefix-map`) would build every dependency anew for an installation. So the finished
//! files are changed instead: a prefix is replaced by one of the same length, filled up with slashes, so that no offset
//! moves and the path keeps its meaning.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

/// A prefix and what stands in its place; both have the same length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    from: Vec<u8>,
    to: Vec<u8>,
}

impl Hidden {
    /// Replaces a folder by `name`, which is an absolute path; by slashes if the name is longer than the folder's.
    fn new(folder: &Path, name: &str) -> Self {
        let from = folder.as_os_str().as_encoded_bytes().to_vec();
        let name = if name.len() <= from.len() { name } else { "" };
        let to = name.bytes().chain(std::iter::repeat(b'/')).take(from.len()).collect();
        Self { from, to }
    }
}

/// Lists the folders that a build of this workspace takes sources from and puts intermediate files into, longest first.
///
/// # Errors
/// A compiler that does not start.
pub fn of_build(root: &Path, target: &Path) -> anyhow::Result<Vec<Hidden>> {
    let home = |variable: &str, folder: &str| -> Option<PathBuf> {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        std::env::var_os(variable).map(PathBuf::from).or_else(|| Some(PathBuf::from(home?).join(folder)))
    };
    let mut hidden = vec![Hidden::new(root, "/kinora"), Hidden::new(target, "/kinora/target")];
    if let Some(cargo) = home("CARGO_HOME", ".cargo") {
        for sources in ["registry/src", "git/checkouts"] {
            let folders = std::fs::read_dir(cargo.join(sources)).into_iter().flatten().flatten();
            hidden.extend(folders.map(|folder| Hidden::new(&folder.path(), "/crates")));
        }
        hidden.push(Hidden::new(&cargo, "/cargo"));
    }
    if let Some(rustup) = home("RUSTUP_HOME", ".rustup") {
        hidden.push(Hidden::new(&rustup, "/rustup"));
    }
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = Command::new(rustc).args(["--print", "sysroot"]).output().context("cannot run rustc")?;
    let sysroot = String::from_utf8_lossy(&sysroot.stdout).trim().to_owned();
    if sysroot.starts_with('/') && sysroot != "/usr" {
        hidden.push(Hidden::new(Path::new(&sysroot), "/rust"));
    }
    hidden.retain(|hidden| hidden.from.len() > 1);
    hidden.sort_by_key(|hidden| std::cmp::Reverse(hidden.from.len()));
    Ok(hidden)
}

/// Changes a file in place.
///
/// # Errors
/// A file that cannot be read or written.
pub fn hide(file: &Path, hidden: &[Hidden]) -> anyhow::Result<()> {
    let mut bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    hide_in(&mut bytes, hidden);
    std::fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

fn hide_in(bytes: &mut [u8], hidden: &[Hidden]) {
    let mut at = 0;
    while let Some(next) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'/')) {
        at += next;
        let rest = bytes.get_mut(at..).unwrap_or_default();
        let found = hidden.iter().find(|hidden| {
            // `/src/kinora` is no prefix of `/src/kinora-2`.
            let ends = rest.get(hidden.from.len()).is_none_or(|next| !is_name(*next));
            ends && rest.starts_with(&hidden.from)
        });
        at += found.map_or(1, |hidden| {
            let (head, _) = rest.split_at_mut(hidden.to.len());
            head.copy_from_slice(&hidden.to);
            hidden.to.len()
        });
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_keep_their_length_and_their_end() {
        let hidden =
            [Hidden::new(Path::new("/home/me/.cargo/registry"), "/crates"), Hidden::new(Path::new("/w/k"), "/kinora")];
        let cases = [
            ("x/home/me/.cargo/registry/a/b.rs", "x/crates//////////////////a/b.rs"),
            ("/w/k\0/w/k/ffi/src/lib.rs", "////\0/////ffi/src/lib.rs"),
            ("/w/k2/a /w/k-b /w/k", "/w/k2/a /w/k-b ////"),
            ("//w/k/a", "//////a"),
            ("no path", "no path"),
        ];
        for (before, after) in cases {
            let mut bytes = before.as_bytes().to_vec();
            hide_in(&mut bytes, &hidden);
            assert_eq!(String::from_utf8_lossy(&bytes), after);
            assert_eq!(before.len(), after.len());
        }
    }

    #[test]
    fn the_folders_of_this_build_are_known() {
        let root = crate::root();
        let hidden = of_build(&root, &root.join("target")).expect("rustc starts");
        let source = root.join("ffi/src/lib.rs");
        let mut bytes = source.as_os_str().as_encoded_bytes().to_vec();
        hide_in(&mut bytes, &hidden);
        assert!(bytes.ends_with(b"/ffi/src/lib.rs") && !bytes.starts_with(root.as_os_str().as_encoded_bytes()));
    }
}
