//! The table: a row for each figure, a column for each player.

use std::collections::BTreeMap;

use super::players::Player;
use super::statistics::{median, paired_ratio};

/// Result of a round: a figure, or the reason why there is none.
pub type Measured = Result<f64, String>;

/// Figure that ours should reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// At most this share of the smallest median of these players.
    OfBest(f64, &'static [Player]),
    /// No goal.
    None,
}

/// Row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// Part of the table, by which `--rows` chooses.
    pub part: &'static str,
    /// Name.
    pub name: String,
    /// Unit of the figures.
    pub unit: &'static str,
    /// Digits after the point.
    pub digits: usize,
    /// Goal for ours.
    pub goal: Goal,
    /// False: cells have no ratio, because figures are mostly 0 or because more is better.
    pub has_ratios: bool,
    /// Results by player, one for each round.
    pub results: BTreeMap<Player, Vec<Measured>>,
}

impl Row {
    /// Creates a row without results.
    pub fn new(part: &'static str, name: impl Into<String>, unit: &'static str, digits: usize, goal: Goal) -> Self {
        Self { part, name: name.into(), unit, digits, goal, has_ratios: true, results: BTreeMap::new() }
    }

    /// Leaves the ratios out of the cells.
    #[must_use]
    pub fn without_ratios(mut self) -> Self {
        self.has_ratios = false;
        self
    }

    /// Adds the result of a round.
    pub fn add(&mut self, player: Player, result: Measured) {
        self.results.entry(player).or_default().push(result);
    }

    /// Returns the median of a player's rounds; the first reason if a round has no figure.
    pub fn median(&self, player: Player) -> Option<Measured> {
        let rounds = self.results.get(&player)?;
        if let Some(reason) = rounds.iter().find_map(|round| round.as_ref().err()) {
            return Some(Err(reason.clone()));
        }
        median(&rounds.iter().flatten().copied().collect::<Vec<_>>()).map(Ok)
    }

    /// Returns the median ratio of ours to a peer's in the same rounds.
    pub fn ratio(&self, peer: Player) -> Option<f64> {
        let rounds = |player| -> Option<Vec<Option<f64>>> {
            Some(self.results.get(&player)?.iter().map(|round| round.as_ref().ok().copied()).collect())
        };
        paired_ratio(&rounds(Player::Kinora)?, &rounds(peer)?)
    }

    /// Returns true if ours reaches the goal; `None` if there is no goal or it cannot be judged.
    pub fn is_met(&self) -> Option<bool> {
        let ours = match self.median(Player::Kinora)? {
            Ok(ours) => ours,
            Err(_) if self.goal == Goal::None => return None,
            Err(_) => return Some(false),
        };
        match self.goal {
            Goal::AtMost(most) => Some(ours <= most),
            Goal::AtLeast(least) => Some(ours >= least),
            Goal::OfBest(share, peers) => self.best(peers).map(|best| self.ratio(best).is_some_and(|own| own <= share)),
            Goal::None => None,
        }
    }

    /// Returns the player with the smallest median among some.
    fn best(&self, peers: &[Player]) -> Option<Player> {
        let figures = peers.iter().filter_map(|peer| Some((*peer, self.median(*peer)?.ok()?)));
        figures.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(peer, _)| peer)
    }

    /// Returns the text of a player's cell: the median and, for a peer, ours divided by it.
    pub fn cell(&self, player: Player) -> String {
        let figure = match self.median(player) {
            None => return "–".to_owned(),
            Some(Err(reason)) => return reason,
            Some(Ok(figure)) => format!("{figure:.*}", self.digits),
        };
        match self.ratio(player).filter(|_| self.has_ratios && player != Player::Kinora) {
            Some(ratio) => format!("{figure} (× {ratio:.2})"),
            None => figure,
        }
    }

    /// Returns the text of the goal.
    pub fn goal_text(&self) -> String {
        match self.goal {
            Goal::AtMost(0.0) => format!("{:.*}", self.digits, 0.0),
            Goal::AtMost(most) => format!("≤ {most:.*}", self.digits),
            Goal::AtLeast(least) => format!("≥ {least:.*}", self.digits),
            Goal::OfBest(share, peers) => {
                let names: Vec<_> = peers.iter().map(|peer| peer.name()).collect();
                format!("≤ {share:.1} × the best of {}", names.join(", "))
            }
            Goal::None => String::new(),
        }
    }

    /// Returns the verdict of the last column.
    pub fn verdict(&self) -> &'static str {
        match self.is_met() {
            Some(true) => "met",
            Some(false) => "not met",
            None if self.goal == Goal::None => "",
            None => "no peer",
        }
    }
}

