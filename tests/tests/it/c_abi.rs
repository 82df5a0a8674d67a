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

/// A film whose only subtitles are placed and styled.
fn styled_film(folder: &Path) {
    let film = films().join(&film(0).id);
    let master = std::fs::read_to_string(film.join("master.m3u8")).unwrap();
    let rendition = "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,URI=\"styled.m3u8\"";
    let lines = master.lines().filter(|line| !line.contains("TYPE=SUBTITLES"));
    let (head, rest): (Vec<&str>, Vec<&str>) =
        lines.partition(|line| line.starts_with("#EXTM3U") || line.starts_with("#EXT-X-VERSION"));
    let master = [head, vec![rendition], rest].concat().join("\n");
    for entry in std::fs::read_dir(&film).unwrap() {
        let entry = entry.unwrap();
        std::os::unix::fs::symlink(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    std::fs::remove_file(folder.join("master.m3u8")).unwrap();
    std::fs::write(folder.join("master.m3u8"), master).unwrap();
    let playlist = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:60\n#EXTINF:60,\nstyled.vtt\n#EXT-X-ENDLIST\n";
    std::fs::write(folder.join("styled.m3u8"), playlist).unwrap();
    let cues = "WEBVTT\n\n00:00.000 --> 01:00.000 line:10% position:20%,line-left size:60% align:left\n\
        plain<b><c.yellow.bg_blue>styled</c></b>\n";
    std::fs::write(folder.join("styled.vtt"), cues).unwrap();
}

#[test]
fn a_c_program_reads_where_cues_stand_and_how_they_look() {
    let folder = tempfile::tempdir().unwrap();
    styled_film(folder.path());
    let program = folder.path().join("program");
    compile(
        "gcc",
        &repository().join("ffi/tests/c/cue_style.c"),
        &program,
        &["-std=c11", "-fsanitize=address,undefined"],
    );
    let server = python(folder.path());
    let output = Command::new(&program)
        .arg(server.url.join("master.m3u8").unwrap().as_str())
        .env("LD_LIBRARY_PATH", binaries())
        .env("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {errors}", output.status);
}

#[test]
fn a_c_program_plays_a_film_under_the_address_sanitizer() {
    plays("gcc", "ffi/tests/c/play_to_end.c", &["-std=c11", "-fsanitize=address,undefined"], 1);
}

#[test]
fn a_cpp_program_plays_a_film_to_its_end() {
    plays("g++", "ffi/tests/c/play_to_end.cpp", &["-std=c++17"], 2);
}
