//! The parts of the table. Each measures in rounds, and in a round the players one after the other, so that a change of
//! the machine meets all of them.

mod cost;
mod faults;
mod seek;
mod start;
mod step;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use clap::ValueEnum;

use super::origin::{Conditions, Origin};
use super::players::{Job, Player, Players};
use super::server::Answer;
use super::session::Session;
use super::table::Row;

/// Sessions that run at the same time where no time of the machine is measured.
const LANES: usize = 5;

/// Part of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// First picture.
    Start,
    /// Seeks.
    Seek,
    /// A link that gets slower for a while.
    Step,
    /// Faults of the server.
    Faults,
}

impl Part {
    /// Returns the name in the document, and the method in plain words.
    pub const fn description(self) -> (&'static str, &'static str) {
        match self {
            Self::Cpu => cost::CPU,
            Self::Memory => cost::MEMORY,
            Self::Start => start::DESCRIPTION,
            Self::Seek => seek::DESCRIPTION,
            Self::Step => step::DESCRIPTION,
            Self::Faults => faults::DESCRIPTION,
        }
    }

    /// Returns the word by which `--rows` chooses the part.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Start => "start",
            Self::Seek => "seek",
            Self::Step => "step",
            Self::Faults => "faults",
        }
    }

    /// Measures a round, and adds its results to the rows, which are made in the first round.
    pub fn measure(self, bench: &Bench<'_>, rows: &mut Vec<Row>) -> anyhow::Result<()> {
        match self {
            Self::Cpu => cost::cpu(bench, rows),
            Self::Memory => cost::memory(bench, rows),
            Self::Start => start::measure(bench, rows),
            Self::Seek => seek::measure(bench, rows),
            Self::Step => step::measure(bench, rows),
            Self::Faults => faults::measure(bench, rows),
        }
    }
}

/// Players, film and round of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    /// Players that are installed.
    pub players: &'a Players,
    /// Folder of the film.
    pub film: &'a Path,
    /// Number of the round, from 0.
    pub round: usize,
}

impl Bench<'_> {
    /// Plays a session against a server started for it. The path is that of the manifest; the job's address is set.
    fn play(
        &self,
        player: Player,
        conditions: &Conditions,
        path: &str,
        job: &Job<'_>,
    ) -> anyhow::Result<(Session, Vec<Answer>)> {
        let origin = Origin::start(self.film, conditions)?;
        let job = Job { url: origin.url(path), ..job.clone() };
        let session = self.players.play(player, &job).with_context(|| format!("{} playing {path}", player.name()))?;
        Ok((session, origin.stop()?))
    }

    /// Plays sessions in several lanes, and returns their results in the order of the list.
    fn in_lanes<T: Sync, R: Send>(list: &[T], play: impl Fn(&T) -> anyhow::Result<R> + Sync) -> anyhow::Result<Vec<R>> {
        let next = Mutex::new(0..list.len());
        let results = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..LANES {
                scope.spawn(|| {
                    let draw = || next.lock().unwrap_or_else(PoisonError::into_inner).next();
                    while let Some(index) = draw() {
                        let result = play(&list[index]);
                        results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                    }
                });
            }
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|(index, _)| *index);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

/// Returns the row of a name, made by `new` if there is none yet.
fn row<'a>(rows: &'a mut Vec<Row>, name: &str, new: impl FnOnce() -> Row) -> &'a mut Row {
    let index = rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
        rows.push(new());
        rows.len() - 1
    });
    &mut rows[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_keep_the_order_and_the_errors() {
        let list: Vec<u64> = (0..9).rev().collect();
        let doubled = Bench::in_lanes(&list, |number| {
            std::thread::sleep(std::time::Duration::from_millis(*number));
            Ok(number * 2)
        });
        assert_eq!(doubled.expect("no error"), [16, 14, 12, 10, 8, 6, 4, 2, 0]);
        assert!(Bench::in_lanes(&list, |number| if *number == 4 { anyhow::bail!("four") } else { Ok(()) }).is_err());
    }
}
