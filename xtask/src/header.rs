//! The C header, made by cbindgen from the C ABI crate.

use std::path::Path;

use anyhow::Context as _;

use crate::generated::settle;

/// Writes or checks `ffi/include/kinora.h`.
pub fn run(root: &Path, check: bool) -> anyhow::Result<()> {
    let ffi = root.join("ffi");
    let config = cbindgen::Config::from_file(ffi.join("cbindgen.toml")).map_err(anyhow::Error::msg)?;
    let bindings = cbindgen::Builder::new()
        .with_crate(&ffi)
        .with_config(config)
        .generate()
        .context("cbindgen cannot read the C ABI crate")?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    // What Rust calls safety is, for C, what a call requires.
    let text = String::from_utf8(text)?.replace(" # Safety\n", " Requires:\n");
    settle(&ffi.join("include/kinora.h"), &text, check, "header")
}
