//! Writes a session down: the configuration, then every input with its time, one JSON object a line. Fed to a fresh
//! engine, it gives the same decisions. Media payloads are written as their length.

use std::io::Write;

use serde::Serialize;

use crate::config::PlayerConfig;
use crate::engine::io::Input;
use crate::time::Now;

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    Config(&'a PlayerConfig),
    Input { now: Now, input: &'a Input },
    Advance { now: Now },
}

/// Writes until the first error; a recording that cannot be written must not disturb playback.
pub struct Recorder {
    target: Option<Box<dyn Write + Send>>,
}

impl Recorder {
    /// Begins with the configuration.
    pub fn new(target: Box<dyn Write + Send>, config: &PlayerConfig) -> Self {
        let mut this = Self { target: Some(target) };
        this.line(&Line::Config(config));
        this
    }

    /// Writes an input as one line.
    pub fn input(&mut self, now: Now, input: &Input) {
        self.line(&Line::Input { now, input });
    }

    /// Writes that time passed.
    pub fn advance(&mut self, now: Now) {
        self.line(&Line::Advance { now });
    }

    fn line(&mut self, line: &Line<'_>) {
        let Some(target) = &mut self.target else { return };
        let written = serde_json::to_writer(&mut *target, line)
            .map_err(std::io::Error::from)
            .and_then(|()| target.write_all(b"\n"));
        if let Err(error) = written {
            tracing::warn!(%error, "the recording ends here: it cannot be written");
            self.target = None;
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.target.as_mut().map(|target| target.flush()) {
            tracing::warn!(%error, "the end of the recording could not be written");
        }
    }
}
