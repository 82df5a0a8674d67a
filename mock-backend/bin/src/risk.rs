//! The commands of risk.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use kinora_risk::assessment::Assessment;
use kinora_risk::event::Event;
use kinora_risk::{evaluation, hindsight, reader};

/// Commands of risk.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Score the sign-ins and other events of a file
    Score(Score),
}

/// Columns of the file, for `--help`.
const COLUMNS: &str = "\
The file has comma-separated values (RFC 4180; semicolons and tabs work too) with a header line. Columns are known by their
names, in any order; case and separators do not matter, other columns are ignored. Only time and account are needed; an empty
cell, or a column that is not there, is no signal.

  time       time, timestamp, at, ts, datetime, created_at: RFC 3339, or seconds or milliseconds since 1970
  account    account, user, account_id, user_id, email, username
  event      event, kind, type, action: sign_in, login, login_failed, login_success, refresh, token, play; default: a sign-in
  outcome    outcome, result, success, accepted, ok, status: success or failure, true or false, 1 or 0, a status of HTTP
  device     device, device_id, fingerprint
  token      token, token_id, session, session_id
  address    address, ip, ip_address, client
  country    country, country_code: ISO 3166 of two letters, or the English name
  city       city, location
  latitude   latitude, lat; longitude: longitude, lon, lng: degrees
  program    user_agent, agent, ua
  id         id, row_id: names the row in the result instead of its number
  label      label, fraud, attack, is_attack, class: for --evaluate only; no score depends on it

Rows need not be in order of time. Each row is scored with what came before it and what follows it, and printed in the order of
the file as row,score,action,reasons. A score of 0.5 or more means an attack. Actions are allow, log, step_up and limit.";

/// Arguments of `risk score`.
#[derive(Debug, Args)]
#[command(after_help = COLUMNS)]
pub struct Score {
    /// File of events, or - for the standard input
    file: PathBuf,
    /// Compare the scores with the labels and print precision and recall instead of rows
    #[arg(long)]
    evaluate: bool,
}

/// Runs a command.
///
/// # Errors
/// When the file cannot be read, or has no labels to compare with.
pub fn run(task: Task) -> anyhow::Result<()> {
    let Task::Score(arguments) = task;
    let name = arguments.file.display().to_string();
    let from: Box<dyn Read> = match name.as_str() {
        "-" => Box::new(io::stdin().lock()),
        _ => Box::new(File::open(&arguments.file).with_context(|| name.clone())?),
    };
    let table = reader::read(from).with_context(|| name.clone())?;
    if table.unknown_words > 0 {
        eprintln!("{} rows have an outcome or a country that is not known; it counts as absent", table.unknown_words);
    }
    let events: Vec<Event> = table.rows.iter().map(|row| row.event).collect();
    let assessments = hindsight::score(&events);
    if arguments.evaluate {
        anyhow::ensure!(table.is_labelled, "{name}: no column has labels");
        let labelled = table.rows.iter().zip(&assessments);
        let labelled: Vec<(&Assessment, bool)> =
            labelled.filter_map(|(row, assessment)| Some((assessment, row.label?))).collect();
        println!("{}", evaluation::evaluate(&labelled));
        return Ok(());
    }
    match print(&table, &assessments) {
        // Whoever reads has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("the result cannot be written"),
    }
}

fn print(table: &reader::Table, assessments: &[Assessment]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(out, "row,score,action,reasons")?;
    for (row, assessment) in table.rows.iter().zip(assessments) {
        let id = if row.id.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", row.id.replace('"', "\"\""))
        } else {
            row.id.clone()
        };
        // Cut off rather than rounded, so that no printed score crosses a threshold.
        let score = (assessment.score * 10_000.0).floor() / 10_000.0;
        writeln!(out, "{id},{score:.4},{},{assessment}", assessment.action.name())?;
    }
    out.flush()
}
