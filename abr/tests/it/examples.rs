//! The examples run, say the same each time, and show what they are there to show.

#[path = "../../examples/compare.rs"]
#[expect(dead_code, reason = "`main` is for `cargo run`")]
mod compare;
#[path = "../../examples/player.rs"]
#[expect(dead_code, reason = "`main` is for `cargo run`")]
mod player;

use std::io;

fn printed(run: impl Fn(&mut Vec<u8>) -> io::Result<()>) -> String {
    let (mut one, mut other) = (Vec::new(), Vec::new());
    run(&mut one).expect("a vector takes everything");
    run(&mut other).expect("a vector takes everything");
    assert_eq!(one, other, "an example prints the same each time");
    String::from_utf8(one).expect("examples print text")
}

#[test]
fn the_player_plays_every_segment_and_gives_up_when_the_link_falls() {
    let text = printed(player::run);
    let lines: Vec<&str> = text.lines().collect();
    let given_up = lines.iter().filter(|line| line.ends_with("given up")).count();
    assert_eq!(lines.len(), 1 + 30 + given_up + 1, "{text}");
    assert!(given_up > 0, "{text}");
    assert!(lines.iter().any(|line| line.contains("abandoned")), "the rule answers with what it advised\n{text}");
    assert!(!text.contains(" 4300 "), "1080p is not worth fetching for 720 lines\n{text}");
    assert!(text.contains(" 2850 "), "{text}");
    let stalled =
        lines.last().and_then(|line| line.strip_prefix("stalled for ")?.strip_suffix(" s")?.parse::<f64>().ok());
    assert!(stalled.is_some_and(|seconds| seconds < 1.0), "{text}");
}

#[test]
fn the_comparison_has_a_row_for_each_rule() {
    let text = printed(compare::run);
    assert_eq!(text.lines().count(), 9, "{text}");
    let quality = |name: &str| {
        let row = text.lines().find(|line| line.split_whitespace().next() == Some(name));
        let mean = row.and_then(|row| row.split_once('|')?.1.split_whitespace().next()?.parse::<f64>().ok());
        mean.expect("a row with a number")
    };
    for other in ["throughput", "lowest"] {
        assert!(quality("default") > quality(other), "{text}");
    }
}
