//! The file of a topology: TOML to [`Topology`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{
    MAX_PROCESSES, MAX_REPLICAS, MAX_TEXT, Policy, ProbePolicy, Problem, Process, Program, ReadyLine, RestartPolicy,
    Role, Socket, Template, Topology, TopologyError, order,
};

/// Longest time in a topology: an hour in milliseconds.
const MAX_MS: u64 = 3_600_000;
/// Maximum value of a threshold.
const MAX_COUNT: u64 = 1_000;
/// Maximum number of entries of a list.
const MAX_ENTRIES: usize = 64;
/// Maximum length of a text in bytes.
const MAX_LENGTH: usize = 4_096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    process: Vec<Spanned<ProcessText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProcessText {
    name: Spanned<String>,
    program: Spanned<String>,
    #[serde(default)]
    arguments: Vec<Spanned<String>>,
    #[serde(default)]
    environment: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    services: Vec<Spanned<String>>,
    role: Option<Role>,
    replicas: Option<Spanned<u64>>,
    #[serde(default)]
    after: Vec<Spanned<String>>,
    #[serde(default)]
    ready_line: ReadyLine,
    #[serde(default)]
    socket: Socket,
    port: Option<Spanned<u64>>,
    start_ms: Option<Spanned<u64>>,
    leave_ms: Option<Spanned<u64>>,
    drain_ms: Option<Spanned<u64>>,
    #[serde(default)]
    probe: ProbeText,
    #[serde(default)]
    restart: RestartText,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProbeText {
    path: Option<Spanned<String>>,
    every_ms: Option<Spanned<u64>>,
    every_at_start_ms: Option<Spanned<u64>>,
    timeout_ms: Option<Spanned<u64>>,
    ready_after: Option<Spanned<u64>>,
    unready_after: Option<Spanned<u64>>,
    hung_after: Option<Spanned<u64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestartText {
    first_ms: Option<Spanned<u64>>,
    cap_ms: Option<Spanned<u64>>,
    quiet_ms: Option<Spanned<u64>>,
    loop_after: Option<Spanned<u64>>,
}

/// A fault and its place in the text.
type Fault = (Option<Range<usize>>, Problem);

pub(super) fn read(file: &Path, text: &str) -> Result<Topology, TopologyError> {
    topology(text).map_err(|(place, problem)| TopologyError {
        file: file.to_owned(),
        line: place.map(|place| {
            // An error at the end of the text may lie behind its last byte.
            let before = text.as_bytes().get(..place.start).unwrap_or(text.as_bytes());
            1 + before.iter().filter(|byte| **byte == b'\n').count()
        }),
        problem,
    })
}

fn topology(text: &str) -> Result<Topology, Fault> {
    if text.len() > MAX_TEXT {
        return Err((None, Problem::TooLong));
    }
    let parsed: FileText =
        toml::from_str(text).map_err(|error| (error.span(), Problem::Syntax(error.message().trim_end().to_owned())))?;
    let count = parsed.process.len();
    if !(1..=MAX_PROCESSES).contains(&count) {
        return Err((None, Problem::ProcessCount(count)));
    }
    let mut names = Vec::new();
    for process in &parsed.process {
        let name = &process.get_ref().name;
        if !is_name(name.get_ref()) {
            return Err((Some(name.span()), Problem::Name(name.get_ref().clone())));
        }
        if names.contains(name.get_ref()) {
            return Err((Some(name.span()), Problem::Duplicate(name.get_ref().clone())));
        }
        names.push(name.get_ref().clone());
    }
    let handed: Vec<bool> = parsed.process.iter().map(|process| process.get_ref().socket == Socket::Handed).collect();
    let mut processes = Vec::new();
    let mut named = BTreeSet::new();
    let mut backends = 0;
    for process in parsed.process {
        let place = process.span();
        let read = process.into_inner().read(&names, &handed, &mut named)?;
        backends += usize::from(read.role == Role::Backend);
        if backends > 1 {
            return Err((Some(place), Problem::SecondBackend(read.name)));
        }
        processes.push((place, read));
    }
    in_order(processes, &named)
}

/// Puts processes in the order of their dependencies.
fn in_order(mut processes: Vec<(Range<usize>, Process)>, named: &BTreeSet<usize>) -> Result<Topology, Fault> {
    let after: Vec<Vec<usize>> = processes.iter().map(|(_, process)| process.after.clone()).collect();
    let order = order::sort(&after).map_err(|circle| {
        let names: Vec<String> = circle.iter().map(|place| format!("`{}`", processes[*place].1.name)).collect();
        let first = circle.first().map(|place| processes[*place].0.clone());
        (first, Problem::Circle(names.join(", ")))
    })?;
    let mut new_place = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        new_place[*old] = new;
    }
    for (old, (_, process)) in processes.iter_mut().enumerate() {
        process.is_named_by_others = named.contains(&old);
        process.after = process.after.iter().map(|other| new_place[*other]).collect();
    }
    let mut placed: Vec<(usize, Process)> =
        processes.into_iter().enumerate().map(|(old, (_, process))| (new_place[old], process)).collect();
    placed.sort_by_key(|(place, _)| *place);
    Ok(Topology { processes: placed.into_iter().map(|(_, process)| process).collect() })
}

impl ProcessText {
    /// Checks a process; `after` holds places in `names` until the processes are sorted. Adds to `named` those whose address it
    /// contains. An address of a socket that is handed is known before its process starts, and implies no order.
    fn read(self, names: &[String], handed: &[bool], named: &mut BTreeSet<usize>) -> Result<Process, Fault> {
        let find = |name: &str, place: Range<usize>| {
            let found = names.iter().position(|other| other == name);
            found.ok_or_else(|| (Some(place), Problem::UnknownProcess(name.to_owned())))
        };
        let mut after = BTreeSet::new();
        for other in bounded("after", self.after)? {
            after.insert(find(other.get_ref(), other.span())?);
        }
        let mut template = |key: &'static str, text: Spanned<String>| {
            let place = text.span();
            check_text(key, &text)?;
            let template = Template::parse(text.get_ref())
                .ok_or_else(|| (Some(place.clone()), Problem::Placeholder(text.into_inner())))?;
            for name in template.named() {
                let other = find(name, place.clone())?;
                if !handed[other] {
                    after.insert(other);
                }
                named.insert(other);
            }
            Ok::<_, Fault>(template)
        };
        let arguments = bounded("arguments", self.arguments)?;
        let arguments = arguments.into_iter().map(|text| template("arguments", text)).collect::<Result<_, _>>()?;
        let mut environment = BTreeMap::new();
        for (name, text) in self.environment {
            if !is_variable(&name) {
                return Err((Some(text.span()), Problem::Variable(name)));
            }
            if environment.len() == MAX_ENTRIES {
                return Err((Some(text.span()), Problem::TooMany("environment")));
            }
            environment.insert(name, template("environment", text)?);
        }
        let services = bounded("services", self.services)?;
        services.iter().try_for_each(|service| check_text("services", service))?;
        let replicas = match &self.replicas {
            None => 1,
            Some(replicas) => usize::try_from(*replicas.get_ref())
                .ok()
                .filter(|count| (1..=MAX_REPLICAS).contains(count) && (*count == 1 || self.port.is_none()))
                .ok_or_else(|| (Some(replicas.span()), Problem::Replicas))?,
        };
        let port = number("port", self.port.as_ref(), 0, 1..=u64::from(u16::MAX))?;
        Ok(Process {
            program: program(&self.program)?,
            name: self.name.into_inner(),
            arguments,
            environment,
            services: services.into_iter().map(Spanned::into_inner).collect(),
            role: self.role.unwrap_or(Role::Service),
            replicas,
            after: after.into_iter().collect(),
            ready_line: self.ready_line,
            socket: self.socket,
            port: u16::try_from(port).ok().filter(|port| *port > 0),
            policy: Policy {
                start: time("start_ms", self.start_ms.as_ref(), 15_000, 1)?,
                leave: time("leave_ms", self.leave_ms.as_ref(), 1_000, 0)?,
                drain: time("drain_ms", self.drain_ms.as_ref(), 30_000, 0)?,
                probe: self.probe.read()?,
                restart: self.restart.read()?,
            },
            is_named_by_others: false,
        })
    }
}

