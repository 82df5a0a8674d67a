//! The fault plan of a virtual world: that of [`kinora_faults`], which the edge obeys too.

use kinora_faults::RequestKind;
pub use kinora_faults::{Effect, Fault, FaultPlan};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::engine::io::{FetchId, FetchKind, FetchRequest};
use crate::model::ByteRange;
use crate::time::Now;

/// A fault that fired for a request. A request that several faults strike has one for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiredFault {
    /// Time of the request on the virtual clock.
    pub at: Now,
    /// Name of the fault in its plan.
    pub fault: String,
    /// Request that it struck.
    pub request: FetchId,
    /// Purpose of that request.
    pub kind: FetchKind,
    /// Address of that request.
    pub url: Url,
    /// Part of the file that was asked for; `None` is all of it.
    pub range: Option<ByteRange>,
}

impl FiredFault {
    /// Notes that the fault of this name fired for a request.
    pub(super) fn new(fault: String, request: &FetchRequest, at: Now) -> Self {
        Self { at, fault, request: request.id, kind: request.kind, url: request.url.clone(), range: request.range }
    }
}

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
