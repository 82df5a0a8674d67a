//! The C interface, from C and C++: compiled by the system's compilers, against the committed header.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::servers::python;
use crate::support::{binaries, binary, film, films};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn compile(compiler: &str, source: &Path, output: &Path, arguments: &[&str]) {
    let root = repository();
    binary("libkinora.so");
    let status = Command::new(compiler)
        .args(["-Wall", "-Wextra", "-Werror", "-g"])
        .args(arguments)
        .arg("-I")
        .arg(root.join("ffi/include"))
        .arg("-I")
        .arg(root.join("bindings/cpp/include"))
        .arg(source)
        .arg("-o")
        .arg(output)
        .arg("-L")
        .arg(binaries())
        .args(["-lkinora", "-lm"])
        .status()
        .unwrap();
    assert!(status.success(), "{} does not compile", source.display());
}

fn run(program: &Path, title: usize) -> Output {
    let film = film(title);
    let server = python(&films());
    let url = server.url.join(&format!("{}/master.m3u8", film.id)).unwrap();
    Command::new(program)
        .arg(url.as_str())
        .arg((film.duration_ms as f64 / 1000.0).to_string())
        .env("LD_LIBRARY_PATH", binaries())
        // GLib and GStreamer keep their types and registry for ever, which is no leak of ours.
        .env("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1")
        .output()
        .unwrap()
}

fn plays(compiler: &str, source: &str, arguments: &[&str], title: usize) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    compile(compiler, &repository().join(source), &program, arguments);
    let output = run(&program, title);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {errors}", output.status);
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("played "), "{errors}");
}

#[test]
fn a_c_program_plays_a_film_to_its_end() {
    plays("gcc", "ffi/tests/c/play_to_end.c", &["-std=c11"], 0);
}

#[test]
fn a_c_program_plays_a_film_under_the_address_sanitizer() {
    plays("gcc", "ffi/tests/c/play_to_end.c", &["-std=c11", "-fsanitize=address,undefined"], 1);
}

#[test]
fn a_cpp_program_plays_a_film_to_its_end() {
    plays("g++", "ffi/tests/c/play_to_end.cpp", &["-std=c++17"], 2);
}
