//! Reasons why a patch of an MPD cannot be applied.

use crate::manifest::ManifestError;

/// Reasons why a patch cannot be applied: the whole manifest is fetched in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// It cannot be read, or the manifest that it makes cannot.
    #[error(transparent)]
    Document(#[from] ManifestError),
    /// It belongs to another manifest, by `@mpdId`.
    #[error("the patch is one of another manifest")]
    Foreign,
    /// It belongs to another state of the manifest, by `@originalPublishTime`.
    #[error("the patch is one of another state of the manifest")]
    Stale,
    /// An address of a node is not of the part of XPath that patches use.
    #[error("the patch has an address that cannot be read: {0}")]
    Selector(String),
    /// An address leads to nothing.
    #[error("the patch changes something that is not there")]
    NoMatch,
    /// An address leads to several nodes.
    #[error("the patch changes one of several things")]
    Ambiguous,
    /// An operation is unknown, or lacks what it needs.
    #[error("the patch has an operation that cannot be carried out: {0}")]
    Operation(String),
    /// A limit that protects the player was exceeded.
    #[error("the patch makes the manifest larger than {0} elements")]
    TooLarge(usize),
}
