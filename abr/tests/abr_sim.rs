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

#[test]
fn compare_prints_a_row_for_each_rule_and_names_the_file_at_fault() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compare");
    fs::create_dir_all(&folder).expect("the target folder is writable");
    let film = folder.join("film.json");
    let sizes = vec!["[600000,2400000]"; 20].join(",");
    let json = format!(r#"{{"segment_duration_ms":2000,"bitrates_kbps":[300,1200],"segment_sizes_bits":[{sizes}]}}"#);
    fs::write(&film, json).expect("the target folder is writable");
    let trace = folder.join("steady.csv");
    let (folder, film) = (folder.display().to_string(), film.display().to_string());
    let arguments = ["compare", "--traces", &folder, "--video", &film, "--rules", "default,lowest"];

    fs::write(&trace, "duration_ms,bandwidth_kbps,latency_ms\n1000,3000,20\n").expect("the target folder is writable");
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
