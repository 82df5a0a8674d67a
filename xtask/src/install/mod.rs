//! Installs the C library: headers, shared library with its links, static library, debug symbols, pkg-config file and
//! licences. Nothing that is installed names the machine that built it.

mod licences;
mod paths;
mod symbols;

use std::path::{Component, Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::baseline::{self, Version};

/// Places, as the programs of an embedder will know them.
pub struct Options {
    /// Root of what is installed.
    pub prefix: PathBuf,
    /// Folder of the libraries, below `prefix` unless absolute.
    pub libdir: PathBuf,
    /// Folder that stands for the root of the file system, for packagers.
    pub destdir: Option<PathBuf>,
    /// Cargo profile to build.
    pub profile: String,
    /// Takes what an earlier build has left.
    pub no_build: bool,
}

/// Builds `libkinora` in a profile and installs it.
///
/// # Errors
/// A build that fails, a linker that did not give the symbols their versions, a file that cannot be written.
pub fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    if !options.no_build {
        build(root, &options.profile)?;
    }
    let log = std::fs::read_to_string(root.join("ffi/abi/versions.txt"))?;
    let version = baseline::versions(&log)?.pop().context("the log of ABI versions is empty")?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let target = std::path::absolute(target)?;
    let built = target.join(if options.profile == "dev" { "debug" } else { &options.profile });

    let places = Places::new(options)?;
    let stage = tempfile::tempdir()?;
    let baseline = std::fs::read_to_string(root.join("ffi/abi/baseline.txt"))?;
    symbols::check(&built.join("libkinora.so"), &baseline)?;
    let split = symbols::split(&built, stage.path())?;
    let hidden = paths::of_build(root, &target)?;
    for file in [&split.shared, &split.debug, &split.archive] {
        paths::hide(file, &hidden)?;
    }

    for name in ["kinora.h", "kinora_errors.h"] {
        places.copy(&root.join("ffi/include").join(name), &places.prefix.join("include").join(name))?;
    }
    places.copy(&root.join("bindings/cpp/include/kinora.hpp"), &places.prefix.join("include/kinora.hpp"))?;
    let (file, soname) = library_names(&version);
    places.copy(&split.shared, &places.libdir.join(&file))?;
    places.link(&file, &places.libdir.join(&soname))?;
    places.link(&soname, &places.libdir.join("libkinora.so"))?;
    places.copy(&split.archive, &places.libdir.join("libkinora.a"))?;
    let (first, rest) = split.build_id.split_at(2);
    places.copy(&split.debug, &places.prefix.join("lib/debug/.build-id").join(first).join(format!("{rest}.debug")))?;
    let template = std::fs::read_to_string(root.join("ffi/kinora.pc.in"))?;
    places.write(&places.libdir.join("pkgconfig/kinora.pc"), &places.package(&template))?;
    let licences = places.prefix.join("share/licenses/kinora");
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        places.copy(&root.join(name), &licences.join(name))?;
    }
    places.copy(&root.join("ffi/LICENSES-RUNTIME.md"), &licences.join("LICENSES-RUNTIME.md"))?;
    places.write(&licences.join("LICENSES-CRATES.txt"), &licences::notices(root)?)
}

fn build(root: &Path, profile: &str) -> anyhow::Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(cargo)
        .args(["build", "--workspace", "--lib", "--profile", profile])
        .current_dir(root)
        .status()
        .context("cannot run cargo build")?;
    if !status.success() {
        bail!("the library does not build");
    }
    Ok(())
}

/// Returns the name of the shared library's file and its SONAME. The second number of the file counts the additions
/// since the SONAME was born.
fn library_names(version: &Version) -> (String, String) {
    let soname = format!("libkinora.so.{}", version.soname);
    (format!("{soname}.{}.0", version.abi - version.soname), soname)
}

struct Places {
    prefix: PathBuf,
    libdir: PathBuf,
    destdir: Option<PathBuf>,
}

