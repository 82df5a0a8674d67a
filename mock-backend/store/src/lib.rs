//! The store of a service: SQLite or PostgreSQL behind one interface.
//!
//! * [`location`] — from a URL to the file, memory or schema of each service; [`schema`] — the steps of its tables;
//! * [`open`](mod@open) — migrations, readers, the writer; [`failure`] — errors as answers;
//! * [`connection`], [`query`](mod@query) — statements, written once for both; `dialect` is the one place for what differs;
//! * [`writer`] — the one task that writes, in groups;
//! * [`events`] — what goes into the event log;
//! * [`outbox`], [`pruning`], [`state`] — events of a transaction, rows that are of no use any more, counters;
//! * [`copy`] — from SQLite into PostgreSQL.

#![warn(missing_docs)]

pub mod connection;
pub mod copy;
mod dialect;
pub mod events;
pub mod failure;
pub mod location;
pub mod open;
pub mod outbox;
pub mod pruning;
pub mod query;
pub mod schema;
pub mod state;
pub mod writer;

pub use connection::{Connection, Reads};
pub use failure::{WriteError, problem};
pub use location::Location;
pub use open::{Store, open};
pub use query::query;
pub use schema::{Migration, Schema, StoreError};
pub use sqlx::Error;
pub use writer::Outcome;

/// A future that can be sent between threads, as jobs of the writer return it.
pub type BoxFuture<'a, T> = futures_util::future::BoxFuture<'a, T>;
