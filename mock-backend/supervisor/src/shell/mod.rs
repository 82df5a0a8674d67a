//! The shell around the fleet: processes, probes over HTTP, files and the control socket. It carries out what the fleet decides, and
//! decides nothing itself.

mod children;
pub mod control;
mod folder;
mod output;
mod probe;
mod run;
mod setup;
mod sockets;
mod spawner;

pub use self::run::{Ready, Running, start};
pub use self::setup::{Setup, StartError};
