//! The conformance corpus: every manifest gets the verdict and the content that its case expects; at any clock nothing
//! panics and nothing that is offered is empty.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::base;
use crate::manifest::{describe, parse};
use crate::model::SegmentIndex;
use crate::time::WallClock;

/// Returns the folder of the corpus next to the repository; without it the test reports that and passes.
fn corpus() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/public");
    if root.is_dir() {
        return Some(root);
    }
    let reason = "manifest::tests::corpus: ../shared/conformance is absent";
    eprintln!("skipped: {reason}");
    if let Some(log) = std::env::var_os("KINORA_SKIP_LOG") {
        use std::io::Write as _;
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
        file.and_then(|mut file| writeln!(file, "{reason}")).expect("the skip log can be written");
    }
    None
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

#[test]
fn every_file_of_the_corpus_gets_a_verdict_at_any_clock() {
    let Some(root) = corpus() else { return };
    let mut paths = Vec::new();
    files(&root.join("files"), &mut paths);
    assert!(!paths.is_empty(), "the corpus has files");
    for path in &paths {
        let Ok(bytes) = std::fs::read(path) else { continue };
        let verdict = |clock: Option<i64>| describe(&bytes, &base(), clock.map(WallClock::from_unix_nanos)).is_ok();
        let at_no_clock = verdict(None);
        for clock in [0, 1_700_000_000_000_000_000, i64::MAX] {
            assert_eq!(verdict(Some(clock)), at_no_clock, "{} at {clock}", path.display());
        }
        let Ok(parsed) = parse(&bytes, &base(), None) else { continue };
        assert!(at_no_clock, "{} can be played and not be described", path.display());
        assert!(!parsed.presentation.periods.is_empty(), "{}", path.display());
        for period in &parsed.presentation.periods {
            assert!(!period.adaptation_sets.is_empty(), "{}", path.display());
            for representation in period.adaptation_sets.iter().flat_map(|set| &set.representations) {
                if let SegmentIndex::Known(list) = &representation.index {
                    let may_be_empty = parsed.presentation.live.is_some() && list.is_empty();
                    let ends = list.get(0).is_some() && list.get(list.len().saturating_sub(1)).is_some();
                    assert!(ends || may_be_empty, "{}", path.display());
                }
            }
        }
    }
}

/// Returns the first difference between what a case expects and what was found; names that the case does not mention
/// are not compared. Seconds agree within a millisecond, as the kit demands.
fn difference(path: &str, expected: &Value, found: &Value) -> Option<String> {
    let differs = || Some(format!("{path}: expected {expected}, found {found}"));
    match expected {
        Value::Object(fields) => {
            if let Some(any) = fields.get("$either").and_then(Value::as_array) {
                return any.iter().all(|one| difference(path, one, found).is_some()).then(differs)?;
            }
            if let Some(some) = fields.get("$subset").and_then(Value::as_array) {
                return missing(path, some, found.as_array().map_or(&[], Vec::as_slice));
            }
            if fields.contains_key("$present") {
                return found.is_null().then(differs)?;
            }
            if let Some([least, most]) = fields.get("$range").and_then(Value::as_array).map(Vec::as_slice) {
                let (least, most) = (least.as_f64().unwrap_or(f64::NAN), most.as_f64().unwrap_or(f64::NAN));
                let inside = found.as_f64().is_some_and(|found| (least..=most).contains(&found));
                return (!inside).then(differs)?;
            }
            fields.iter().find_map(|(name, value)| difference(&format!("{path}.{name}"), value, &found[name]))
        }
        Value::Array(list) => {
            let Some(others) = found.as_array().filter(|others| others.len() == list.len()) else { return differs() };
            if path.ends_with(".renditions") {
                return missing(path, list, others);
            }
            list.iter().zip(others).enumerate().find_map(|(at, (a, b))| difference(&format!("{path}[{at}]"), a, b))
        }
        // Milliseconds since the Unix epoch against a date.
        Value::Number(number) if path.ends_with(".program_date_time") => {
            let found = found.as_str().and_then(crate::manifest::dates::instant).map(|nanos| nanos / 1_000_000);
            (found.is_none() || found != number.as_i64()).then(differs)?
        }
        Value::Number(number) => {
            let (expected, found) = (number.as_f64().unwrap_or(f64::NAN), found.as_f64().unwrap_or(f64::NAN));
            let exact = !path.ends_with("_s") && number.is_u64();
            let tolerance = if exact { 0.0 } else { 1e-3 + 1e-9 * expected.abs() };
            let is_equal = (expected - found).abs() <= tolerance;
            (!is_equal).then(differs)?
        }
        plain => (plain != found).then(differs)?,
    }
}

/// Returns the first of some values that no other equals, in whatever order they stand.
fn missing(path: &str, some: &[Value], others: &[Value]) -> Option<String> {
    let is_there = |one: &Value| others.iter().any(|other| difference(path, one, other).is_none());
    some.iter().find(|one| !is_there(one)).map(|one| format!("{path}: no {one} among {}", others.len()))
}

#[test]
fn every_case_of_the_corpus_gets_the_verdict_and_the_content_that_it_expects() {
    let Some(root) = corpus() else { return };
    let cases: Value =
        serde_json::from_slice(&std::fs::read(root.join("cases.json")).expect("the kit has cases")).expect("JSON");
    let base = "http://example.com/".parse().expect("a constant address");
    let now = Some(WallClock::from_unix_nanos(1_700_000_000_000_000_000));
    let mut wrong = Vec::new();
    for category in ["hls", "dash"] {
        let list = cases["cases"].as_array().expect("a list").iter().filter(|case| case["category"] == category);
        for case in list {
            let (id, expects) = (case["id"].as_str().unwrap_or_default(), &case["expects"]);
            let file = root.join("files").join(case["file"].as_str().unwrap_or_default());
            let found = describe(&std::fs::read(file).expect("a file of the kit can be read"), &base, now);
            match (expects["ok"].as_bool(), found) {
                (Some(true), Ok(mut found)) => {
                    found["ok"] = true.into();
                    wrong.extend(difference(id, expects, &found));
                }
                (Some(false), Err(_)) => {}
                (_, found) => wrong.push(format!("{id}: {:?}", found.map(|_| "read"))),
            }
        }
        let count = cases["cases"].as_array().map_or(0, |all| all.iter().filter(|c| c["category"] == category).count());
        assert!(count > 0, "the kit has cases of {category}");
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}
