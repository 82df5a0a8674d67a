//! File descriptors of the process: every connection needs one, and so does every file and every connection to an origin.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that connections do not get: the database, logs, the cache, child processes, the lobby.
const RESERVE: u64 = 192;
/// Maximum number of descriptors that a process asks for. Some systems allow a thousand million, and tables grow with the limit.
const WANTED: u64 = 65_536;

/// Raises the soft limit of open files as far as the system allows, to 65,536 at most. Returns the limit that holds now.
pub fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let soft = limit.current.unwrap_or(WANTED);
    let wanted = limit.maximum.unwrap_or(WANTED).min(WANTED);
    if soft >= wanted {
        return soft;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!(%error, limit = soft, "the limit of open files cannot be raised");
            soft
        }
    }
}

/// Maximum number of connections under a limit of open files: what is left after the reserve, halved, because a connection that is
/// answered from a file or from an origin needs a second descriptor. At least 8.
pub fn connections_within(limit: u64) -> usize {
    usize::try_from(limit.saturating_sub(RESERVE) / 2).unwrap_or(usize::MAX).max(8)
}

#[cfg(test)]
mod tests {
    use super::{connections_within, raise_limit};

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        for (limit, connections) in [(0, 8), (200, 8), (1_024, 416), (65_536, 32_672)] {
            assert_eq!(connections_within(limit), connections, "{limit}");
        }
        assert_eq!(raise_limit(), raise_limit());
    }
}