/// Returns a table in Markdown.
pub fn markdown(rows: &[&Row], players: &[Player]) -> String {
    let names: String = players.iter().map(|player| format!(" {} |", player.name())).collect();
    let mut text = format!("| | unit |{names} goal | |\n|---|---|{}---|---|\n", "---|".repeat(players.len()));
    for row in rows {
        let cells: String =
            players.iter().map(|player| format!(" {} |", row.cell(*player).replace('|', "/"))).collect();
        text.push_str(&format!("| {} | {} |{cells} {} | {} |\n", row.name, row.unit, row.goal_text(), row.verdict()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(goal: Goal, results: &[(Player, &[f64])]) -> Row {
        let mut row = Row::new("cpu", "Time", "s", 1, goal);
        for (player, rounds) in results {
            for figure in *rounds {
                row.add(*player, Ok(*figure));
            }
        }
        row
    }

    #[test]
    fn cells_have_medians_and_ratios() {
        let row = row(Goal::AtMost(3.0), &[(Player::Kinora, &[1.0, 4.0, 2.0]), (Player::Mpv, &[2.0, 8.0, 4.0])]);
        assert_eq!(
            [Player::Kinora, Player::Mpv, Player::Vlc].map(|player| row.cell(player)),
            ["2.0", "4.0 (× 0.50)", "–"]
        );
        assert_eq!((row.goal_text().as_str(), row.verdict()), ("≤ 3.0", "met"));
        assert_eq!(row.without_ratios().cell(Player::Mpv), "4.0");
    }

    #[test]
    fn a_round_without_a_figure_fails_the_goal() {
        let mut row = row(Goal::AtMost(3.0), &[(Player::Kinora, &[1.0]), (Player::Mpv, &[2.0])]);
        row.add(Player::Kinora, Err("hangs".to_owned()));
        assert_eq!((row.cell(Player::Kinora).as_str(), row.verdict()), ("hangs", "not met"));
        assert_eq!(row.cell(Player::Mpv), "2.0 (× 0.50)");
    }

    #[test]
    fn the_best_peer_is_the_measure() {
        let peers: &[Player] = &[Player::Mpv, Player::Playbin3];
        let against = |ours: f64| {
            row(
                Goal::OfBest(1.0, peers),
                &[
                    (Player::Kinora, &[ours]),
                    (Player::Mpv, &[2.0]),
                    (Player::Playbin3, &[4.0]),
                    (Player::Ffplay, &[1.0]),
                ],
            )
        };
        assert_eq!([2.0, 2.1].map(|ours| against(ours).is_met()), [Some(true), Some(false)]);
        assert_eq!(row(Goal::OfBest(1.0, peers), &[(Player::Kinora, &[1.0])]).verdict(), "no peer");
        assert_eq!(row(Goal::None, &[(Player::Kinora, &[1.0])]).verdict(), "");
        assert_eq!(row(Goal::AtLeast(2.0), &[(Player::Kinora, &[1.0])]).verdict(), "not met");
    }

    #[test]
    fn a_table_has_a_line_for_each_row() {
        let row = row(Goal::AtMost(3.0), &[(Player::Kinora, &[1.0])]);
        let text = markdown(&[&row], &[Player::Kinora, Player::Mpv]);
        assert_eq!(
            text,
            "| | unit | Kinora | mpv | goal | |\n|---|---|---|---|---|---|\n| Time | s | 1.0 | – | ≤ 3.0 | met |\n"
        );
    }
}
