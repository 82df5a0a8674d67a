//! The gateway from outside: in memory, where services are functions and events are counted; over sockets; as a process.

#![expect(clippy::unwrap_used, reason = "tests")]

mod fake;
mod kept;
mod process;
mod protection;
mod repeats;
mod tls;
mod wire;
