//! Every manifest of the conformance corpus gets a verdict, at any clock. What the verdict must be is scored
//! elsewhere.

use std::path::{Path, PathBuf};

use super::base;
use crate::manifest::{describe, parse};
use crate::model::SegmentIndex;
use crate::time::WallClock;

/// The corpus lies beside the repository; without it the test says so and passes.
fn corpus() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/public/files");
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
    files(&root, &mut paths);
    paths.sort();
    let clocks = [None, Some(0), Some(1_700_000_000_000_000_000), Some(i64::MAX)];
    let (mut read, mut played) = (0, 0);
    for path in &paths {
        let Ok(bytes) = std::fs::read(path) else { continue };
        for clock in clocks {
            read += usize::from(describe(&bytes, &base(), clock.map(WallClock::from_unix_nanos)).is_ok());
        }
        let Ok(parsed) = parse(&bytes, &base(), None) else { continue };
        played += 1;
        for period in &parsed.presentation.periods {
            assert!(!period.adaptation_sets.is_empty(), "{}", path.display());
            for representation in period.adaptation_sets.iter().flat_map(|set| &set.representations) {
                if let SegmentIndex::Known(list) = &representation.index {
                    assert!(list.get(0).is_some() && list.get(list.len() - 1).is_some(), "{}", path.display());
                }
            }
        }
    }
    assert!(read > 2000 && played > 300, "{} files, {read} described, {played} playable", paths.len());
}
