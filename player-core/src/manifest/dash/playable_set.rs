//! A set between the document and the model, while its representations are sorted out.

use super::mpd::Set;
use crate::model::{MediaKind, Representation};

/// A set with the representations of it that can be addressed; at least one.
#[derive(Debug)]
pub(super) struct PlayableSet<'p> {
    pub(super) set: &'p Set<'p>,
    pub(super) kind: MediaKind,
    pub(super) representations: Vec<Representation>,
}
