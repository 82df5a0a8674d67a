//! The line protocol by which an outside simulator asks a rule for decisions: one JSON object in, one out.
//!
//! `init` starts a session with a fresh rule, so that nothing learned is carried from one session to the next and
//! results do not depend on their order. `decide` asks for a rung, `progress` whether to give a transfer up.
//! Only text is handled here; reading and writing lines is the binary's affair.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Context, InFlight, Live, Objective, Phase, Rule, Rung, Transfer, Verdict};

/// The version of the protocol that is spoken.
pub const VERSION: u64 = 1;
/// Segments ahead whose sizes are asked for.
const LOOKAHEAD: u32 = 10;
/// Longest message accepted, in bytes.
pub const MAX_MESSAGE: usize = 1 << 20;
/// Most rungs of a ladder accepted.
pub const MAX_RUNGS: usize = 256;

/// Reasons to refuse a message.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The message is longer than [`MAX_MESSAGE`].
    #[error("message longer than {MAX_MESSAGE} bytes")]
    TooLong,
    /// Not JSON, or not a message of the protocol.
    #[error("not a message: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another version of the protocol.
    #[error("protocol {0} is not spoken, only {VERSION}")]
    Version(u64),
    /// A field has a value that makes no sense.
    #[error("{field}: {problem}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Fault of the field.
        problem: &'static str,
    },
    /// `decide` or `progress` before `init`.
    #[error("no session: `init` must come first")]
    NoSession,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Message {
    Init(Init),
    Decide(Decide),
    Progress(Progress),
}

#[derive(Debug, Deserialize)]
struct Init {
    protocol: u64,
    bitrates_kbps: Vec<f64>,
    chunk_s: f64,
    n_chunks: Option<u32>,
    max_buffer_s: Option<f64>,
    #[serde(default)]
    live: bool,
    target_latency_s: Option<f64>,
    metric: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Decide {
    chunk: u64,
    buffer_s: f64,
    now_s: f64,
    last_level: Option<usize>,
    latency_s: Option<f64>,
    last: Option<Last>,
    next_sizes_bytes: Option<Vec<Vec<u64>>>,
    next_quality: Option<Vec<Vec<f32>>>,
    chunks_left: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Last {
    bytes: f64,
    duration_s: f64,
    ttfb_s: f64,
    start_s: f64,
}

#[derive(Debug, Deserialize)]
struct Progress {
    level: usize,
    size_bytes: f64,
    got_bytes: f64,
    elapsed_s: f64,
    ttfb_s: f64,
    buffer_s: f64,
}

/// Replies, in the field order in which they are written.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Reply {
    Init {
        progress: bool,
        lookahead: u32,
    },
    Decide {
        level: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        wait_s: Option<f64>,
    },
    Progress {
        #[serde(skip_serializing_if = "Option::is_none")]
        abandon_to: Option<usize>,
    },
}

/// One side of the conversation: holds the rule of the session that runs.
pub struct Responder {
    make: Box<dyn FnMut() -> Box<dyn Rule>>,
    session: Option<Session>,
}

struct Session {
    rule: Box<dyn Rule>,
    /// Start of the transfer that the rule observed last.
    learned: Option<Duration>,
    /// Time at which the transfer that answers the latest question began.
    asked: Duration,
    place: Place,
}

/// Context that the session has sent: everything but the buffer and the time.
struct Place {
    rungs: Vec<Rung>,
    segment: Duration,
    goal: Duration,
    target: Option<Duration>,
    chunk: u64,
    sizes: Option<Vec<u64>>,
    quality: Option<Vec<f32>>,
    objective: Objective,
    latency: Option<Duration>,
    left: Option<u32>,
}

impl Responder {
    /// Answers with a fresh rule from `make` for each session.
    #[must_use]
    pub fn new(make: impl FnMut() -> Box<dyn Rule> + 'static) -> Self {
        Self { make: Box::new(make), session: None }
    }

