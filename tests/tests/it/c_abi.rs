//! The C interface, from C and C++: compiled by the system's compilers, against the committed header.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::servers::python;
use crate::support::{binaries, binary, film, films};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A folder in which programs find the library by its SONAME.
fn library() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["libkinora.so", "libkinora.so.2"] {
        std::os::unix::fs::symlink(binary("libkinora.so"), folder.path().join(name)).unwrap();
    }
    folder
}

fn compile_against(headers: &Path, compiler: &str, source: &Path, output: &Path, arguments: &[&str]) {
    let root = repository();
    binary("libkinora.so");
    let status = Command::new(compiler)
        .args(["-Wall", "-Wextra", "-Werror", "-g"])
        .args(arguments)
        .arg("-I")
        .arg(headers)
        .arg("-I")
        .arg(root.join("bindings/cpp/include"))
        .arg(source)
        .arg("-o")
        .arg(output)
        .arg("-L")
        .arg(binaries())
        .args(["-lkinora", "-lm", "-pthread"])
        .status()
        .unwrap();
    assert!(status.success(), "{} does not compile", source.display());
}

fn compile(compiler: &str, source: &Path, output: &Path, arguments: &[&str]) {
    compile_against(&repository().join("ffi/include"), compiler, source, output, arguments);
}

fn start(program: &Path, arguments: &[&str]) -> Output {
    let library = library();
    Command::new(program)
        .args(arguments)
        .env("LD_LIBRARY_PATH", library.path())
        // GLib and GStreamer keep their types and registry for ever, which is no leak of ours.
        .env("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1")
        .output()
        .unwrap()
}

fn run(program: &Path, title: usize) -> Output {
    let film = film(title);
    let server = python(&films());
    let url = server.url.join(&format!("{}/master.m3u8", film.id)).unwrap();
    start(program, &[url.as_str(), &(film.duration_ms as f64 / 1000.0).to_string()])
}

fn must_succeed(output: &Output) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {errors}", output.status);
}

fn plays(compiler: &str, source: &str, arguments: &[&str], title: usize) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    compile(compiler, &repository().join(source), &program, arguments);
    let output = run(&program, title);
    must_succeed(&output);
    let errors = String::from_utf8_lossy(&output.stderr);
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
    must_succeed(&start(&program, &[server.url.join("master.m3u8").unwrap().as_str()]));
}

#[test]
fn a_c_program_plays_a_film_under_the_address_sanitizer() {
    plays("gcc", "ffi/tests/c/play_to_end.c", &["-std=c11", "-fsanitize=address,undefined"], 1);
}

#[test]
fn fifty_destroyed_players_leave_little_memory() {
    plays("gcc", "ffi/tests/c/memory.c", &["-std=c11"], 0);
}

#[test]
fn a_cpp_program_plays_a_film_to_its_end() {
    plays("g++", "ffi/tests/c/play_to_end.cpp", &["-std=c++17"], 2);
}

/// Changes each structure of the header that begins with `struct_size`; how many there were.
fn with_other_structures(header: &str, change: impl Fn(&mut Vec<String>)) -> (String, usize) {
    let (mut text, mut body, mut changed) = (String::new(), None::<Vec<String>>, 0);
    for line in header.lines() {
        if line.starts_with("typedef struct ") && line.ends_with('{') {
            body = Some(Vec::new());
        } else if let Some(fields) = &mut body {
            let is_field = line.starts_with("  ") && !line.trim_start().starts_with("//");
            if is_field {
                fields.push(line.to_owned());
            }
            if !line.starts_with('}') {
                continue;
            }
            if fields.first().is_some_and(|first| first.trim() == "size_t struct_size;") {
                change(fields);
                changed += 1;
            }
            text.push_str(&fields.join("\n"));
            text.push('\n');
            body = None;
        }
        text.push_str(line);
        text.push('\n');
    }
    (text, changed)
}

/// A film whose manifest also has timed metadata and thumbnails, so that there is something for every structure.
fn film_with_everything(folder: &Path) {
    let film = films().join(&film(0).id);
    for entry in std::fs::read_dir(&film).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "manifest.mpd" {
            std::os::unix::fs::symlink(entry.path(), folder.join(entry.file_name())).unwrap();
        }
    }
    let manifest = std::fs::read_to_string(film.join("manifest.mpd")).unwrap();
    let period = "<Period id=\"0\" start=\"PT0S\">";
    let events = "<EventStream schemeIdUri=\"urn:x\" value=\"1\"><Event presentationTime=\"3\" id=\"7\">hi</Event></EventStream>";
    let pictures = "<AdaptationSet contentType=\"image\" mimeType=\"image/jpeg\"><SegmentTemplate duration=\"60\" media=\"thumbs/$Number$.jpg\"/>\
        <Representation id=\"thumbs\" bandwidth=\"1000\" width=\"320\" height=\"180\"><EssentialProperty \
        schemeIdUri=\"http://dashif.org/guidelines/thumbnail_tile\" value=\"2x2\"/></Representation></AdaptationSet>";
    let full = manifest.replacen(period, &format!("{period}{events}"), 1).replacen(
        "</Period>",
        &format!("{pictures}</Period>"),
        1,
    );
    assert_eq!(full.len(), manifest.len() + events.len() + pictures.len());
    std::fs::write(folder.join("manifest.mpd"), full).unwrap();
}

