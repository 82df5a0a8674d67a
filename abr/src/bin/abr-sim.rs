//! `abr-sim`: rules at work without a network. Arguments and lines only; everything else is the library's.

use std::{
    fs,
    io::{self, BufRead, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use abr::simulator::{
    link::{Link, Trace},
    plot,
    protocol::{MAX_MESSAGE, Responder},
    qoe::{self, Score},
    record::Recorder,
    session::{self, Settings},
    video::Video,
};
use abr::{Explanation, Rule as _};
use anyhow::Context as _;
use clap::{Parser, Subcommand};

/// The columns of [`row`]. `qoe_lin` is in Mbit/s; see `abr::simulator::qoe`.
const HEADER: &str = "rule             qoe_lin   qoe_log    kbit/s   stall %   start s  switches  wasted %";

#[derive(Parser)]
#[command(name = "abr-sim", about = "Adaptive bitrate rules over recorded links")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer the decision protocol on standard input and output: one JSON object a line, one line each
    Stdio {
        /// Rule to answer with
        #[arg(long, default_value = "default")]
        rule: String,
    },
    /// Play a film over every trace of a folder with several rules and print a table of the means
    Compare {
        /// Folder of `*.csv` traces
        #[arg(long)]
        traces: PathBuf,
        /// Film: `{"segment_duration_ms", "bitrates_kbps": [k], "segment_sizes_bits": [n][k]}`
        #[arg(long)]
        video: PathBuf,
        /// Rules to compare, by name
        #[arg(
            long,
            value_delimiter = ',',
            default_value = "default,dynamic,robust-mpc,bola-e,bola,bba,throughput,lowest"
        )]
        rules: Vec<String>,
        /// Buffer goal in seconds
        #[arg(long, default_value_t = 30)]
        buffer: u32,
        /// Do not tell the rules the sizes of segments
        #[arg(long)]
        hide_sizes: bool,
        /// Also draw the sessions of this trace (its file name without `.csv`) into the file `--plot`
        #[arg(long, requires = "plot")]
        session: Option<String>,
        /// File to draw to: `*.svg` for the first rule alone, anything else is a page with all rules
        #[arg(long, requires = "session")]
        plot: Option<PathBuf>,
    },
    /// Play a film over one trace and say why each decision was taken
    Explain {
        /// Trace of the link, `*.csv`
        #[arg(long)]
        trace: PathBuf,
        /// Film, as for `compare`
        #[arg(long)]
        video: PathBuf,
        /// Rule to explain, by name
        #[arg(long, default_value = "default")]
        rule: String,
        /// Buffer goal in seconds
        #[arg(long, default_value_t = 30)]
        buffer: u32,
        /// Do not tell the rule the sizes of segments
        #[arg(long)]
        hide_sizes: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the table has seen enough, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Not returned from main: a backtrace is of no use to whoever gave the wrong file.
            eprintln!("abr-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    kind == Some(io::ErrorKind::BrokenPipe)
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Stdio { rule } => {
            anyhow::ensure!(abr::rule(&rule).is_some(), "unknown rule `{rule}`");
            stdio(&rule)
        }
        Command::Compare { traces, video, rules, buffer, hide_sizes, session, plot } => {
            let settings = Settings {
                buffer_goal: Duration::from_secs(buffer.into()),
                sizes_known: !hide_sizes,
                ..Settings::default()
            };
            compare(&traces, &video, &rules, settings, plot.as_deref().zip(session.as_deref()))
        }
        Command::Explain { trace, video, rule, buffer, hide_sizes } => {
            let settings = Settings {
                buffer_goal: Duration::from_secs(buffer.into()),
                sizes_known: !hide_sizes,
                ..Settings::default()
            };
            explain(&trace, &video, &rule, settings)
        }
    }
}

/// One line in, one line out. A message that cannot be answered gets `{"error": …}`, and the exit code reports it at
/// the end.
fn stdio(rule: &str) -> anyhow::Result<()> {
    let name = rule.to_owned();
    let mut responder = Responder::new(move || abr::rule(&name).unwrap_or_else(abr::default_rule));
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut line = Vec::new();
    let mut number = 0_u64;
    let mut refused = 0_u64;
    loop {
        line.clear();
        number += 1;
        let read = (&mut input).take(MAX_MESSAGE as u64 + 1).read_until(b'\n', &mut line).context("reading input")?;
        if read == 0 {
            break;
        }
        anyhow::ensure!(read <= MAX_MESSAGE, "line {number}: message longer than {MAX_MESSAGE} bytes");
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        let reply = responder.answer(&text).unwrap_or_else(|error| {
            refused += 1;
            serde_json::json!({ "error": format!("line {number}: {error}") }).to_string()
        });
        writeln!(output, "{reply}").and_then(|()| output.flush()).context("writing output")?;
    }
    anyhow::ensure!(refused == 0, "{refused} messages could not be answered");
    Ok(())
}