    /// Answers one message with one line, without the line feed.
    ///
    /// # Errors
    ///
    /// [`ProtocolError`]; the session is as it was before the message.
    pub fn answer(&mut self, message: &str) -> Result<String, ProtocolError> {
        if message.len() > MAX_MESSAGE {
            return Err(ProtocolError::TooLong);
        }
        let reply = match serde_json::from_str(message)? {
            Message::Init(init) => {
                self.session = Some(Session::new(&init, (self.make)())?);
                Reply::Init { progress: true, lookahead: LOOKAHEAD }
            }
            Message::Decide(decide) => {
                let session = self.session.as_mut().ok_or(ProtocolError::NoSession)?;
                session.decide(decide)?
            }
            Message::Progress(progress) => {
                let session = self.session.as_mut().ok_or(ProtocolError::NoSession)?;
                session.progress(&progress)?
            }
        };
        Ok(serde_json::to_string(&reply)?)
    }
}

impl Session {
    fn new(init: &Init, rule: Box<dyn Rule>) -> Result<Self, ProtocolError> {
        if init.protocol != VERSION {
            return Err(ProtocolError::Version(init.protocol));
        }
        let field = "bitrates_kbps";
        if init.bitrates_kbps.is_empty() || init.bitrates_kbps.len() > MAX_RUNGS {
            return Err(ProtocolError::Field { field, problem: "must have 1 to 256 entries" });
        }
        let sane = |rate: &f64| rate.is_finite() && *rate > 0.0 && *rate <= 1e9;
        if !init.bitrates_kbps.iter().all(sane) {
            return Err(ProtocolError::Field { field, problem: "must be positive numbers" });
        }
        if !init.bitrates_kbps.is_sorted() {
            return Err(ProtocolError::Field { field, problem: "must ascend" });
        }
        let segment = duration("chunk_s", init.chunk_s)?;
        if segment.is_zero() {
            return Err(ProtocolError::Field { field: "chunk_s", problem: "must be positive" });
        }
        let target = match (init.live, init.target_latency_s) {
            (true, Some(target)) => Some(duration("target_latency_s", target)?),
            (true, None) => {
                return Err(ProtocolError::Field { field: "target_latency_s", problem: "missing" });
            }
            (false, _) => None,
        };
        let goal = match (init.max_buffer_s, target) {
            (Some(seconds), _) => duration("max_buffer_s", seconds)?,
            (None, Some(target)) => target,
            (None, None) => Duration::from_secs(30),
        };
        let rung = |kbps: &f64| Rung::new((kbps * 1000.0).round() as u64);
        let rungs = init.bitrates_kbps.iter().map(rung).collect();
        let objective = match init.metric.as_deref() {
            Some("log") => Objective::Logarithmic,
            Some("vq") => Objective::Perceptual,
            _ => Objective::Linear,
        };
        let place = Place {
            rungs,
            segment,
            goal,
            target,
            chunk: 0,
            sizes: None,
            quality: None,
            objective,
            latency: None,
            left: init.n_chunks,
        };
        Ok(Self { rule, learned: None, asked: Duration::ZERO, place })
    }

    fn decide(&mut self, decide: Decide) -> Result<Reply, ProtocolError> {
        let now = duration("now_s", decide.now_s)?;
        let buffer = duration("buffer_s", decide.buffer_s)?;
        let latency = decide.latency_s.map(|latency| duration("latency_s", latency.max(0.0))).transpose()?;
        let transfer = decide.last.as_ref().map(Last::transfer).transpose()?;
        if let Some((start, transfer)) = transfer
            && self.learned != Some(start)
        {
            self.learned = Some(start);
            self.rule.on_transfer(&transfer);
        }
        let place = &mut self.place;
        place.chunk = decide.chunk;
        place.sizes = decide.next_sizes_bytes.map(|sizes| sizes.concat());
        place.quality = decide.next_quality.map(|quality| quality.concat());
        place.latency = latency;
        place.left = decide.chunks_left;
        let context = place.context(now, buffer, decide.last_level);
        let decision = self.rule.select(&context);
        self.asked = now.saturating_add(decision.wait.unwrap_or_default());
        Ok(Reply::Decide { level: decision.representation, wait_s: decision.wait.map(|wait| wait.as_secs_f64()) })
    }

