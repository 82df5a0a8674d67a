//! Gives the shared library its SONAME, the versions of its symbols and its build id.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=abi/versions.txt");
    println!("cargo:rerun-if-changed=abi/kinora.map");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_OS") != "linux" {
        return;
    }
    let folder = variable("CARGO_MANIFEST_DIR");
    let log = std::fs::read_to_string(Path::new(&folder).join("abi/versions.txt")).unwrap_or_default();
    let soname = log.lines().last().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    assert!(soname.parse::<u32>().is_ok(), "the last line of abi/versions.txt has no SONAME");
    // The threads of the I/O runtime and GLib's types outlive the last player, so the code must stay.
    for argument in [&format!("-soname,libkinora.so.{soname}"), "--build-id=sha1", "-z,nodelete"] {
        println!("cargo:rustc-cdylib-link-arg=-Wl,{argument}");
    }
    // rustc gives the linker a map without versions. mold takes the last one that names a symbol, which is ours; GNU ld
    // and lld refuse two. `cargo xtask install` checks the result.
    if variable("CARGO_ENCODED_RUSTFLAGS").contains("mold") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,--version-script={folder}/abi/kinora.map");
    } else {
        println!("cargo:warning=symbols of libkinora get no versions: the linker is not mold");
    }
}
