//! The control interface: one request a connection, a line of JSON, over a Unix socket that only its owner may open. The answer is
//! one line, or one for each event.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::OwnedReadHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::folder;

/// Maximum length of a request in bytes.
const MAX_REQUEST: u64 = 4 * 1024;
/// Maximum number of connections at a time; others wait.
const MAX_CONNECTIONS: u32 = 16;
/// Time for a request to arrive, and for an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// The state of each replica.
    Status,
    /// Start the replicas of a process, or one replica, anew at once.
    Restart {
        /// Name of a process or a replica.
        name: String,
    },
    /// Replace replicas one by one.
    Roll {
        /// Name of a process; `None` for all.
        name: Option<String>,
    },
    /// Another number of replicas, until the supervisor ends.
    Scale {
        /// Name of a process.
        name: String,
        /// Number of replicas.
        replicas: usize,
    },
    /// End all replicas of a process until it is started again.
    Stop {
        /// Name of a process.
        name: String,
    },
    /// Start a process that was stopped.
    Start {
        /// Name of a process.
        name: String,
    },
    /// Events from a number on, and those to come, without an end.
    Events {
        /// Number of the first one.
        #[serde(default)]
        since: u64,
    },
}

/// A request that was read; lines of the answer are sent back until the sender is dropped.
pub(super) struct Call {
    pub(super) request: Request,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// The answer to a request.
pub(super) enum Answer {
    Line(Value),
    /// Lines of the past, then those to come.
    Stream(Vec<Value>, tokio::sync::broadcast::Receiver<Value>),
}

/// Room for operators, who are answered until it is closed.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MAX_CONNECTIONS as usize)))
    }

    /// Waits until all answers that were given have been taken, for a second at most.
    pub(super) async fn empty(&self) {
        // Whoever takes longer does without the end.
        drop(tokio::time::timeout(Duration::from_secs(1), self.0.acquire_many(MAX_CONNECTIONS)).await);
    }
}

/// Answers operators.
pub(super) async fn serve(listener: UnixListener, room: Room, calls: mpsc::Sender<Call>) {
    while let Ok(permit) = Arc::clone(&room.0).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // Such as too many open files, which may pass.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let calls = calls.clone();
        tokio::spawn(async move {
            // An operator who has gone needs no answer.
            drop(answer(stream, calls).await);
            drop(permit);
        });
    }
}

async fn answer(stream: UnixStream, calls: mpsc::Sender<Call>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(read).take(MAX_REQUEST);
    tokio::time::timeout(PATIENCE, reader.read_line(&mut line)).await??;
    let answer = match parse(&line) {
        Ok(request) => {
            let (sender, answer) = oneshot::channel();
            let is_taken = calls.send(Call { request, answer: sender }).await.is_ok();
            let ends = || Answer::Line(refusal("the supervisor ends"));
            if is_taken { answer.await.unwrap_or_else(|_| ends()) } else { ends() }
        }
        Err(sentence) => Answer::Line(refusal(&sentence)),
    };
    let mut write = async |value: &Value| {
        let line = format!("{value}\n");
        tokio::time::timeout(PATIENCE, write.write_all(line.as_bytes())).await?
    };
    match answer {
        Answer::Line(value) => write(&value).await,
        Answer::Stream(past, mut coming) => {
            for value in &past {
                write(value).await?;
            }
            loop {
                use tokio::sync::broadcast::error::RecvError;
                match coming.recv().await {
                    Ok(value) => write(&value).await?,
                    Err(RecvError::Lagged(missed)) => write(&json!({ "missed": missed })).await?,
                    Err(RecvError::Closed) => return Ok(()),
                }
            }
        }
    }
}

fn parse(line: &str) -> Result<Request, String> {
    if !line.ends_with('\n') {
        return Err(format!("a request is one line of at most {MAX_REQUEST} bytes"));
    }
    serde_json::from_str(line).map_err(|error| format!("the request is not understood: {error}"))
}

pub(super) fn refusal(sentence: &str) -> Value {
    json!({ "ok": false, "error": sentence })
}

/// Answers of the supervisor of a data directory.
#[derive(Debug)]
pub struct Answers(tokio::io::Lines<BufReader<OwnedReadHalf>>);

/// Sends a request to the supervisor of a data directory.
///
/// # Errors
/// When none runs there, or it does not listen.
pub async fn ask(data: &Path, request: &Request) -> io::Result<Answers> {
    let stream = UnixStream::connect(folder::socket(&data.join("run"))).await?;
    let (read, mut write) = stream.into_split();
    let line = format!("{}\n", serde_json::to_string(request)?);
    write.write_all(line.as_bytes()).await?;
    Ok(Answers(BufReader::new(read).lines()))
}

impl Answers {
    /// Returns the next line of the answer, `None` after the last one.
    ///
    /// # Errors
    /// When the connection breaks, or the line is no JSON.
    pub async fn next(&mut self) -> io::Result<Option<Value>> {
        let line = self.0.next_line().await?;
        Ok(line.map(|line| serde_json::from_str(&line)).transpose()?)
    }
}

#[cfg(test)]
mod tests {
    use super::{Request, parse};

    #[test]
    fn requests_are_read_and_others_refused() {
        assert_eq!(parse("{\"command\":\"status\"}\n"), Ok(Request::Status));
        assert_eq!(parse("{\"command\":\"roll\"}\n"), Ok(Request::Roll { name: None }));
        let restart = Request::Restart { name: "a".to_owned() };
        let line = format!("{}\n", serde_json::to_string(&restart).expect("JSON"));
        assert_eq!(parse(&line), Ok(restart));
        for line in [
            "",
            "{\"command\":\"status\"}",
            "\n",
            "{}\n",
            "{\"command\":\"scale\",\"name\":\"a\",\"replicas\":-1}\n",
            "{\"command\":\"restart\"}\n",
            "{\"command\":\"roll\",\"nam\":1}\n",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