impl ProbeText {
    fn read(self) -> Result<ProbePolicy, Fault> {
        let path = match self.path {
            None => "/readyz".to_owned(),
            Some(path) if is_path(path.get_ref()) => path.into_inner(),
            Some(path) => return Err((Some(path.span()), Problem::ProbePath(path.into_inner()))),
        };
        Ok(ProbePolicy {
            path,
            every: time("every_ms", self.every_ms.as_ref(), 2_000, 1)?,
            every_at_start: time("every_at_start_ms", self.every_at_start_ms.as_ref(), 50, 1)?,
            timeout: time("timeout_ms", self.timeout_ms.as_ref(), 1_500, 1)?,
            ready_after: count("ready_after", self.ready_after.as_ref(), 1)?,
            unready_after: count("unready_after", self.unready_after.as_ref(), 2)?,
            hung_after: count("hung_after", self.hung_after.as_ref(), 8)?,
        })
    }
}

impl RestartText {
    fn read(self) -> Result<RestartPolicy, Fault> {
        let first = time("first_ms", self.first_ms.as_ref(), 250, 1)?;
        let cap = time("cap_ms", self.cap_ms.as_ref(), 5_000, 1)?;
        if cap < first {
            let (first, cap) = (first.as_millis() as u64, cap.as_millis() as u64);
            let place = self.cap_ms.or(self.first_ms).map(|at| at.span());
            return Err((place, Problem::Range { key: "cap_ms", value: cap, least: first, most: MAX_MS }));
        }
        Ok(RestartPolicy {
            first,
            cap,
            quiet: time("quiet_ms", self.quiet_ms.as_ref(), 60_000, 1)?,
            loop_after: count("loop_after", self.loop_after.as_ref(), 5)?,
        })
    }
}

