//! Servers as processes of their own, ended with their guard.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use url::Url;

use super::binary;

/// A running server.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub url: Url,
}

impl Server {
    fn start(mut command: Command, address: impl Fn(&str) -> Option<Url>) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.by_ref().map_while(Result::ok).find_map(|line| address(&line));
        // What it says later must go somewhere, or it would block.
        let drain = move || lines.for_each(drop);
        std::thread::Builder::new().name("server-output".into()).spawn(drain).unwrap();
        let Some(url) = url else {
            let status = child.wait();
            panic!("{command:?} ended before it listened: {status:?}");
        };
        Self { child, url }
    }

    /// Ends it at once, as a machine that loses its power.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Python's file server, which knows no ranges.
pub fn python(folder: &Path) -> Server {
    let mut command = Command::new("python3");
    command.args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory"]).arg(folder).arg("0");
    command.stderr(Stdio::null());
    Server::start(command, |line| {
        let port = line.split(" port ").nth(1)?.split_whitespace().next()?;
        format!("http://127.0.0.1:{port}/").parse().ok()
    })
}

/// An edge in front of `origin` that serves plain paths, with more arguments.
pub fn edge(origin: &Url, arguments: &[&str]) -> Server {
    let mut command = Command::new(binary("kinora-edge"));
    command.args(["--port", "0", "--open", "--origin", origin.as_str()]).args(arguments);
    command.stderr(Stdio::null());
    Server::start(command, |line| format!("{}/", line.strip_prefix("listening on ")?).parse().ok())
}
