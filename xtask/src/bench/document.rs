//! The document and the JSON file of a run.

use std::fmt::Write as _;

use clap::ValueEnum as _;
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

    /// Returns the date, the rounds and the load, in a line.
    fn conditions(&self) -> String {
        let [before, after] = self.load;
        let calm = if self.is_calm() {
            "calm at the begin".to_owned()
        } else {
            format!("**not calm**: above {} at the begin, so times are longer than they would be", machine::CALM)
        };
        let rounds = if self.rounds == 1 { "1 round".to_owned() } else { format!("{} rounds", self.rounds) };
        format!(
            "{}, {rounds}, load average of one minute {before:.2} before and {after:.2} after: {calm}.",
            machine::today()
        )
    }

    /// Returns the beginning of the document: the work, the machine and the players.
    fn head(&self) -> String {
        let rungs: Vec<String> =
            content::LADDER.iter().map(|(height, kbps)| format!("{height}p {kbps} kbit/s")).collect();
        let mut text = format!(
            "# Performance\n\n\
             Figures of Kinora and of other players on the same work. `cargo xtask bench peers` measures them and writes this \
             page; do not edit it.\n\n\
             The film is synthetic: {} s, {} frames a second, {} in H.264, AAC 96 kbit/s, segments of {} s with a key frame \
             every 2 s, in HLS and DASH over the same files. A small server in a process apart gives it out; its link has a \
             rate, a time to the first byte (twice that on a new connection), and faults. All players decode in software and \
             show nothing. Each cell is the median of the rounds, and players take turns within a round; in parentheses, ours \
             divided by the peer's in the same rounds. Figures of different runs are not to be compared, and a machine with \
             other work makes times longer for all: then only the ratios mean something.\n\n",
            content::SECONDS,
            content::FRAMES,
            rungs.join(", "),
            content::SEGMENT_SECONDS,
        );
        let _ = writeln!(text, "- Machine: {}", machine::description());
        for (player, version) in &self.players.installed {
            let _ = writeln!(text, "- {}: {version}", player.name());
        }
        for (player, reason) in &self.players.missing {
            let _ = writeln!(text, "- {}: missing ({reason})", player.name());
        }
        text
    }

    /// Returns the document. Of the one before, it keeps the parts that were not measured again, unless machine or
    /// players differ.
    pub fn markdown(&self, before: &str) -> String {
        let head = self.head();
        let kept = before.strip_prefix(head.as_str()).unwrap_or_default();
        let players: Vec<Player> = self.players.installed.iter().map(|(player, _)| *player).collect();
        let mut text = head;
        for part in Part::value_variants() {
            let (name, method) = part.description();
            if self.parts.contains(part) {
                let rows: Vec<&Row> = self.rows.iter().filter(|row| row.part == part.word()).collect();
                let table = markdown(&rows, &players);
                let _ = write!(text, "\n## {name}\n\n{method}\n\n{}\n\n{table}", self.conditions());
            } else if let Some(section) = section(kept, name) {
                text.push_str(section);
            }
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

/// Returns the section of a name, from the empty line before its heading to the next one.
fn section<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let rest = &text[text.find(&format!("\n## {name}\n"))?..];
    let end = rest[1..].find("\n## ").map_or(rest.len(), |end| end + 1);
    Some(&rest[..end])
}

fn named(players: &[(Player, String)]) -> Value {
    Value::Object(players.iter().map(|(player, text)| (player.name().to_owned(), json!(text))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::table::Goal;

    fn written(part: Part, load: f64, before: &str) -> (String, Value) {
        let installed = vec![(Player::Kinora, "kinora-qa 1".to_owned()), (Player::Mpv, "mpv 0.35".to_owned())];
        let players = Players::for_tests(installed, vec![(Player::Vlc, "vlc cannot be run".to_owned())]);
        let mut row = Row::new(part.word(), "peak", "MiB", 0, Goal::AtMost(80.0));
        row.add(Player::Kinora, Ok(100.0));
        row.add(Player::Mpv, Err("ended after 3 s".to_owned()));
        let run = Run { players: &players, parts: &[part], rows: &[row], rounds: 1, load: [load, 3.0] };
        (run.markdown(before), run.json())
    }

    #[test]
    fn the_document_has_the_table_and_its_conditions() {
        let (text, _) = written(Part::Memory, 0.5, "");
        assert!(text.contains("\n- Kinora: kinora-qa 1\n- mpv: mpv 0.35\n"), "{text}");
        assert!(text.contains("\n- VLC: missing (vlc cannot be run)\n\n## Memory\n\n"), "{text}");
        assert!(
            text.contains(", 1 round, load average of one minute 0.50 before and 3.00 after: calm at the begin.\n"),
            "{text}"
        );
        assert!(text.ends_with("\n| peak | MiB | 100 | ended after 3 s | ≤ 80 | not met |\n"), "{text}");
        assert!(!text.contains("## Seeks"));
        assert!(written(Part::Memory, 0.51, "").0.contains("**not calm**"));
    }

    #[test]
    fn parts_that_were_not_measured_are_kept() {
        let (memory, _) = written(Part::Memory, 0.1, "");
        let (both, _) = written(Part::Cpu, 0.2, &memory);
        let (cpu, _) = written(Part::Cpu, 0.2, "");
        assert_eq!(both, format!("{cpu}{}", section(&memory, "Memory").expect("a section")));
        assert_eq!(written(Part::Cpu, 0.2, &both).0, both, "measured again");
        let other = memory.replace("mpv 0.35", "mpv 0.36");
        assert_eq!(written(Part::Cpu, 0.2, &other).0, cpu, "figures of other players are dropped");
    }

    #[test]
    fn the_file_has_every_round() {
        let (_, json) = written(Part::Memory, 0.0, "");
        assert_eq!((&json["calm"], &json["missing"]["VLC"]), (&json!(true), &json!("vlc cannot be run")));
        let row = &json["rows"][0];
        assert_eq!((&row["met"], &row["goal"]), (&json!(false), &json!("≤ 80")));
        assert_eq!(row["results"]["mpv"], json!({ "median": null, "rounds": ["ended after 3 s"], "ratio": null }));
        assert_eq!(row["results"]["Kinora"]["rounds"], json!([100.0]));
    }
}
