//! Progress for people: a bar for each title on a terminal, a line at each quarter elsewhere. Goes to the standard error.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use kinora_media::{Progress, Stage, Update};

/// Steps of a bar.
const STEPS: u64 = 1000;

/// Shows the progress of any number of titles.
pub struct Display(Form);

enum Form {
    Bars { all: MultiProgress, bars: Mutex<BTreeMap<String, ProgressBar>> },
    Lines { said: Mutex<BTreeMap<String, (Stage, u32)>> },
}

impl Display {
    /// Bars when the standard error is a terminal, lines when it is not.
    pub fn new() -> Self {
        Self(if std::io::stderr().is_terminal() {
            Form::Bars { all: MultiProgress::new(), bars: Mutex::default() }
        } else {
            Form::Lines { said: Mutex::default() }
        })
    }
}

impl Default for Display {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress for Display {
    fn update(&self, update: Update<'_>) {
        match &self.0 {
            Form::Bars { all, bars } => {
                let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
                let bar = bars.entry(update.title.to_owned()).or_insert_with(|| all.add(bar(update.title)));
                bar.set_message(update.stage.name());
                match update.stage {
                    Stage::Done => bar.finish(),
                    _ => bar.set_position((update.fraction.clamp(0.0, 1.0) * STEPS as f64) as u64),
                }
            }
            Form::Lines { said } => {
                let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                // The other stages are over before a second line would help.
                let quarter =
                    if update.stage == Stage::Encode { (update.fraction.clamp(0.0, 1.0) * 4.0) as u32 } else { 0 };
                let now = (update.stage, quarter);
                if said.insert(update.title.to_owned(), now) != Some(now) {
                    eprintln!("{}", line(&update, quarter));
                }
            }
        }
    }
}

fn line(update: &Update<'_>, quarter: u32) -> String {
    match update.stage {
        Stage::Encode => format!("{}: {} {} %", update.title, update.stage.name(), quarter * 25),
        _ => format!("{}: {}", update.title, update.stage.name()),
    }
}

fn bar(title: &str) -> ProgressBar {
    let bar = ProgressBar::new(STEPS);
    if let Ok(style) = ProgressStyle::with_template("{prefix:24!} {bar:30} {percent:>3} % {msg:10} {elapsed}") {
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    }
    bar.set_prefix(title.to_owned());
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}
