//! Timelines whose ends change, by hand and at random.

use proptest::prelude::*;

use super::*;

const BOUNDS: TimelineBounds = TimelineBounds { repeat_end: None, from: 0, to: u64::MAX };

fn entry(time: Option<u64>, duration: u64, repeats: i64) -> TimelineEntry {
    TimelineEntry { time, duration, repeats }
}

fn runs(entries: &[TimelineEntry]) -> TimelineRuns {
    let (found, _) = resolved(entries, 0, None, BOUNDS).unwrap_or_default();
    let mut runs = TimelineRuns::default().from_source(TimelineSource { element: 1, bounds: BOUNDS, dropped: 0 });
    found.into_iter().for_each(|(time, duration, count)| runs.push(time, duration, count));
    runs
}

fn unchanged() -> TimelineChange {
    TimelineChange {
        source: 1,
        is_front_changed: false,
        front: Vec::new(),
        kept_from: None,
        keeps: true,
        cut: TimelineCut::End,
        tail: Vec::new(),
        start_number: None,
    }
}

fn shown(runs: &TimelineRuns) -> Vec<(u64, u64, u64)> {
    assert_eq!(runs.count(), runs.iter().map(|run| run.count).sum::<u64>());
    runs.iter().map(|run| (run.time, run.duration, run.count)).collect()
}

#[test]
fn segments_are_found_after_the_first_have_gone() {
    let mut found = runs(&[entry(Some(10), 5, 3), entry(None, 7, 0), entry(Some(50), 5, 1)]);
    assert_eq!(
        [0, 3, 4, 5, 6, 7].map(|at| found.at(at)),
        [Some((10, 5)), Some((25, 5)), Some((30, 7)), Some((50, 5)), Some((55, 5)), None]
    );
    found.drop_before(25);
    assert_eq!([0, 1, 2, 4].map(|at| found.at(at)), [Some((25, 5)), Some((30, 7)), Some((50, 5)), None]);
    assert_eq!(shown(&found), [(25, 5, 1), (30, 7, 1), (50, 5, 2)]);
}

#[test]
fn both_ends_change() {
    let mut found = runs(&[entry(Some(10), 5, 3), entry(None, 7, 0)]);
    let change = TimelineChange {
        is_front_changed: true,
        front: vec![entry(Some(20), 5, 1)],
        tail: vec![entry(None, 7, 1), entry(Some(60), 4, 0)],
        ..unchanged()
    };
    assert!(found.change(&change));
    assert_eq!(shown(&found), [(20, 5, 2), (30, 7, 3), (60, 4, 1)]);
    let change = TimelineChange { cut: TimelineCut::BeforeEnd(4), tail: vec![entry(Some(60), 4, 2)], ..unchanged() };
    assert!(found.change(&change));
    assert_eq!(shown(&found), [(20, 5, 2), (30, 7, 3), (60, 4, 3)]);
    let change = TimelineChange { keeps: false, front: vec![entry(Some(90), 4, 0)], ..unchanged() };
    assert!(found.change(&change));
    assert_eq!(shown(&found), [(90, 4, 1)]);
}

#[test]
fn a_change_that_does_not_fit_changes_nothing() {
    let known = runs(&[entry(Some(10), 5, 3), entry(None, 7, 0)]);
    let changes = [
        TimelineChange { cut: TimelineCut::At(12), ..unchanged() },
        TimelineChange { cut: TimelineCut::BeforeEnd(100), ..unchanged() },
        TimelineChange { is_front_changed: true, ..unchanged() },
        TimelineChange { is_front_changed: true, kept_from: Some(11), ..unchanged() },
        TimelineChange { is_front_changed: true, kept_from: Some(37), ..unchanged() },
        TimelineChange { tail: vec![entry(Some(20), 5, 0)], ..unchanged() },
        TimelineChange { tail: vec![entry(None, 0, 0)], ..unchanged() },
        TimelineChange { tail: vec![entry(None, 5, -1)], ..unchanged() },
        TimelineChange { tail: vec![entry(None, 5, i64::MAX)], ..unchanged() },
        TimelineChange { keeps: false, ..unchanged() },
    ];
    for change in changes {
        let mut found = known.clone();
        assert!(!found.change(&change), "{change:?}");
        assert_eq!(found, known);
    }
    let cut_off = TimelineSource { element: 1, bounds: TimelineBounds { to: 37, ..BOUNDS }, dropped: 0 };
    assert!(!known.clone().from_source(cut_off).change(&unchanged()), "it ends with its period");
    let begun = TimelineSource { element: 1, bounds: BOUNDS, dropped: 2 };
    assert!(!known.clone().from_source(begun).change(&unchanged()), "segments before the period are counted");
    assert!(known.clone().change(&unchanged()));
}

proptest! {
    #[test]
    fn a_window_that_slides_is_the_one_that_is_read_anew(
        durations in prop::collection::vec(1_u64..4, 8..60),
        steps in prop::collection::vec((0_usize..4, 0_usize..4), 1..12),
    ) {
        // Times of all segments, of which a window is listed, each by its own entry.
        let starts: Vec<u64> = durations.iter().scan(0, |at, d| { *at += d; Some(*at - d) }).collect();
        let listed = |from: usize, to: usize| -> Vec<TimelineEntry> {
            let entry = |at: usize| entry((at == from).then(|| starts[at]), durations[at], 0);
            (from..to).map(entry).collect()
        };
        let (mut from, mut to) = (0, 4);
        let mut found = runs(&listed(from, to));
        for (gone, come) in steps {
            let gone = gone.min(to - from - 2);
            let (begin, end) = (from + gone, (to + come).min(starts.len()));
            let all = listed(begin, end);
            let change = TimelineChange {
                is_front_changed: gone > 0,
                front: if gone > 0 { all[..1].to_vec() } else { Vec::new() },
                tail: all[to - begin..].to_vec(),
                ..unchanged()
            };
            prop_assert!(found.change(&change));
            prop_assert_eq!(&found, &runs(&all));
            (from, to) = (begin, end);
            for at in 0..(to - from) {
                prop_assert_eq!(found.at(at as u64), Some((starts[from + at], durations[from + at])));
            }
        }
    }
}