fn number(
    key: &'static str,
    value: Option<&Spanned<u64>>,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u64, Fault> {
    let Some(value) = value else { return Ok(default) };
    if range.contains(value.get_ref()) {
        return Ok(*value.get_ref());
    }
    let (least, most) = range.into_inner();
    Err((Some(value.span()), Problem::Range { key, value: *value.get_ref(), least, most }))
}

fn time(key: &'static str, value: Option<&Spanned<u64>>, default: u64, least: u64) -> Result<Duration, Fault> {
    number(key, value, default, least..=MAX_MS).map(Duration::from_millis)
}

fn count(key: &'static str, value: Option<&Spanned<u64>>, default: u32) -> Result<u32, Fault> {
    let count = number(key, value, default.into(), 1..=MAX_COUNT)?;
    // The range is far below the type's greatest value.
    Ok(u32::try_from(count).unwrap_or(default))
}

fn bounded<T>(key: &'static str, list: Vec<Spanned<T>>) -> Result<Vec<Spanned<T>>, Fault> {
    match list.get(MAX_ENTRIES) {
        Some(surplus) => Err((Some(surplus.span()), Problem::TooMany(key))),
        None => Ok(list),
    }
}

fn check_text(key: &'static str, text: &Spanned<String>) -> Result<(), Fault> {
    let is_good = (1..=MAX_LENGTH).contains(&text.get_ref().len()) && !text.get_ref().contains(char::is_control);
    if is_good { Ok(()) } else { Err((Some(text.span()), Problem::Text(key))) }
}

fn program(text: &Spanned<String>) -> Result<Program, Fault> {
    check_text("program", text)?;
    let name = text.get_ref();
    Ok(if name.contains('/') || name.starts_with('.') {
        Program::Path(PathBuf::from(name))
    } else {
        Program::Bundled(name.clone())
    })
}

fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    // Replicas are numbered behind a hyphen.
    let is_numbered = |(_, last): (&str, &str)| last.bytes().all(|byte| byte.is_ascii_digit());
    (1..=32).contains(&name.len())
        && name.bytes().all(is_plain)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.rsplit_once('-').is_some_and(is_numbered)
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path.len() <= 256
        && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte))
}

fn is_variable(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit())
}
