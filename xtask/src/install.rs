//! Installs the C library: header, shared and static library, pkg-config file.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

/// Builds `libkinora` in a profile and copies what an embedder needs below `prefix`.
pub fn run(root: &Path, prefix: &Path, profile: &str) -> anyhow::Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(cargo)
        .args(["build", "--workspace", "--lib", "--profile", profile])
        .current_dir(root)
        .status()
        .context("cannot run cargo build")?;
    if !status.success() {
        bail!("the library does not build");
    }
    let folder = if profile == "dev" { "debug" } else { profile };
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let prefix = std::path::absolute(prefix)?;
    for (from, to) in [
        (root.join("ffi/include/kinora.h"), "include/kinora.h"),
        (root.join("ffi/include/kinora_errors.h"), "include/kinora_errors.h"),
        (root.join("bindings/cpp/include/kinora.hpp"), "include/kinora.hpp"),
        (target.join(folder).join("libkinora.so"), "lib/libkinora.so"),
        (target.join(folder).join("libkinora.a"), "lib/libkinora.a"),
    ] {
        copy(&from, &prefix.join(to))?;
    }
    let template = std::fs::read_to_string(root.join("ffi/kinora.pc.in"))?;
    let config =
        template.replace("@PREFIX@", &prefix.to_string_lossy()).replace("@VERSION@", env!("CARGO_PKG_VERSION"));
    let path = prefix.join("lib/pkgconfig/kinora.pc");
    crate::generated::settle(&path, &config, false, "install")
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
