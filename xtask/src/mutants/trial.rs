//! Runs of the test programs that hold all mutants: first unchanged, then once for each mutant.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::build::Program;
use super::report::Verdict;

/// Maximum address space of a test program, in KiB: a loop that lost its end must not take the machine's memory.
const MAX_MEMORY: u64 = 6 << 20;
/// Minimum time that a run of tests may take.
pub const MIN_PATIENCE: Duration = Duration::from_secs(30);
/// Multiple of the time of the unchanged tests that a run with a mutant may take.
const PATIENCE: u32 = 3;

/// One test program, and the tests that reach each mutant.
pub struct Subject<'a> {
    program: &'a Program,
    folder: &'a Path,
    /// Names of the tests that reach a mutant; `None` if a thread without a test's name reached it, so that any test may.
    /// Without this map every test runs.
    reached: Option<BTreeMap<u32, Option<BTreeSet<String>>>>,
    patience: Duration,
}

/// Decision about one mutant.
pub struct Decision {
    pub verdict: Verdict,
    /// Name of the test that failed, or why there is none.
    pub by: String,
    pub seconds: f64,
}

impl<'a> Subject<'a> {
    /// Runs the unchanged tests and notes which of them reach which mutants. Fails if a test fails.
    pub fn measure(program: &'a Program, folder: &'a Path, notes: &Path) -> anyhow::Result<Self> {
        let mut listing = Command::new(&program.path);
        listing.current_dir(folder).args(["--list", "--format=terse"]);
        let listed = listing.output().with_context(|| format!("cannot run {}", program.path.display()))?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let tests: BTreeSet<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();

        if notes.exists() {
            std::fs::remove_file(notes).with_context(|| format!("cannot remove {}", notes.display()))?;
        }
        let started = Instant::now();
        let mut command = Command::new(&program.path);
        // With one thread the tests would run on the main thread, which does not carry their names.
        command.current_dir(folder).arg("--test-threads=2").env("KINORA_MUTANTS_REACHED", notes);
        prepare(&mut command);
        let output = command.stdout(Stdio::piped()).output().context("cannot run the unchanged tests")?;
        if !output.status.success() {
            bail!("the unchanged tests of {} fail:\n{}", program.name, String::from_utf8_lossy(&output.stdout));
        }
        let patience = (started.elapsed() * PATIENCE).max(MIN_PATIENCE);
        let text = if notes.exists() { std::fs::read_to_string(notes)? } else { String::new() };
        Ok(Self { program, folder, reached: Some(reached(&text, &tests)), patience })
    }

    /// Returns a program that was built from one mutant and whose unchanged form may take so long.
    pub const fn of_one(program: &'a Program, folder: &'a Path, patience: Duration) -> Self {
        Self { program, folder, reached: None, patience }
    }

    /// Returns the name of the program, and the time that a run of it may take.
    pub fn patience(&self) -> (String, Duration) {
        (self.program.name.clone(), self.patience)
    }

    /// Runs the tests that reach this mutant, until one fails.
    pub fn test(&self, number: u32) -> anyhow::Result<Option<(Verdict, String)>> {
        let tests = match &self.reached {
            Some(reached) => match reached.get(&number) {
                Some(tests) => tests.as_ref(),
                None => return Ok(None),
            },
            None => None,
        };
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -v {MAX_MEMORY}; exec \"$0\" \"$@\"")).arg(&self.program.path);
        command.current_dir(self.folder).arg("--test-threads=2").env("KINORA_MUTANT", number.to_string());
        if let Some(tests) = tests {
            command.arg("--exact").args(tests);
        }
        prepare(&mut command);
        let child = command.stdout(Stdio::piped()).spawn().context("cannot run the tests")?;
        watch(child, self.patience).map(Some)
    }
}

fn prepare(command: &mut Command) {
    // A case that fails because of one mutant must not be replayed on the next.
    command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1");
    // A skip in a copy of the sources is not a skip of the run.
    command.env_remove("KINORA_SKIP_LOG");
    command.stdin(Stdio::null()).stderr(Stdio::null());
}

