//! The binary as a user meets it: lines in, lines out, exit codes.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

/// Runs `abr-sim` with `input` on its standard input, which is then closed: the process ends by itself.
fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_abr-sim"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built for this test");
    // It may end before it has read everything; what it wrote is what is judged.
    let _ = child.stdin.take().expect("stdin is piped").write_all(input.as_bytes());
    child.wait_with_output().expect("it was started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const INIT: &str = r#"{"type":"init","protocol":1,"bitrates_kbps":[300,1200],"chunk_s":2,"n_chunks":3,"max_buffer_s":25,"live":false,"target_latency_s":null,"metric":"lin"}"#;
const DECIDE: &str = r#"{"type":"decide","chunk":0,"buffer_s":0,"now_s":0,"last_level":null,"latency_s":null,"last":null,"next_sizes_bytes":[[75000,300000]],"next_quality":null,"chunks_left":3}"#;

#[test]
fn stdio_answers_each_line_and_ends_with_its_input() {
    let output = run(&["stdio"], &format!("{INIT}\n{DECIDE}\n\n{INIT}\n{DECIDE}"));
    let line = "{\"progress\":true,\"lookahead\":10}\n{\"level\":0}\n";
    assert_eq!(text(&output.stdout), line.repeat(2));
    assert!(output.status.success());
}

#[test]
fn a_bad_line_gets_one_error_line_and_the_next_is_answered() {
    let output = run(&["stdio"], &format!("{DECIDE}\n{INIT}\nnonsense\n{DECIDE}\n"));
    let stdout = text(&output.stdout);
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0], r#"{"error":"line 1: no session: `init` must come first"}"#);
    assert!(lines[2].starts_with(r#"{"error":"line 3: not a message: "#), "{}", lines[2]);
    assert_eq!(lines[3], r#"{"level":0}"#);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "abr-sim: 2 messages could not be answered\n");
}

#[test]
fn a_line_without_end_is_refused_before_it_fills_the_memory() {
    let output = run(&["stdio"], &"x".repeat(3 << 20));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "abr-sim: line 1: message longer than 1048576 bytes\n");
}

/// A new folder with one film and one trace of a steady 3 Mbit/s; the paths of all three.
fn on_disk(name: &str) -> [String; 3] {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("the target folder is writable");
    let film = folder.join("film.json");
    let sizes = vec!["[600000,2400000]"; 20].join(",");
    let json = format!(r#"{{"segment_duration_ms":2000,"bitrates_kbps":[300,1200],"segment_sizes_bits":[{sizes}]}}"#);
    fs::write(&film, json).expect("the target folder is writable");
    let trace = folder.join("steady.csv");
    fs::write(&trace, "duration_ms,bandwidth_kbps,latency_ms\n1000,3000,20\n").expect("the target folder is writable");
    [folder, film, trace].map(|path| path.display().to_string())
}

#[test]
fn compare_prints_a_row_for_each_rule_and_names_the_file_at_fault() {
    let [folder, film, trace] = on_disk("compare");
    let arguments = ["compare", "--traces", &folder, "--video", &film, "--rules", "default,lowest"];
    let output = run(&arguments, "");
    let stdout = text(&output.stdout);
    let rows: Vec<&str> = stdout.lines().collect();
    assert_eq!(rows.len(), 3, "{stdout}{}", text(&output.stderr));
    assert!(rows[1].starts_with("default ") && rows[2].starts_with("lowest "), "{stdout}");
    let rate = |row: &str| row.split_whitespace().nth(3).and_then(|rate| rate.parse::<f64>().ok());
    assert_eq!(rate(rows[2]), Some(300.0));
    assert!(rate(rows[1]) > Some(1000.0), "{stdout}");

    fs::write(&trace, "duration_ms,bandwidth_kbps,latency_ms\n1000,many,20\n").expect("the target folder is writable");
    let output = run(&arguments, "");
    let stderr = text(&output.stderr);
    assert!(stderr.ends_with("steady.csv: line 2: bandwidth_kbps is not a decimal number\n"), "{stderr}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn explain_prints_a_line_for_each_decision_and_the_score() {
    let [_, film, trace] = on_disk("explain");
    let output = run(&["explain", "--trace", &trace, "--video", &film], "");
    let stdout = text(&output.stdout);
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines.len(), 1 + 20 + 1 + 2, "{stdout}{}", text(&output.stderr));
    assert!(lines[0].ends_with("in seconds of stall"), "{stdout}");
    assert!(lines[1].contains("start-up") && lines[1].ends_with(" 300"), "nothing is weighed before anything is known");
    assert!(lines[2..21].iter().all(|line| line.contains(":best")), "{stdout}");
    assert!(lines[23].starts_with("default "), "{stdout}");

    let output = run(&["explain", "--trace", &trace, "--video", &film, "--rule", "bola"], "");
    let head = text(&output.stdout);
    assert!(head.lines().next().is_some_and(|head| head.ends_with("kbit/s")), "BOLA does not say what it weighs");

    fs::write(&film, "{}").expect("the target folder is writable");
    let output = run(&["explain", "--trace", &trace, "--video", &film], "");
    let stderr = text(&output.stderr);
    assert_eq!(stderr.matches("segment_duration_ms").count(), 1, "a fault is told once: {stderr}");
    assert!(stderr.contains("film.json: not a video description: missing field"), "{stderr}");
}

#[test]
fn a_session_is_drawn_on_a_page_or_alone() {
    let [folder, film, _] = on_disk("plot");
    let draw = |file: &str, rest: &[&str]| {
        let plot = format!("{folder}/{file}");
        let arguments =
            ["compare", "--traces", &folder, "--video", &film, "--rules", "default,lowest", "--plot", &plot];
        let output = run(&[&arguments[..], rest].concat(), "");
        (output.status.code(), fs::read_to_string(plot).unwrap_or_default())
    };
    let (code, page) = draw("page.html", &["--session", "steady"]);
    assert_eq!((code, page.matches("<svg").count()), (Some(0), 2));
    assert!(page.starts_with("<!doctype html>") && page.contains("lowest over steady: quality"), "{page}");
    let (code, alone) = draw("one.svg", &["--session", "steady"]);
    assert_eq!((code, alone.matches("<svg").count()), (Some(0), 1));
    assert_eq!(draw("none.svg", &[]), (Some(2), String::new()), "which session is not said");
    assert_eq!(draw("other.svg", &["--session", "other"]), (Some(1), String::new()));
}

#[test]
fn an_unknown_rule_is_refused_before_anything_is_played() {
    let [folder, film, _] = on_disk("unknown");
    let output = run(&["compare", "--traces", &folder, "--video", &film, "--rules", "default,nix"], "");
    assert_eq!((text(&output.stdout), output.status.code()), (String::new(), Some(1)));
    assert_eq!(text(&output.stderr), "abr-sim: unknown rule `nix`\n");
}

#[test]
fn tables_are_printed_as_on_record() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("tables");
    fs::create_dir_all(&folder).expect("the target folder is writable");
    let sizes: Vec<String> =
        (0..24).map(|at| format!("[{},{},{}]", 500_000 + at * 9000, 1_900_000, 5_000_000)).collect();
    let film = format!(
        r#"{{"segment_duration_ms":2000,"bitrates_kbps":[300,1000,2600],"segment_sizes_bits":[{}]}}"#,
        sizes.join(",")
    );
    let [film_path, traces] = ["film.json", "traces"].map(|name| folder.join(name));
    fs::write(&film_path, film).expect("the target folder is writable");
    fs::create_dir_all(&traces).expect("the target folder is writable");
    let row = |name: &str, rows: &str| {
        let text = format!("duration_ms,bandwidth_kbps,latency_ms\n{rows}\n");
        fs::write(traces.join(name), text).expect("the target folder is writable");
        traces.join(name).display().to_string()
    };
    let trace = row("one.csv", "9000,3100,40\n7000,350,90\n9000,5200,40");
    let _ = row("two.csv", "4000,900,40\n4000,2400,90");
    fs::write(traces.join("notes.txt"), "no trace").expect("the target folder is writable");
    let (film, traces) = (film_path.display().to_string(), traces.display().to_string());
    let explain = ["explain", "--trace", &trace, "--video", &film];
    let compare = ["compare", "--traces", &traces, "--video", &film, "--rules", "default,bola,lowest"];
    let mut all = String::new();
    for command in [&explain[..], &compare[..]] {
        for options in [&[][..], &["--hide-sizes"], &["--buffer", "8"]] {
            let output = run(&[command, options].concat(), "");
            assert!(output.status.success(), "{}", text(&output.stderr));
            all += &format!("{}\n{}\n", [&command[..1], options].concat().join(" "), text(&output.stdout));
        }
    }
    all += &text(&run(&[&explain[..], &["--rule", "bba"]].concat(), "").stdout);
    crate::recorded::check("abr-sim", &all);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_abr-sim"))
        .arg("stdio")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built for this test");
    drop(child.stdout.take());
    let _ = child.stdin.take().expect("stdin is piped").write_all(format!("{INIT}\n{DECIDE}\n").as_bytes());
    let output = child.wait_with_output().expect("it was started");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn the_longest_line_is_answered() {
    let padded = |length: usize| format!("{INIT}{}\n", " ".repeat(length - INIT.len() - 1));
    let output = run(&["stdio"], &format!("{}{DECIDE}\n", padded(1 << 20)));
    assert_eq!(text(&output.stdout), "{\"progress\":true,\"lookahead\":10}\n{\"level\":0}\n");
    let output = run(&["stdio"], &padded((1 << 20) + 1));
    assert_eq!(text(&output.stderr), "abr-sim: line 1: message longer than 1048576 bytes\n");
}
