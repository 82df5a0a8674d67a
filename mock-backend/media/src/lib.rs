//! The packager and the demo catalogue: any video file in, CMAF segments with HLS and DASH manifests out.
//!
//! Encoding and decoding are done by `ffmpeg` and `ffprobe` as child processes; cutting into segments and every manifest is done here.
//! Nothing in this module serves a byte or knows a user: it reads sources and writes directories.
//!
//! # One title on disk
//!
//! ```text
//! DATA/media/<title-id>/
//!   title.json                                      written last: a directory that has it is complete
//!   master.m3u8  manifest.mpd  manifest-number.mpd  all three name the same segment files
//!   poster.jpg
//!   video/<rung>/{init.mp4, seg-00001.m4s…, playlist.m3u8}
//!   audio/<language>/{init.mp4, seg-00001.m4s…, playlist.m3u8}
//!   text/<language>/{full.vtt, seg-00001.vtt…, playlist.m3u8}
//!   thumbs/{sprite-001.jpg…, thumbs.json, thumbs.vtt}
//! ```
//!
//! Every function takes the data directory (`DATA`), never `DATA/media`.
//! A title is built in a hidden directory beside its destination and renamed into place, so a reader never sees half of one. The
//! title that it replaces stays readable under its version for a day ([`versions`]).

#![warn(missing_docs)]

mod about;
mod cancel;
pub mod counter;
pub mod demo;
mod drawn;
mod encode;
mod error;
mod ffmpeg;
pub mod filter;
mod ingest;
mod ladder;
mod language;
pub mod live;
mod looped;
mod made;
mod metadata;
mod package;
mod paint;
pub mod patchwork;
mod probe;
mod progress;
pub mod readers;
mod recipe;
mod record;
mod slug;
mod source;
mod staging;
pub mod versions;

pub use about::{About, AgeRecord, ChapterRecord, Job, Kind, MarksRecord, PartOf, Person, Window};
pub use cancel::Cancel;
pub use drawn::{Drawn, DrawnScene, Still, Words};
pub use encode::POSTER;
pub use error::IngestError;
pub use ingest::{Request, ingest};
pub use ladder::{Ladder, LadderError, Rung};
pub use looped::{Loop, LoopScene};
pub use made::{Content, Made};
pub use metadata::Metadata;
pub use paint::KEY_ART;
pub use probe::Rate;
pub use progress::{Progress, Silent, Stage, Update};
pub use record::{AudioRecord, Files, RungRecord, TextRecord, TitleRecord, media_dir, titles};
pub use source::{Effort, Source, Synthetic};
