//! What is counted: the counters of a session, and how the decoder keeps up. Only this folder changes them.

mod counters;
mod decoder_health;

pub(super) use counters::{Ledger, PlayheadSample};
pub(super) use decoder_health::DecoderHealth;
