//! The commands that read the log of events: as CSV for other programs, and as figures of how titles are watched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use kinora_api::TitleId;
use kinora_api::events::{LoggedEvent, ViewerEvent};
use kinora_eventlog::files::Files;
use kinora_eventlog::{EventLog, Record};
use kinora_jetstream::JetStream;
use kinora_recommendations::domain::insights::{MARKS, TitleInsights, of_titles};
use kinora_recommendations::domain::memory::Memory;
use kinora_services::events::folder;
use serde_json::Value;

/// Group that the commands read as. They keep no place.
const GROUP: &str = "operator";

/// Events in one answer of the log.
const PAGE: usize = 1_000;

/// First line of an export.
const HEADER: &str = "partition,offset,time,account,profile,event,title,rest\r\n";

/// Commands of the log.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Write the log as CSV; services may run meanwhile
    Export(Export),
}

/// The log.
#[derive(Debug, Args)]
pub struct Source {
    /// Data directory
    #[arg(long, value_name = "DIR", default_value = "var")]
    data: PathBuf,
    /// Log on NATS JetStream, such as nats://HOST:4222; default: in the data directory
    #[arg(long, value_name = "URL")]
    events: Option<String>,
}

/// An export.
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    source: Source,
    /// Form of the export
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Offset of the first event of each partition, such as 0=120,3=7, as an earlier export gave them; others begin with 0
    #[arg(long, value_name = "PLACES", value_parser = places)]
    from: Option<Places>,
    /// File to write; with --from it is added to; default: the standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Also write the ends of profiles and accounts, for who has to delete what was exported of them
    #[arg(long)]
    with_forgotten: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// RFC 4180, with a line of names
    Csv,
}

/// Arguments of `insights`.
#[derive(Debug, Args)]
pub struct Insights {
    #[command(flatten)]
    source: Source,
    /// One title, in full
    #[arg(long, value_name = "ID")]
    title: Option<String>,
    /// Print one line of JSON for each title
    #[arg(long)]
    json: bool,
}

/// Offsets by partition.
type Places = BTreeMap<u32, u64>;

/// Reads `0=120,3=7`.
fn places(text: &str) -> Result<Places, String> {
    let place = |part: &str| {
        let (partition, offset) = part.split_once('=')?;
        Some((partition.trim().parse().ok()?, offset.trim().parse().ok()?))
    };
    let all: Option<Places> = text.split(',').map(place).collect();
    all.ok_or_else(|| "places are PARTITION=OFFSET, separated by commas".to_owned())
}

/// Runs a command.
///
/// # Errors
/// When the log cannot be read, or the export not be written.
pub async fn run(task: Task) -> anyhow::Result<()> {
    let Task::Export(Export { source, format: Format::Csv, from, to, with_forgotten }) = task;
    let log = source.open().await?;
    let resumes = from.is_some();
    let out: Box<dyn Write + Send> = match &to {
        None => Box::new(io::stdout()),
        Some(path) => Box::new(open_file(path, resumes).with_context(|| path.display().to_string())?),
    };
    let mut out = BufWriter::new(out);
    let mut next = from.unwrap_or_default();
    let forgotten = forgotten(log.as_ref()).await?;
    if !resumes {
        out.write_all(HEADER.as_bytes())?;
    }
    let mut unreadable = 0_u64;
    each(log.as_ref(), &mut next, |partition, record| {
        let Ok(event) = serde_json::from_slice::<LoggedEvent>(&record.event.body) else {
            unreadable += 1;
            return Ok(());
        };
        let ends = event.event == ViewerEvent::Forget;
        if if ends { !with_forgotten } else { is_of(&event, &record.event.key, &forgotten) } {
            return Ok(());
        }
        out.write_all(line(partition, record, &event).as_bytes())
    })
    .await?;
    out.flush()?;
    if unreadable > 0 {
        eprintln!("{unreadable} events could not be read, and were passed over");
    }
    let next: Vec<String> = next.iter().map(|(partition, offset)| format!("{partition}={offset}")).collect();
    eprintln!("to go on from here: --from {}", next.join(","));
    Ok(())
}

/// Opens the file of an export, which begins a new one unless it goes on with one.
fn open_file(path: &Path, resumes: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    match resumes {
        true => options.append(true).create(true).open(path),
        false => options.write(true).create_new(true).open(path),
    }
}

impl Source {
    async fn open(&self) -> anyhow::Result<Arc<dyn EventLog>> {
        Ok(match &self.events {
            Some(url) => Arc::new(JetStream::connect(url).await.with_context(|| url.clone())?),
            None => Arc::new(Files::open(&folder(&self.data))?),
        })
    }
}

/// Calls `take` with each event from `next` on, partition by partition, and moves `next` behind it.
async fn each(
    log: &dyn EventLog,
    next: &mut Places,
    mut take: impl FnMut(u32, &Record) -> io::Result<()>,
) -> anyhow::Result<()> {
    for partition in 0..log.partitions() {
        let from = next.entry(partition).or_default();
        loop {
            let records = log.read(GROUP, partition, Some(*from), PAGE).await?;
            let Some(last) = records.last().map(|record| record.offset) else { break };
            for record in records.iter().filter(|record| !record.event.body.is_empty()) {
                take(partition, record)?;
            }
            *from = last + 1;
        }
    }
    Ok(())
}