    fn progress(&mut self, progress: &Progress) -> Result<Reply, ProtocolError> {
        let elapsed = duration("elapsed_s", progress.elapsed_s)?;
        let now = self.asked.saturating_add(elapsed);
        let buffer = duration("buffer_s", progress.buffer_s)?;
        let received = bytes("got_bytes", progress.got_bytes)?;
        let ttfb = duration("ttfb_s", progress.ttfb_s)?;
        let in_flight = InFlight {
            now,
            rung: progress.level,
            size: Some(bytes("size_bytes", progress.size_bytes)?),
            received,
            elapsed,
            ttfb: (received > 0).then_some(ttfb),
            buffer,
            segment_duration: self.place.segment,
            others: 0,
        };
        let context = self.place.context(now, buffer, Some(progress.level));
        let abandon_to = match self.rule.on_progress(&in_flight, &context) {
            Verdict::Continue => None,
            Verdict::AbandonTo(rung) => Some(rung),
        };
        Ok(Reply::Progress { abandon_to })
    }
}

impl Place {
    fn context(&self, now: Duration, buffer: Duration, last: Option<usize>) -> Context<'_> {
        let phase = match (self.chunk, buffer.is_zero()) {
            (0, _) => Phase::StartUp,
            (_, true) => Phase::Rebuffering,
            (_, false) => Phase::Steady,
        };
        Context {
            now,
            last: last.filter(|&level| level < self.rungs.len()),
            phase,
            buffer,
            buffer_goal: self.goal,
            next_sizes: self.sizes.as_deref(),
            next_quality: self.quality.as_deref(),
            objective: self.objective,
            segments_left: self.left,
            latency: self.latency.zip(self.target).map(|(latency, target)| Live { latency, target }),
            ..Context::new(&self.rungs, self.segment)
        }
    }
}

impl Last {
    /// The transfer, and when it began.
    fn transfer(&self) -> Result<(Duration, Transfer), ProtocolError> {
        let start = duration("last.start_s", self.start_s)?;
        let total = duration("last.duration_s", self.duration_s)?;
        let ttfb = duration("last.ttfb_s", self.ttfb_s)?;
        let transfer = Transfer {
            at: start.saturating_add(total),
            bytes: bytes("last.bytes", self.bytes)?,
            ttfb,
            duration: total.saturating_sub(ttfb),
            cached: false,
            concurrent: 1,
            others: 0,
        };
        Ok((start, transfer))
    }
}

fn duration(field: &'static str, seconds: f64) -> Result<Duration, ProtocolError> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| ProtocolError::Field { field, problem: "must be a number of seconds, not negative" })
}

