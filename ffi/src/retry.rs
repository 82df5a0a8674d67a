//! The request that playback waits for, for C.

use std::ffi::{CStr, CString, c_char};
use std::time::Duration;

use player_core::error::Stage;
use player_core::{Now, PendingRetry};

use crate::boundary::{c_string, give, guarded, shared};
use crate::sized::{Out, sized};
use crate::snapshot::kinora_snapshot;

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

    fn fill(&self, out: Out<kinora_pending_retry>) {
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

/// Reads the failed request that playback depends on most. `*found` is 1, or 0 while nothing is being tried again;
/// `*out` is then as it was.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `snapshot` is a live snapshot; `out` is valid for `out->struct_size` bytes; `found` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_snapshot_pending_retry(
    snapshot: *const kinora_snapshot,
    out: *mut kinora_pending_retry,
    found: *mut u32,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let (snapshot, out) = unsafe { (shared(snapshot, "snapshot")?, Out::new(out, "out")?) };
        let retry = snapshot.retry();
        // SAFETY: the caller's promise.
        unsafe { give(found, u32::from(retry.is_some()), "found") }?;
        if let Some(retry) = retry {
            retry.fill(out);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use player_core::error::{ErrorCode, PlayerError};
    use player_core::{MediaTime, Snapshot};

    use super::*;

    fn at(seconds: u64) -> Now {
        Now::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_host_reads_what_it_waits_for() {
        let retry = PendingRetry {
            stage: Stage::Segment,
            host: "http://h:80".to_owned(),
            error: PlayerError::warning(ErrorCode::NetworkUnreachable, "refused"),
            attempt: 3,
            next_attempt_at: at(12),
            gives_up_at: at(40),
        };
        let snapshot = |retry| Arc::new(Snapshot { pending_retry: retry, ..Snapshot::default() });
        let waits = kinora_snapshot::new(snapshot(Some(retry.clone())), MediaTime::ZERO, at(10));
        let runs = kinora_snapshot::new(snapshot(Some(retry)), MediaTime::ZERO, at(15));
        let plays = kinora_snapshot::new(snapshot(None), MediaTime::ZERO, at(10));
        let ask = |snapshot: &kinora_snapshot| {
            let mut out = std::mem::MaybeUninit::<kinora_pending_retry>::zeroed();
            let mut found = 9;
            // SAFETY: everything lives on this stack; zero is a value of each field, and the size is set first.
            let (code, out) = unsafe {
                out.as_mut_ptr().cast::<usize>().write(size_of::<kinora_pending_retry>());
                let code =
                    kinora_snapshot_pending_retry(std::ptr::from_ref(snapshot), out.as_mut_ptr(), &raw mut found);
                (code, out.assume_init())
            };
            assert_eq!(code, 0);
            (found, out)
        };
        let second = 1_000_000_000;
        let (found, out) = ask(&waits);
        // SAFETY: the strings live as long as the snapshot.
        let texts = unsafe { [out.stage, out.host, out.message].map(|text| CStr::from_ptr(text).to_bytes().to_vec()) };
        assert_eq!((found, texts), (1, [b"segment".to_vec(), b"http://h:80".to_vec(), b"refused".to_vec()]));
        assert_eq!((out.error, out.attempt), (u32::from(ErrorCode::NetworkUnreachable.number()), 3));
        assert_eq!((out.next_attempt_ns, out.gives_up_ns), (2 * second, 30 * second));
        let (found, out) = ask(&runs);
        assert_eq!((found, out.next_attempt_ns, out.gives_up_ns), (1, 0, 25 * second));
        assert_eq!(ask(&plays).0, 0);
    }
}
