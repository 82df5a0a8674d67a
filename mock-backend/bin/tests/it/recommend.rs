//! The commands of recommendations, as they are typed.

use std::fmt::Write as _;
use std::process::{Command, Output};

fn evaluate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kinora-backend")).args(["recommend", "evaluate"]).args(arguments).output().unwrap()
}

#[test]
fn ratings_of_planted_groups_are_judged_and_a_wrong_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("u.data");
    let mut text = String::new();
    // Users of four groups, who rate nine of the ten items of their group.
    for user in 0..120 {
        for item in (0..10).filter(|item| *item != user / 4 % 10) {
            writeln!(text, "{user}\t{}\t{}\t881250949", user % 4 * 10 + item, 1 + (user + item) % 5).unwrap();
        }
    }
    std::fs::write(&file, &text).unwrap();
    let path = file.to_str().unwrap();

    let output = evaluate(&["--ratings", path, "--seed", "3", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["items"], 40);
    assert!(result["users"].as_u64().unwrap() > 90, "{result}");
    assert_eq!((&result["trained_on"], &result["tested_on"]), (&864.into(), &216.into()));
    let (model, popularity) = (&result["ndcg_at_10"], &result["popularity_ndcg_at_10"]);
    assert!(model.as_f64().unwrap() > 0.7 && popularity.as_f64().unwrap() < 0.4, "{result}");
    let again = evaluate(&["--ratings", path, "--seed", "3", "--json"]);
    assert_eq!(again.stdout, output.stdout, "a seed gives the same result");

    std::fs::write(&file, format!("{text}1 2 three 4\n")).unwrap();
    let output = evaluate(&["--ratings", path]);
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("line 1081: the rating is not a number"), "{message}");
}
