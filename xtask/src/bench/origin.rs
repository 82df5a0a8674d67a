//! The shaped server as a child process: one for each run, so that no run finds a warm one.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use super::server::Answer;

/// Link and faults of a run. The default is a link without a limit and a server without faults.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// Trace in the form of [`abr::link`].
    pub trace: Option<String>,
    /// Fault plan in the form of [`kinora_faults`].
    pub faults: Option<String>,
}

impl Conditions {
    /// Returns a link of 5 Mbit/s and 20 ms without faults.
    pub fn shaped() -> Self {
        Self { trace: Some("600000,5000,20\n".to_owned()), faults: None }
    }
}

/// A running server. It ends with this value.
#[derive(Debug)]
pub struct Origin {
    child: Child,
    address: String,
    log: PathBuf,
    /// Trace, fault plan and log; removed with the value.
    _folder: tempfile::TempDir,
}

impl Origin {
    /// Starts a server of the files below `root`.
    pub fn start(root: &Path, conditions: &Conditions) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("log");
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "serve"]).arg(root).arg("--log").arg(&log);
        for (name, text) in [("trace", &conditions.trace), ("faults", &conditions.faults)] {
            if let Some(text) = text {
                let path = folder.path().join(name);
                std::fs::write(&path, text)?;
                command.arg(format!("--{name}")).arg(path);
            }
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start the server")?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().context("the server has an output")?).read_line(&mut address)?;
        let address = address.trim().to_owned();
        anyhow::ensure!(!address.is_empty(), "the shaped server does not start");
        Ok(Self { child, address, log, _folder: folder })
    }

    /// Returns the address of a file.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Ends the server and returns its log, in the order in which answers ended.
    pub fn stop(mut self) -> anyhow::Result<Vec<Answer>> {
        self.end();
        parse_log(&std::fs::read_to_string(&self.log)?)
    }

    fn end(&mut self) {
        // Fails only if the process has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads a log. A last line without an end is one that was being written.
fn parse_log(text: &str) -> anyhow::Result<Vec<Answer>> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("not a line of a log: {line}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_without_a_line_that_was_cut_off() {
        let answer =
            Answer { at_s: 1.5, path: "a/1.m4s".to_owned(), status: 200, length: 9, sent: 9, ..Answer::default() };
        let line = serde_json::to_string(&answer).expect("a line");
        let log = parse_log(&format!("{line}\n{line}\n{}", &line[..9])).expect("a log");
        assert_eq!(log, [answer.clone(), answer]);
        assert!(parse_log("nonsense\n").is_err());
        assert_eq!(parse_log("").expect("an empty log"), []);
    }
}
