//! The fault plan: a request goes in, a verdict comes out. No clock, no socket, no randomness but the seed's.
//!
//! Two worlds obey it. The virtual origin of the player's tests applies verdicts to virtual transfers, the edge applies them to
//! sockets. Equal plans that see equal requests in equal order give equal verdicts in both.
//!
//! A plan is TOML, at most 1 MiB and 1,000 rules:
//!
//! ```toml
//! seed = 7
//!
//! [[rule]]
//! name = "third segment is gone once"
//! path = 'video/.*\.m4s$'            # regular expression on the path without its token; absent: every path
//! segments = { from = 3, to = 3 }    # on the last number in the file's name
//! address = "http://one/"            # text that the address contains
//! kind = "segment"                   # manifest, index, init, segment, text or key
//! edge = "a"                         # only on the edge of this name
//! from_ms = 0                        # from this time of the world on
//! until_ms = 60_000                  # before this time; absent: always
//! skip = 0                           # matching requests to let pass first
//! count = 1                          # how often to fire; absent: always
//! each_path = true                   # skip and count go by path instead of by rule
//! probability = 1.0                  # of firing, decided by seed, rule, path and how often the path was asked for
//! exclusive = true                   # takes the request; false is the default of latencies and allowed for them only
//! fault = { type = "status", code = 404 }
//! ```
//!
//! | type of fault | fields | effect |
//! |---|---|---|
//! | `refuse` `unresolved` `no_route` `untrusted` | | no connection: refused, no such name, no route, bad certificate |
//! | `garbled` `silence` | | a head that is not HTTP; no answer at all |
//! | `status` | `code`, `retry_after_ms?` | this status, 400–599, instead |
//! | `latency` | `delay_ms` | a later answer |
//! | `reset` | `after_bytes` or `after_permille` | the connection ends within the body; 0 bytes: before any answer |
//! | `stall` | `after_bytes` or `after_permille`, `stall_ms?` | the body stops for a while or, without `stall_ms`, for good |
//! | `truncate` | `after_bytes` | a complete answer whose body is shorter than the file |
//! | `corrupt` | `from` and `every`, or `from_permille` | changed bytes; the length stays |
//! | `html` `empty` | | a page instead of the file; an empty body |
//! | `redirect` | `host` | a redirect to the same path on another host |
//! | `whole_file` `parts` | `count` | the whole file, or only a part of the range, in answer to a request for a range |
//!
//! An exclusive rule sees the requests that no earlier exclusive rule has taken. Latencies of other rules add up.
//!
//! Where the order of requests is not fixed (several connections), rules with `each_path` or `probability` are: they depend on
//! how often each path was asked for, not on the order between paths.

#![warn(missing_docs)]

mod effect;
mod fault;
mod file;
mod plan;
mod request;

pub use effect::Effect;
pub use fault::Fault;
pub use file::PlanError;
pub use plan::{FaultPlan, Verdict};
pub use request::{Request, RequestKind};
