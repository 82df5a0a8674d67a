//! The commands of risk, as they are typed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn score(arguments: &[&str], text: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora-backend"));
    command.args(["risk", "score"]).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn each_row_has_its_score_in_the_order_of_the_file_and_labels_are_compared() {
    let mut text = "label,success,ip,account,time\n".to_owned();
    // The last comes first, as a log may be sorted.
    for n in (0..12).rev() {
        writeln!(text, "guessing,0,203.0.113.5,ann,{}", 1_767_268_800 + n * 10).unwrap();
        writeln!(text, "0,1,192.0.2.{n},viewer{n},{}", 1_767_268_800 + n * 10).unwrap();
    }
    let output = score(&["-"], &text);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!((lines.len(), lines[0]), (25, "row,score,action,reasons"));
    for (number, line) in (1..).zip(&lines[1..]) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[0], number.to_string());
        let score: f64 = cells[1].parse().unwrap();
        match number % 2 {
            1 => assert!(
                score >= 0.5 && ["step_up", "limit"].contains(&cells[2]) && cells[3].contains("guessing"),
                "{line}"
            ),
            _ => assert_eq!((cells[1], cells[2], cells[3]), ("0.0000", "allow", "")),
        }
    }
    // Labels change nothing.
    let without = score(&["-"], &text.replace("label", "note"));
    assert_eq!(String::from_utf8(without.stdout).unwrap(), printed);

    let output = score(&["-", "--evaluate"], &text);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        printed.starts_with("24 rows, 12 of them attacks\nprecision 1.0000  recall 1.0000  at a score of 0.500\n"),
        "{printed}"
    );
    assert!(printed.ends_with("clean rows: 0 limited, 0 taken for attacks\n"), "{printed}");
}

#[test]
fn a_wrong_row_is_named_and_so_is_a_file_without_labels() {
    let output = score(&["-"], "time,account\n1,a\nsoon,b\n");
    assert!(!output.status.success() && output.stdout.is_empty());
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("line 3: \"soon\" is not a time"), "{message}");
    let output = score(&["-", "--evaluate"], "time,account\n1,a\n");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && message.contains("no column has labels"), "{message}");
    let output = score(&["/nowhere/at/all.csv"], "");
    assert!(!output.status.success());
}
