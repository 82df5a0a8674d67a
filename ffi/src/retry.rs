//! The request that playback waits for, for C.

use std::ffi::{CStr, CString, c_char};
use std::time::Duration;

use player_core::error::Stage;
use player_core::{Now, PendingRetry};

use crate::sized::{Out, sized};
use crate::strings::c_string;

/// A request that failed and is tried again, so that a host can show the reason for a wait. Strings live as long as the
/// snapshot.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kinora_pending_retry {
    /// Set it to the size of this structure as you compiled it, before the call.
    pub struct_size: usize,
    /// Purpose of the request: "manifest", "index", "init", "segment", "text" or "licence"; later versions may have more.
    pub stage: *const c_char,
    /// Scheme, host and port of the server that failed.
    pub host: *const c_char,
    /// Code of the latest attempt's error.
    pub error: u32,
    /// Attempts that have failed so far, at least 1.
    pub attempt: u32,
    /// Sentence of the latest attempt's error.
    pub message: *const c_char,
    /// Time from the snapshot to the next attempt; 0 while the attempt is running.
    pub next_attempt_ns: i64,
    /// Time from the snapshot to the moment when the player gives up if every attempt fails as the latest did.
    pub gives_up_ns: i64,
}

sized!(kinora_pending_retry, { struct_size, stage, host, error, attempt, message, next_attempt_ns, gives_up_ns });

/// A pending retry as it was when a snapshot was taken.
pub struct RetryView {
    stage: &'static CStr,
    host: CString,
    error: u32,
    message: CString,
    attempt: u32,
    next_attempt: Duration,
    gives_up: Duration,
}

impl RetryView {
    /// Makes the view at `now`.
    pub fn new(retry: &PendingRetry, now: Now) -> Self {
        Self {
            stage: stage(retry.stage),
            host: c_string(&retry.host),
            error: u32::from(retry.error.code.number()),
            message: c_string(&retry.error.message),
            attempt: retry.attempt,
            next_attempt: retry.next_attempt_at.since(now),
            gives_up: retry.gives_up_at.since(now),
        }
    }

    /// Writes the request into the structure of a caller.
    pub fn fill(&self, out: Out<kinora_pending_retry>) {
        let nanos = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        out.fill(&kinora_pending_retry {
            struct_size: size_of::<kinora_pending_retry>(),
            stage: self.stage.as_ptr(),
            host: self.host.as_ptr(),
            error: self.error,
            attempt: self.attempt,
            message: self.message.as_ptr(),
            next_attempt_ns: nanos(self.next_attempt),
            gives_up_ns: nanos(self.gives_up),
        });
    }
}

const fn stage(stage: Stage) -> &'static CStr {
    match stage {
        Stage::Manifest => c"manifest",
        Stage::Index => c"index",
        Stage::Init => c"init",
        Stage::Segment => c"segment",
        Stage::Text => c"text",
        Stage::Licence => c"licence",
        Stage::Render => c"render",
        Stage::Command => c"command",
    }
}
