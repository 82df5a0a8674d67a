//! Scores on generated traffic, whose generator knows no rule of this crate. Rules were made with the seeds 1 to 5; these are others.

#![expect(clippy::unwrap_used, reason = "tests")]

use kinora_risk::assessment::Assessment;
use kinora_risk::evaluation::{Evaluation, evaluate};
use kinora_risk::{hindsight, reader};
use kinora_risk_traffic::{Form, generate};

/// Scores the traffic of a form and some seeds, and compares all of it with its labels.
fn judge(form: Form, seeds: impl IntoIterator<Item = u64>) -> Evaluation {
    let mut all: Vec<(Assessment, bool)> = Vec::new();
    for seed in seeds {
        let table = reader::read(generate(seed, form, 600, 10).csv.as_bytes()).unwrap();
        let events: Vec<_> = table.rows.iter().map(|row| row.event).collect();
        let labels = table.rows.iter().map(|row| row.label.unwrap());
        all.extend(hindsight::score(&events).into_iter().zip(labels));
    }
    let rows: Vec<(&Assessment, bool)> = all.iter().map(|(assessment, is_attack)| (assessment, *is_attack)).collect();
    let result = evaluate(&rows);
    println!("{form:?}\n{result}");
    result
}

#[test]
fn nineteen_of_twenty_alarms_on_whole_rows_are_right_and_nine_of_ten_attacks_found() {
    let result = judge(Form::Full, 101..=103);
    assert!(result.used.precision >= 0.95 && result.used.recall >= 0.9, "{result}");
    assert_eq!(result.clean_limited, 0, "{result}");
}

#[test]
fn honest_traffic_is_never_limited_and_hardly_ever_taken_for_an_attack() {
    let result = judge(Form::Clean, [101]);
    assert_eq!((result.attacks, result.clean_limited), (0, 0), "{result}");
    assert!(result.clean_flagged * 500 <= result.rows, "{result}");
}

#[test]
fn poorer_rows_find_less() {
    for (form, precision, recall) in [
        (Form::Addresses, 0.9, 0.75),
        (Form::Countries, 0.9, 0.85),
        (Form::Coordinates, 0.7, 0.85),
        (Form::SignIns, 0.25, 0.75),
        (Form::Bare, 0.15, 0.35),
    ] {
        let result = judge(form, [101]);
        assert!(result.used.precision >= precision && result.used.recall >= recall, "{form:?}: {result}");
        assert_eq!(result.clean_limited, 0, "{form:?}: {result}");
    }
}

#[test]
fn no_rule_reads_a_label() {
    let text = generate(101, Form::Full, 60, 4).csv;
    let scores = |text: &str| {
        let table = reader::read(text.as_bytes()).unwrap();
        hindsight::score(&table.rows.iter().map(|row| row.event).collect::<Vec<_>>())
    };
    let without = text.replacen(",label", ",note", 1);
    assert_ne!(without, text);
    assert_eq!(scores(&without), scores(&text));
}