/// Runs `sized.c` as a program that knows other structures than the library.
fn serves(word: &str, change: impl Fn(&mut Vec<String>)) {
    let folder = tempfile::tempdir().unwrap();
    let include = repository().join("ffi/include");
    let header = std::fs::read_to_string(include.join("kinora.h")).unwrap();
    let (header, changed) = with_other_structures(&header, change);
    assert!(changed >= 8, "only {changed} structures carry their size");
    std::fs::write(folder.path().join("kinora.h"), header).unwrap();
    std::fs::copy(include.join("kinora_errors.h"), folder.path().join("kinora_errors.h")).unwrap();
    let program = folder.path().join("program");
    let source = repository().join("ffi/tests/c/sized.c");
    compile_against(folder.path(), "gcc", &source, &program, &["-std=gnu11", &format!("-D{word}")]);
    let served = tempfile::tempdir().unwrap();
    film_with_everything(served.path());
    let server = python(served.path());
    must_succeed(&start(&program, &[server.url.join("manifest.mpd").unwrap().as_str()]));
}

#[test]
fn programs_with_smaller_structures_are_served_within_them() {
    serves("SHRUNK", |fields| {
        fields.pop();
    });
}

#[test]
fn programs_with_larger_structures_are_served() {
    serves("GROWN", |fields| fields.push("  uint64_t later[5];".to_owned()));
}

#[test]
fn programs_with_the_structures_of_the_library_are_served() {
    serves("SAME", |_| {});
}

/// The symbols of the committed baseline are those of the library, with their versions.
#[test]
fn the_library_exports_what_the_baseline_lists() {
    let baseline = std::fs::read_to_string(repository().join("ffi/abi/baseline.txt")).unwrap();
    let mut expected: Vec<&str> =
        baseline.lines().filter_map(|line| Some(line.strip_prefix("symbol ")?.split_once(": ")?.0)).collect();
    let listed = Command::new("nm")
        .args(["-D", "--defined-only", "--with-symbol-versions"])
        .arg(binary("libkinora.so"))
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let mut exported: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    expected.sort_unstable();
    exported.sort_unstable();
    assert!(!expected.is_empty());
    assert_eq!(exported, expected);
    let dynamic = Command::new("readelf").arg("-d").arg(binary("libkinora.so")).output().unwrap();
    let dynamic = String::from_utf8(dynamic.stdout).unwrap();
    assert!(dynamic.contains("Library soname: [libkinora.so.2]") && dynamic.contains("NODELETE"), "{dynamic}");
}

/// A film of which each playlist ends after two segments.
fn short_film(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&to).unwrap();
            short_film(&entry.path(), &to);
        } else if entry.file_name() == "playlist.m3u8" {
            let playlist = std::fs::read_to_string(entry.path()).unwrap();
            let second = playlist.match_indices("#EXTINF").nth(2).map_or(playlist.len(), |(at, _)| at);
            std::fs::write(&to, format!("{}#EXT-X-ENDLIST\n", &playlist[..second])).unwrap();
        } else {
            std::os::unix::fs::symlink(entry.path(), &to).unwrap();
        }
    }
}

#[test]
fn the_program_of_the_readme_compiles_and_plays() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let program = readme.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(program.lines().count(), 25);
    assert!(readme.contains("gcc -o play play.c $(pkg-config --cflags --libs kinora)"), "the build line");
    let folder = tempfile::tempdir().unwrap();
    let (source, play) = (folder.path().join("play.c"), folder.path().join("play"));
    std::fs::write(&source, program).unwrap();
    compile("gcc", &source, &play, &["-std=c11", "-Wpedantic"]);
    short_film(&films().join(&film(0).id), folder.path());
    let server = python(folder.path());
    let output = start(&play, &[server.url.join("master.m3u8").unwrap().as_str()]);
    must_succeed(&output);
    assert!(String::from_utf8_lossy(&output.stdout).contains(" s\n"), "a picture was there");
    let refused = start(&play, &["nonsense"]);
    assert!(!refused.status.success() && !refused.stderr.is_empty());
}