fn bytes(field: &'static str, bytes: f64) -> Result<u64, ProtocolError> {
    if bytes.is_finite() && bytes >= 0.0 {
        Ok(bytes as u64)
    } else {
        Err(ProtocolError::Field { field, problem: "must be a number of bytes, not negative" })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const INIT: &str = r#"{"type":"init","protocol":1,"bitrates_kbps":[300,1200,4000],"chunk_s":4,"n_chunks":50,"max_buffer_s":30,"live":false,"target_latency_s":null,"metric":"lin"}"#;

    fn decide(chunk: u64, buffer: f64, last: &str) -> String {
        format!(
            r#"{{"type":"decide","chunk":{chunk},"buffer_s":{buffer},"now_s":{chunk},"last_level":null,"latency_s":null,"last":{last},"next_sizes_bytes":null,"next_quality":null,"chunks_left":{}}}"#,
            50 - chunk
        )
    }

    fn started() -> Responder {
        let mut responder = Responder::new(crate::default_rule);
        assert_eq!(responder.answer(INIT).unwrap(), r#"{"progress":true,"lookahead":10}"#);
        responder
    }

    #[test]
    fn a_session_is_answered_line_by_line() {
        let mut responder = started();
        assert_eq!(responder.answer(&decide(0, 0.0, "null")).unwrap(), r#"{"level":0}"#);
        let last =
            r#"{"chunk":0,"level":0,"bytes":150000.5,"duration_s":0.15,"ttfb_s":0.05,"abandoned":false,"start_s":0}"#;
        let reply = responder.answer(&decide(1, 4.0, last)).unwrap();
        assert!(reply.starts_with(r#"{"level":"#) && reply != r#"{"level":0}"#, "{reply}");
        let progress = r#"{"type":"progress","chunk":1,"level":2,"size_bytes":2000000,"got_bytes":20000,"elapsed_s":5.05,"ttfb_s":0.05,"buffer_s":0.0}"#;
        assert_eq!(responder.answer(progress).unwrap(), r#"{"abandon_to":0}"#);
        let progress = progress.replace("20000,", "1999000,");
        assert_eq!(responder.answer(&progress).unwrap(), "{}");
    }

    #[test]
    fn nothing_is_carried_over_an_init() {
        let mut fresh = started();
        let mut used = started();
        let last =
            r#"{"chunk":0,"level":0,"bytes":9000000,"duration_s":0.15,"ttfb_s":0.05,"abandoned":false,"start_s":0}"#;
        used.answer(&decide(1, 4.0, last)).unwrap();
        used.answer(INIT).unwrap();
        for chunk in 0..3 {
            let question = decide(chunk, 8.0, "null");
            assert_eq!(used.answer(&question).unwrap(), fresh.answer(&question).unwrap());
        }
    }

    #[test]
    fn a_live_session_is_answered_within_its_target() {
        let mut responder = Responder::new(crate::default_rule);
        let init = INIT.replace("\"live\":false", "\"live\":true");
        let init = init.replace("\"max_buffer_s\":30,", "\"max_buffer_s\":null,");
        let init = init.replace("\"target_latency_s\":null", "\"target_latency_s\":4");
        responder.answer(&init).unwrap();
        let last =
            r#"{"chunk":0,"level":0,"bytes":9000000,"duration_s":1.05,"ttfb_s":0.05,"abandoned":false,"start_s":0}"#;
        let question = decide(1, 3.0, last).replace("\"latency_s\":null", "\"latency_s\":4.2");
        assert_eq!(responder.answer(&question).unwrap(), r#"{"level":2}"#, "4 of 72 Mbit/s, three seconds ahead");
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line_and_the_session_survives() {
        let mut responder = Responder::new(crate::default_rule);
        let early = responder.answer(&decide(0, 0.0, "null")).unwrap_err();
        assert_eq!(early.to_string(), "no session: `init` must come first");
        responder.answer(INIT).unwrap();
        let bad = [
            ("", "not a message"),
            ("[1,2]", "not a message"),
            (r#"{"type":"dance"}"#, "dance"),
            (&INIT.replace("\"protocol\":1", "\"protocol\":7"), "protocol 7"),
            (&INIT.replace("[300,1200,4000]", "[]"), "bitrates_kbps"),
            (&INIT.replace("[300,1200,4000]", "[300,200]"), "ascend"),
            (&INIT.replace("\"chunk_s\":4", "\"chunk_s\":0"), "chunk_s"),
            (&INIT.replace("\"live\":false", "\"live\":true"), "target_latency_s"),
            (&decide(1, -1.0, "null"), "buffer_s"),
        ];
        for (message, part) in bad {
            let error = responder.answer(message).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains('\n'), "{message}: {error}");
        }
        assert_eq!(responder.answer(&decide(0, 0.0, "null")).unwrap(), r#"{"level":0}"#);
        let long = " ".repeat(MAX_MESSAGE + 1);
        assert!(matches!(responder.answer(&long), Err(ProtocolError::TooLong)));
    }

    /// Answers the top rung, waits, gives up for rung 1, and keeps what it hears as text.
    struct Listening(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

    impl Listening {
        fn hear(&self, text: String) {
            self.0.lock().unwrap().push(text);
        }
    }

    impl Rule for Listening {
        fn name(&self) -> &'static str {
            "listening"
        }

        fn select(&mut self, context: &Context<'_>) -> crate::Decision {
            let Context { now, last, phase, buffer, buffer_goal, segment_duration, .. } = context;
            let Context { next_sizes, next_quality, objective, segments_left, latency, .. } = context;
            let rates: Vec<u64> = context.rungs.iter().map(|rung| rung.bitrate_bps).collect();
            self.hear(format!(
                "{now:?} {last:?} {phase:?} {buffer:?} of {buffer_goal:?}, {rates:?} x {segment_duration:?}"
            ));
            self.hear(format!("{next_sizes:?} {next_quality:?} {objective:?} {segments_left:?} {latency:?}"));
            let wait = Some(Duration::from_millis(250));
            crate::Decision { wait, ..crate::Decision::new(2, crate::Reason::Fixed) }
        }

        fn on_transfer(&mut self, transfer: &Transfer) {
            let Transfer { at, bytes, ttfb, duration, cached, concurrent, others } = transfer;
            assert_eq!(*others, 0, "one transfer at a time");
            self.hear(format!("{bytes} bytes in {duration:?} after {ttfb:?} at {at:?} {cached} {concurrent}"));
        }

        fn on_progress(&mut self, in_flight: &InFlight, context: &Context<'_>) -> Verdict {
            assert_eq!((context.now, context.buffer), (in_flight.now, in_flight.buffer));
            let InFlight { now, rung, size, received, elapsed, ttfb, buffer, segment_duration, others } = in_flight;
            assert_eq!(*others, 0);
            self.hear(format!("{rung} {received} of {size:?} in {elapsed:?} {ttfb:?} at {now:?}"));
            self.hear(format!("{buffer:?} x {segment_duration:?}, {:?} {:?}", context.last, context.phase));
            Verdict::AbandonTo(1)
        }

        fn estimate_bps(&self) -> Option<u64> {
            None
        }
    }

    /// Returns the news that a rule gets from `messages`, and the answers to them.
    fn exchange(messages: &[&str]) -> (Vec<String>, Vec<String>) {
        let words = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let shared = std::sync::Arc::clone(&words);
        let mut responder = Responder::new(move || Box::new(Listening(std::sync::Arc::clone(&shared))));
        let answers = messages.iter().map(|message| responder.answer(message).unwrap()).collect();
        let words = words.lock().unwrap().clone();
        (words, answers)
    }

    #[test]
    fn every_field_reaches_the_rule() {
        let init = r#"{"type":"init","protocol":1,"bitrates_kbps":[300,1200.5,4000],"chunk_s":4,"n_chunks":50,"max_buffer_s":25,"live":true,"target_latency_s":6,"metric":"vq"}"#;
        let first = r#"{"type":"decide","chunk":0,"buffer_s":0,"now_s":0.5,"last_level":null,"latency_s":null,"last":null,"next_sizes_bytes":null,"next_quality":null,"chunks_left":50}"#;
        let next = r#"{"type":"decide","chunk":1,"buffer_s":3.5,"now_s":2,"last_level":2,"latency_s":7.25,"last":{"bytes":1000.9,"duration_s":1.5,"ttfb_s":0.25,"start_s":0.5},"next_sizes_bytes":[[1,2,3],[4,5,6]],"next_quality":[[10,20,30]],"chunks_left":49}"#;
        let progress = r#"{"type":"progress","chunk":1,"level":2,"size_bytes":9000,"got_bytes":GOT,"elapsed_s":1.5,"ttfb_s":0.125,"buffer_s":BUFFER}"#;
        let silent = progress.replace("GOT", "0").replace("BUFFER", "0");
        let begun = progress.replace("GOT", "1").replace("BUFFER", "2");
        let (words, answers) = exchange(&[init, first, next, next, &silent, &begun]);
        let decided = [
            "2s Some(2) Steady 3.5s of 25s, [300000, 1200500, 4000000] x 4s",
            "Some([1, 2, 3, 4, 5, 6]) Some([10.0, 20.0, 30.0]) Perceptual Some(49) Some(Live { latency: 7.25s, target: 6s })",
        ];
        let wanted = [
            "500ms None StartUp 0ns of 25s, [300000, 1200500, 4000000] x 4s",
            "None None Perceptual Some(50) None",
            // Once, though it is repeated.
            "1000 bytes in 1.25s after 250ms at 2s false 1",
            decided[0],
            decided[1],
            decided[0],
            decided[1],
            // The transfer begins after the wait.
            "2 0 of Some(9000) in 1.5s None at 3.75s",
            "0ns x 4s, Some(2) Rebuffering",
            "2 1 of Some(9000) in 1.5s Some(125ms) at 3.75s",
            "2s x 4s, Some(2) Steady",
        ];
        assert_eq!(words, wanted);
        let decide = r#"{"level":2,"wait_s":0.25}"#;
        let abandon = r#"{"abandon_to":1}"#;
        assert_eq!(answers, [r#"{"progress":true,"lookahead":10}"#, decide, decide, decide, abandon, abandon]);
    }

    #[test]
    fn what_is_left_out_has_defaults() {
        let init = r#"{"type":"init","protocol":1,"bitrates_kbps":[300],"chunk_s":2}"#;
        let decide = r#"{"type":"decide","chunk":3,"buffer_s":0,"now_s":9,"last_level":1,"latency_s":-3}"#;
        let (words, _) = exchange(&[init, decide]);
        assert_eq!(words, ["9s None Rebuffering 0ns of 30s, [300000] x 2s", "None None Linear None None"]);
        let live =
            init.replace("\"chunk_s\":2", "\"chunk_s\":2,\"live\":true,\"target_latency_s\":5,\"metric\":\"log\"");
        let (words, _) = exchange(&[&live, decide]);
        let latency = "Some(Live { latency: 0ns, target: 5s })";
        assert_eq!(words[0], "9s None Rebuffering 0ns of 5s, [300000] x 2s");
        assert_eq!(words[1], format!("None None Logarithmic None {latency}"));
    }

    #[test]
    fn limits_are_within_them() {
        let init = |rates: &str| {
            let init = INIT.replace("[300,1200,4000]", &format!("[{rates}]"));
            Responder::new(crate::default_rule).answer(&init).is_ok()
        };
        let many = |count| vec!["1"; count].join(",");
        assert_eq!([MAX_RUNGS, MAX_RUNGS + 1].map(|count| init(&many(count))), [true, false]);
        assert_eq!(["1e9", "1000000001", "0", "0.001", "-1"].map(init), [true, false, false, true, false]);
        let mut responder = started();
        let question = decide(0, 0.0, "null");
        let padded = |length: usize| format!("{question}{}", " ".repeat(length - question.len()));
        assert!(responder.answer(&padded(MAX_MESSAGE)).is_ok());
        assert!(matches!(responder.answer(&padded(MAX_MESSAGE + 1)), Err(ProtocolError::TooLong)));
        let got = |bytes: &str| {
            let progress = r#"{"type":"progress","chunk":1,"level":2,"size_bytes":9000,"got_bytes":GOT,"elapsed_s":1,"ttfb_s":0,"buffer_s":0}"#;
            started().answer(&progress.replace("GOT", bytes)).is_ok()
        };
        assert_eq!(["0", "7.5", "-0.1", "1e300"].map(got), [true, true, false, true]);
    }
}