/// Returns the profiles and accounts that have ended. Their events may be in the log for a moment longer.
async fn forgotten(log: &dyn EventLog) -> anyhow::Result<BTreeSet<String>> {
    let mut forgotten = BTreeSet::new();
    each(log, &mut Places::new(), |_, record| {
        let event = serde_json::from_slice::<LoggedEvent>(&record.event.body);
        if event.is_ok_and(|event| event.event == ViewerEvent::Forget) {
            forgotten.insert(record.event.key.clone());
        }
        Ok(())
    })
    .await?;
    Ok(forgotten)
}

fn is_of(event: &LoggedEvent, key: &str, some: &BTreeSet<String>) -> bool {
    let profile = event.profile.as_ref().map(kinora_api::ProfileId::as_str);
    [Some(key), profile, event.account.as_deref()].into_iter().flatten().any(|id| some.contains(id))
}

/// Returns an event as a line of CSV: what all events have in columns, the rest as JSON.
fn line(partition: u32, record: &Record, event: &LoggedEvent) -> String {
    let mut rest = serde_json::from_slice(&record.event.body).unwrap_or(Value::Null);
    let mut taken = |name: &str| match rest.as_object_mut().and_then(|fields| fields.remove(name)) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (account, profile, name, title) = (taken("account"), taken("profile"), taken("event"), taken("title"));
    taken("at");
    let fields = [partition.to_string(), record.offset.to_string(), time(event.at), account, profile, name, title];
    let fields: Vec<String> = fields.iter().map(String::as_str).chain([rest.to_string().as_str()]).map(field).collect();
    fields.join(",") + "\r\n"
}

/// Returns a time as RFC 3339 has it, in UTC with milliseconds; empty outside of the years 1 to 9999.
fn time(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).map(|time| format!("{time:.3}")).unwrap_or_default()
}

/// Returns a field of CSV, in quotes if it needs them (RFC 4180 §2).
fn field(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

/// Shows how titles are watched, by all events from the first on.
///
/// # Errors
/// When the log cannot be read, or there is no event of the title.
pub async fn insights(arguments: Insights) -> anyhow::Result<()> {
    let log = arguments.source.open().await?;
    let mut memory = Memory::default();
    each(log.as_ref(), &mut Places::new(), |_, record| {
        if let Ok(event) = serde_json::from_slice::<LoggedEvent>(&record.event.body) {
            memory.take(&event);
        }
        Ok(())
    })
    .await?;
    let mut all = of_titles(&memory);
    if let Some(title) = &arguments.title {
        let title = TitleId::new(title.as_str());
        all.retain(|id, _| *id == title);
        anyhow::ensure!(!all.is_empty(), "nobody has done anything with the title {title}");
    }
    let mut out = io::stdout().lock();
    if arguments.json {
        for (title, of) in &all {
            let mut fields = serde_json::to_value(of)?;
            fields["title"] = Value::from(title.as_str());
            writeln!(out, "{fields}")?;
        }
    } else if arguments.title.is_some() {
        for (title, of) in &all {
            write!(out, "{}", in_full(title, of))?;
        }
    } else {
        write!(out, "{}", table(&all))?;
    }
    Ok(())
}

/// Returns a line for each title, the most viewers first.
fn table(all: &BTreeMap<TitleId, TitleInsights>) -> String {
    let mut rows: Vec<(&TitleId, &TitleInsights)> = all.iter().collect();
    rows.sort_by_key(|(_, of)| std::cmp::Reverse(of.viewers));
    let width = rows.iter().map(|(title, _)| title.as_str().chars().count()).max().unwrap_or(0).max(5);
    let mut text = format!(
        "{:width$}  viewers  plays  finished  abandons  pauses  rewinds  to 25 %  to 50 %  to 75 %  to 95 %\n",
        "title"
    );
    for (title, of) in rows {
        let to = |mark: usize| format!("{:.0} %", of.completion.get(mark / 5 - 1).copied().unwrap_or(0.0) * 100.0);
        text += &format!(
            "{:width$}  {:>7}  {:>5}  {:>8}  {:>8}  {:>6}  {:>7}  {:>7}  {:>7}  {:>7}  {:>7}\n",
            title.as_str(),
            of.viewers,
            of.plays,
            of.finished,
            of.abandons,
            of.pauses,
            of.rewinds,
            to(25),
            to(50),
            to(75),
            to(95)
        );
    }
    text
}

/// Returns all figures of a title.
fn in_full(title: &TitleId, of: &TitleInsights) -> String {
    let mut text = format!(
        "{title}\nviewers {}, of whom {} saw the end and {} left it\nplays {}, abandons {}, pauses {}, rewinds {}\n\n  to    viewers  played again before\n",
        of.viewers, of.finished, of.left, of.plays, of.abandons, of.pauses, of.rewinds
    );
    let parts = of.rewatched.len() / MARKS;
    for (at, share) in of.completion.iter().enumerate() {
        let again: u64 = of.rewatched.iter().skip(at * parts).take(parts).sum();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 20")]
        let bar = "#".repeat((share * 20.0).round() as usize);
        text += &format!("{:>4} %  {:>5.0} %  {again:>6}  {bar}\n", (at + 1) * 5, share * 100.0);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{field, places, time};

    #[test]
    fn a_field_is_quoted_when_it_has_to_be() {
        assert_eq!(field("plain"), "plain");
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("say \"a\"\r\n"), "\"say \"\"a\"\"\r\n\"");
    }

    #[test]
    fn places_and_times_have_one_form() {
        assert_eq!(places("0=120, 3=7"), Ok([(0, 120), (3, 7)].into()));
        assert!(places("0").is_err() && places("").is_err() && places("a=1").is_err());
        assert_eq!(time(1_700_000_000_007), "2023-11-14T22:13:20.007Z");
        assert_eq!(time(i64::MAX), "");
    }
}
