//! Statistics: the counters of a session, and the health of the decoder. Only this folder changes them.

mod counters;
mod decoder_health;
mod latency_log;

pub(super) use counters::{Ledger, PlayheadSample};
pub(super) use decoder_health::DecoderHealth;