/// Every rule over every trace, the means as a table on standard output.
fn compare(
    traces: &Path,
    video: &Path,
    rules: &[String],
    settings: Settings,
    drawn: Option<(&Path, &str)>,
) -> anyhow::Result<()> {
    for name in rules {
        anyhow::ensure!(abr::rule(name).is_some(), "unknown rule `{name}`");
    }
    let video = film(video)?;
    let mut paths = Vec::new();
    for entry in fs::read_dir(traces).with_context(|| format!("{}", traces.display()))? {
        let path = entry.with_context(|| format!("{}", traces.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            paths.push(path);
        }
    }
    anyhow::ensure!(!paths.is_empty(), "{}: no *.csv traces", traces.display());
    paths.sort();
    let mut links = Vec::with_capacity(paths.len());
    for path in &paths {
        links.push(link(path)?);
    }
    if let Some((plot, session)) = drawn {
        let stem = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem == session);
        let at = paths.iter().position(stem).with_context(|| format!("no trace `{session}`"))?;
        draw(plot, session, &video, &links[at], rules, settings)?;
    }
    let mut output = io::stdout().lock();
    writeln!(output, "{HEADER}")?;
    for name in rules {
        let mut scores = Vec::with_capacity(links.len());
        for link in &links {
            let mut rule = abr::rule(name).with_context(|| format!("unknown rule `{name}`"))?;
            let session = session::play(&video, link, rule.as_mut(), settings);
            scores.extend(qoe::score(&video, &session));
        }
        if let Some(mean) = qoe::mean(&scores) {
            writeln!(output, "{}", row(name, &mean))?;
        }
    }
    Ok(())
}

/// The sessions of all rules over one link, as a file.
fn draw(
    plot: &Path,
    session: &str,
    video: &Video,
    link: &Link,
    rules: &[String],
    settings: Settings,
) -> anyhow::Result<()> {
    let mut drawings = Vec::with_capacity(rules.len());
    for name in rules {
        let mut rule = abr::rule(name).with_context(|| format!("unknown rule `{name}`"))?;
        let played = session::play(video, link, rule.as_mut(), settings);
        let mut title = format!("{name} over {session}");
        if let Some(score) = qoe::score(video, &played) {
            let stalled = played.segments.iter().map(|segment| segment.stall).sum::<Duration>().as_secs_f64();
            title += &format!(
                ": quality {:.2} Mbit/s, {:.0} kbit/s shown, {stalled:.1} s stalled, {:.0} switches",
                score.linear, score.kbps, score.switches
            );
        }
        drawings.push(plot::svg(&title, video, link, &played));
    }
    let alone = plot.extension().is_some_and(|extension| extension == "svg");
    let text = match drawings.first() {
        Some(first) if alone => first.clone(),
        _ => plot::html(session, &drawings),
    };
    fs::write(plot, text).with_context(|| format!("{}", plot.display()))
}

/// The columns of `explain`, and those of [`format_explanation`], which only some rules fill.
const DECIDED: &str = "    at s   ahead s  why           rung  kbit/s";
const WEIGHED: &str = "   likely kbit/s, home        outages           each rung against the best, in seconds of stall";

/// One line for each decision: the forecast, the value of each rung, and the choice.
fn explain(trace: &Path, video: &Path, rule: &str, settings: Settings) -> anyhow::Result<()> {
    let (video, link) = (film(video)?, link(trace)?);
    let mut rule = abr::rule(rule).with_context(|| format!("unknown rule `{rule}`"))?;
    let mut recorder = Recorder::new(rule.as_mut());
    let session = session::play(&video, &link, &mut recorder, settings);
    let mut output = io::stdout().lock();
    let tells = recorder.entries().iter().any(|entry| entry.explanation.is_some());
    writeln!(output, "{DECIDED}{}", if tells { WEIGHED } else { "" })?;
    for entry in recorder.entries() {
        let reason = entry.decision.map_or_else(|| "give up for".to_owned(), |decision| decision.reason.to_string());
        let (now, ahead) = (entry.now.as_secs_f64(), entry.buffer.as_secs_f64());
        let kbps = video.rungs().get(entry.rung).map_or(0, |rung| rung.bitrate_bps / 1000);
        let line = format!("{now:>8.2}  {ahead:>8.2}  {reason:<12}  {:>4}  {kbps:>6}", entry.rung);
        let weighed = entry.explanation.as_ref().map_or_else(String::new, format_explanation);
        writeln!(output, "{}", format!("{line}{weighed}").trim_end())?;
    }
    if let Some(score) = qoe::score(&video, &session) {
        writeln!(output, "\n{HEADER}\n{}", row(recorder.name(), &score))?;
    }
    Ok(())
}

/// Formats an explanation: the expected rate with one deviation down and up, the level it tends to, the expected
/// outages, and the value of each rung.
fn format_explanation(explanation: &Explanation) -> String {
    let (likely, home) = (explanation.likely_bps / 1e3, explanation.home_bps / 1e3);
    let (down, up) = ((1.0 - 1.0 / explanation.down) * 100.0, (explanation.up - 1.0) * 100.0);
    let (outages, length) = (explanation.outages_per_minute, explanation.outage_seconds);
    let mut text = format!(
        "  {likely:>7.0} -{down:.0}% +{up:<4}{home:>7.0}  {outages:>5.2}/min of {length:>4.1} s ",
        up = format!("{up:.0}%")
    );
    for (rung, seconds) in explanation.rungs.iter().flatten() {
        text += &if *seconds < 0.0 { format!(" {rung}:{seconds:.2}") } else { format!(" {rung}:best") };
    }
    text
}

fn film(path: &Path) -> anyhow::Result<Video> {
    Video::parse(&read(path)?).with_context(|| format!("{}", path.display()))
}

fn link(path: &Path) -> anyhow::Result<Link> {
    Ok(Link::new(Trace::parse(&read(path)?).with_context(|| format!("{}", path.display()))?))
}

fn row(name: &str, mean: &Score) -> String {
    format!(
        "{name:<14}{:>10.3}{:>10.3}{:>10.0}{:>10.2}{:>10.2}{:>10.1}{:>10.2}",
        mean.linear,
        mean.logarithmic,
        mean.kbps,
        mean.rebuffer_ratio * 100.0,
        mean.startup_s,
        mean.switches,
        mean.wasted_share * 100.0
    )
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("{}", path.display()))
}
