//! The clock of this computer.

use std::time::{SystemTime, UNIX_EPOCH};

use kinora_api::UnixMillis;

/// Returns the time in milliseconds since 1970.
pub(super) fn now_ms() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX)
}