/// Reads which tests reach which mutants from lines `NUMBER<TAB>THREAD`.
fn reached(notes: &str, tests: &BTreeSet<&str>) -> BTreeMap<u32, Option<BTreeSet<String>>> {
    let mut reached: BTreeMap<u32, Option<BTreeSet<String>>> = BTreeMap::new();
    for (number, thread) in notes.lines().filter_map(|line| line.split_once('\t')) {
        let Ok(number) = number.parse() else { continue };
        let names = reached.entry(number).or_insert_with(|| Some(BTreeSet::new()));
        if !tests.contains(thread) {
            *names = None;
        } else if let Some(names) = names {
            names.insert(thread.to_owned());
        }
    }
    reached
}

/// Waits until a test fails, the program ends or the time is over, and ends the program.
fn watch(mut child: Child, patience: Duration) -> anyhow::Result<(Verdict, String)> {
    let output = child.stdout.take().context("no output")?;
    let (sender, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let end = Instant::now() + patience;
    let early = loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                if let Some(name) = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED")) {
                    break Some((Verdict::Caught, name.to_owned()));
                }
            }
            Err(RecvTimeoutError::Timeout) => break Some((Verdict::TimedOut, "no end".to_owned())),
            Err(RecvTimeoutError::Disconnected) => break None,
        }
    };
    if early.is_some() {
        // It may have ended by itself meanwhile.
        let _ = child.kill();
    }
    let status = child.wait().context("a test program ended in an unknown way")?;
    drop(lines);
    let _ = reader.join();
    Ok(early.unwrap_or_else(|| match status.success() {
        true => (Verdict::Missed, String::new()),
        // A stack that overflows or memory that is refused ends the whole program.
        false => (Verdict::Caught, format!("{status}")),
    }))
}

/// Decides about one mutant with all test programs of its package.
pub fn decide(subjects: &[Subject<'_>], number: u32) -> anyhow::Result<Decision> {
    let started = Instant::now();
    let mut by = "no test reaches it".to_owned();
    let mut verdict = Verdict::Missed;
    for subject in subjects {
        if let Some((found, test)) = subject.test(number)? {
            by = if test.is_empty() { subject.program.name.clone() } else { test };
            verdict = found;
            if verdict != Verdict::Missed {
                break;
            }
        }
    }
    if verdict == Verdict::Missed && by != "no test reaches it" {
        by = "tests reach it".to_owned();
    }
    Ok(Decision { verdict, by, seconds: started.elapsed().as_secs_f64() })
}

/// Folder in which the notes of a run are kept.
pub fn notes(home: &Path) -> PathBuf {
    home.join("reached.txt")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn shell(script: &str) -> Child {
        Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn the_first_failed_test_decides_and_the_rest_is_not_awaited() {
        let (verdict, by) =
            watch(shell("echo 'test a::b ... ok'; echo 'test a::c ... FAILED'; exec sleep 3600"), MIN_PATIENCE)
                .unwrap();
        assert_eq!((verdict, by.as_str()), (Verdict::Caught, "a::c"));
    }

    #[test]
    fn ends_of_a_program_are_told_apart() {
        let verdict = |script, patience| watch(shell(script), patience).unwrap().0;
        assert_eq!(verdict("echo 'test a::b ... ok'", MIN_PATIENCE), Verdict::Missed);
        assert_eq!(verdict("kill -9 $$", MIN_PATIENCE), Verdict::Caught);
        assert_eq!(verdict("exec sleep 3600", Duration::ZERO), Verdict::TimedOut);
    }

    #[test]
    fn tests_that_reach_a_mutant_are_read() {
        let tests = BTreeSet::from(["a::b", "a::c"]);
        let reached = reached("1\ta::b\n1\ta::c\n2\ta::b\n2\tworker\n2\ta::c\nhalf a li", &tests);
        let both = ["a::b", "a::c"].map(str::to_owned).into();
        assert_eq!(reached, BTreeMap::from([(1, Some(both)), (2, None)]));
    }
}
