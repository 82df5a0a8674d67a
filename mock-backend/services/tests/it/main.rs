//! Integration tests of the backend over real loopback sockets, one binary for all. One module for each behaviour.

#![expect(clippy::unwrap_used, reason = "tests")]

mod accounts;
mod apart;
mod bounds;
mod description;
mod events;
mod filters;
mod grants;
mod migrate;
mod positions;
mod postgres;
mod recommended;
mod revocation;
mod risk;
mod search;
mod series;
mod sign_in;
mod split;
mod versions;
mod viewing;