impl Places {
    fn new(options: &Options) -> anyhow::Result<Self> {
        let prefix = std::path::absolute(&options.prefix)?;
        let libdir = prefix.join(&options.libdir);
        let destdir = options.destdir.as_deref().filter(|folder| !folder.as_os_str().is_empty());
        let plain =
            |path: &Path| path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        if !plain(&prefix) || !plain(&libdir) {
            bail!("a prefix and a libdir have no `..`");
        }
        Ok(Self { prefix, libdir, destdir: destdir.map(std::path::absolute).transpose()? })
    }

    /// Returns the place on this machine of a file of the installed system; its folder is there then.
    fn real(&self, path: &Path) -> anyhow::Result<PathBuf> {
        let real = match &self.destdir {
            Some(destdir) => destdir.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_owned(),
        };
        if let Some(folder) = real.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        Ok(real)
    }

    fn copy(&self, from: &Path, to: &Path) -> anyhow::Result<()> {
        let to = self.real(to)?;
        // A new file: programs that run keep the old one.
        remove(&to)?;
        std::fs::copy(from, &to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
        Ok(())
    }

    fn link(&self, target: &str, path: &Path) -> anyhow::Result<()> {
        let path = self.real(path)?;
        remove(&path)?;
        std::os::unix::fs::symlink(target, &path).with_context(|| format!("cannot link {}", path.display()))
    }

    fn write(&self, path: &Path, text: &str) -> anyhow::Result<()> {
        let path = self.real(path)?;
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Fills in the pkg-config file, whose paths begin at its own folder, so that the installed tree may be moved.
    fn package(&self, template: &str) -> String {
        let here = self.libdir.join("pkgconfig");
        let from_prefix = relative(&self.prefix, &self.libdir);
        let to_prefix = relative(&here, &self.prefix);
        template
            .replace("@PREFIX@", &format!("${{pcfiledir}}/{}", to_prefix.display()))
            .replace("@LIBDIR@", &format!("${{prefix}}/{}", from_prefix.display()))
            .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
    }
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot replace {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Returns the way from a folder to another; both are absolute and have no `..`.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn places(prefix: &str, libdir: &str, destdir: Option<&str>) -> anyhow::Result<Places> {
        Places::new(&Options {
            prefix: prefix.into(),
            libdir: libdir.into(),
            destdir: destdir.map(Into::into),
            profile: "dev".to_owned(),
            no_build: true,
        })
    }

    #[test]
    fn the_package_file_finds_its_prefix_from_its_own_place() {
        let cases = [
            ("/usr", "lib", "${pcfiledir}/../..|${prefix}/lib"),
            ("/usr", "lib/x86_64-linux-gnu", "${pcfiledir}/../../..|${prefix}/lib/x86_64-linux-gnu"),
            ("/usr", "/usr/lib64", "${pcfiledir}/../..|${prefix}/lib64"),
            ("/opt/kinora", "/usr/lib", "${pcfiledir}/../../../opt/kinora|${prefix}/../../usr/lib"),
        ];
        for (prefix, libdir, expected) in cases {
            assert_eq!(places(prefix, libdir, None).unwrap().package("@PREFIX@|@LIBDIR@"), expected);
        }
        assert!(places("/usr/../x", "lib", None).is_err() && places("/usr", "../lib", None).is_err());
    }

    #[test]
    fn a_destdir_stands_for_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let places = places("/opt/kinora", "lib", folder.path().to_str()).unwrap();
        places.write(&places.libdir.join("pkgconfig/kinora.pc"), "x").unwrap();
        places.link("a", &places.libdir.join("b")).unwrap();
        places.link("c", &places.libdir.join("b")).unwrap();
        let lib = folder.path().join("opt/kinora/lib");
        assert_eq!(std::fs::read_to_string(lib.join("pkgconfig/kinora.pc")).unwrap(), "x");
        assert_eq!(std::fs::read_link(lib.join("b")).unwrap(), Path::new("c"));
    }

    #[test]
    fn the_file_counts_additions_since_the_soname() {
        let version = |abi, soname| Version {
            abi,
            soname,
            library: String::new(),
            fingerprint: String::new(),
            text: String::new(),
        };
        let names = |abi, soname| library_names(&version(abi, soname));
        assert_eq!(names(2, 2), ("libkinora.so.2.0.0".to_owned(), "libkinora.so.2".to_owned()));
        assert_eq!(names(5, 2).0, "libkinora.so.2.3.0");
    }
}
