//! The document and the JSON file of a run.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::players::{Player, Players};
use super::rows::Part;
use super::table::{Row, markdown};
use super::{content, machine};

/// Run of the table.
pub struct Run<'a> {
    /// Players, and those that are missing.
    pub players: &'a Players,
    /// Parts that were measured.
    pub parts: &'a [Part],
    /// Rows of all parts.
    pub rows: &'a [Row],
    /// Number of rounds.
    pub rounds: usize,
    /// Load averages of one minute before and after the run.
    pub load: [f64; 2],
}

impl Run<'_> {
    /// Returns true if the machine had nothing else to do when the run began.
    pub fn is_calm(&self) -> bool {
        self.load[0] <= machine::CALM
    }

    /// Returns the machine, the players and the load, a line each.
    pub fn conditions(&self) -> Vec<String> {
        let [before, after] = self.load;
        let calm = if self.is_calm() {
            "calm at the begin".to_owned()
        } else {
            format!("**not calm**: times are longer than they would be, above {} at the begin", machine::CALM)
        };
        let mut lines = vec![
            format!("Date: {}", machine::today()),
            format!("Machine: {}", machine::description()),
            format!("Load average of one minute: {before:.2} before, {after:.2} after; {calm}"),
            format!("Rounds: {}", self.rounds),
        ];
        for (player, version) in &self.players.installed {
            lines.push(format!("{}: {version}", player.name()));
        }
        for (player, reason) in &self.players.missing {
            lines.push(format!("{}: missing ({reason})", player.name()));
        }
        lines
    }

    /// Returns the document.
    pub fn markdown(&self) -> String {
        let rungs: Vec<String> =
            content::LADDER.iter().map(|(height, kbps)| format!("{height}p {kbps} kbit/s")).collect();
        let mut text = format!(
            "# Performance\n\n\
             Figures of Kinora and of other players on the same work. `cargo xtask bench peers` measures them and writes this \
             page; do not edit it.\n\n\
             The film is synthetic: {} s, {} frames a second, {} in H.264, AAC 96 kbit/s, segments of {} s with a key frame \
             every 2 s, in HLS and DASH over the same files. A small server in a process apart gives it out; its link has a \
             rate, a time to the first byte (twice that on a new connection), and faults. All players decode in software and show nothing. \
             Each cell is the median of the rounds, and players take turns within a round; in parentheses, ours divided by the \
             peer's in the same rounds. Figures of different runs are not to be compared, and a machine with other work makes \
             times longer for all: then only the ratios mean something.\n\n",
            content::SECONDS,
            content::FRAMES,
            rungs.join(", "),
            content::SEGMENT_SECONDS,
        );
        for line in self.conditions() {
            let _ = writeln!(text, "- {line}");
        }
        let players: Vec<Player> = self.players.installed.iter().map(|(player, _)| *player).collect();
        for part in self.parts {
            let (name, method) = part.description();
            let rows: Vec<&Row> = self.rows.iter().filter(|row| row.part == part.word()).collect();
            let _ = write!(text, "\n## {name}\n\n{method}\n\n{}", markdown(&rows, &players));
        }
        text
    }

    /// Returns all figures: each round of each player in each row.
    pub fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let results = row.results.iter().map(|(player, rounds)| {
                let rounds: Vec<Value> = rounds
                    .iter()
                    .map(|round| match round {
                        Ok(figure) => json!(figure),
                        Err(reason) => json!(reason),
                    })
                    .collect();
                let median = row.median(*player).and_then(Result::ok);
                let own = json!({ "median": median, "rounds": rounds, "ratio": row.ratio(*player) });
                (player.name().to_owned(), own)
            });
            json!({
                "part": row.part, "name": row.name, "unit": row.unit, "goal": row.goal_text(), "met": row.is_met(),
                "results": Value::Object(results.collect()),
            })
        });
        json!({
            "date": machine::today(), "machine": machine::description(), "load": self.load, "calm": self.is_calm(),
            "rounds": self.rounds, "players": named(&self.players.installed), "missing": named(&self.players.missing),
            "rows": rows.collect::<Vec<_>>(),
        })
    }
}

fn named(players: &[(Player, String)]) -> Value {
    Value::Object(players.iter().map(|(player, text)| (player.name().to_owned(), json!(text))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::table::Goal;
    use std::path::Path;

    fn written(load: f64) -> (String, Value) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut players = Players::find(Path::new("no-such-tool"), folder.path());
        players.installed = vec![(Player::Kinora, "kinora-qa 1".to_owned()), (Player::Mpv, "mpv 0.35".to_owned())];
        players.missing = vec![(Player::Vlc, "vlc cannot be run".to_owned())];
        let mut row = Row::new(Part::Memory.word(), "peak", "MiB", 0, Goal::AtMost(80.0));
        row.add(Player::Kinora, Ok(100.0));
        row.add(Player::Mpv, Err("ended after 3 s".to_owned()));
        let run = Run { players: &players, parts: &[Part::Memory], rows: &[row], rounds: 1, load: [load, 3.0] };
        (run.markdown(), run.json())
    }

    #[test]
    fn the_document_has_the_table_and_its_conditions() {
        let (text, _) = written(0.5);
        assert!(
            text.contains("0.50 before, 3.00 after; calm at the begin\n- Rounds: 1\n- Kinora: kinora-qa 1\n"),
            "{text}"
        );
        assert!(text.contains("- VLC: missing (vlc cannot be run)\n\n## Memory\n\n"), "{text}");
        assert!(text.ends_with("\n| peak | MiB | 100 | ended after 3 s | ≤ 80 | not met |\n"), "{text}");
        assert!(!text.contains("## Seeks"));
        assert!(written(0.51).0.contains("**not calm**"));
    }

    #[test]
    fn the_file_has_every_round() {
        let (_, json) = written(0.0);
        assert_eq!((&json["calm"], &json["missing"]["VLC"]), (&json!(true), &json!("vlc cannot be run")));
        let row = &json["rows"][0];
        assert_eq!((&row["met"], &row["goal"]), (&json!(false), &json!("≤ 80")));
        assert_eq!(row["results"]["mpv"], json!({ "median": null, "rounds": ["ended after 3 s"], "ratio": null }));
        assert_eq!(row["results"]["Kinora"]["rounds"], json!([100.0]));
    }
}
