//! The fault plan of a virtual world: that of [`kinora_faults`], which the edge obeys too.

use kinora_faults::RequestKind;
pub use kinora_faults::{Effect, Fault, FaultPlan};

use crate::engine::io::FetchKind;

impl From<FetchKind> for RequestKind {
    fn from(kind: FetchKind) -> Self {
        match kind {
            FetchKind::Manifest => Self::Manifest,
            FetchKind::Index => Self::Index,
            FetchKind::Init => Self::Init,
            FetchKind::Segment => Self::Segment,
            FetchKind::Text => Self::Text,
            FetchKind::Key => Self::Key,
        }
    }
}
