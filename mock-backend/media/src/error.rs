//! What can go wrong while a file is packaged, one variant for each thing that a person would do differently.

use std::io;
use std::path::{Path, PathBuf};

use super::ladder::LadderError;

/// Why a title was not made. Nothing of it is left on disk when this is returned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The input path does not name a file that can be opened.
    #[error("cannot open {}", path.display())]
    Input {
        /// The path as given.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is not a media file that ffmpeg understands.
    #[error("{} is not a media file that can be read: {detail}", path.display())]
    NotMedia {
        /// The path as given.
        path: PathBuf,
        /// The last useful line of ffprobe.
        detail: String,
    },
    /// There is sound or text in the file but no moving picture.
    #[error("{} has no video stream", path.display())]
    NoVideo {
        /// The path as given.
        path: PathBuf,
    },
    /// The input needs something that the packager does not do.
    #[error("not supported: {feature}")]
    Unsupported {
        /// The feature, in words.
        feature: String,
    },
    /// The file ends long before the duration that its header declares.
    #[error("the input is cut short: it declares {declared_ms} ms and only {decoded_ms} ms could be decoded")]
    Truncated {
        /// Duration in the header, milliseconds.
        declared_ms: u64,
        /// Duration of what could be decoded, milliseconds.
        decoded_ms: u64,
    },
    /// `ffmpeg` or `ffprobe` is not installed or cannot be started.
    #[error("cannot run {tool}: {source} (install the package `ffmpeg`)")]
    Tool {
        /// The program.
        tool: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// A child was ended because it exceeded a limit.
    #[error("{tool} was ended: it needed more than {limit}")]
    Limit {
        /// The program.
        tool: &'static str,
        /// The limit, in words.
        limit: String,
    },
    /// ffmpeg gave up while it encoded.
    #[error("encoding failed: {detail}")]
    Encode {
        /// The last useful line of ffmpeg.
        detail: String,
    },
    /// What ffmpeg wrote is not what was asked for, for instance rungs that are not aligned.
    #[error("the encoder's output cannot be packaged: {detail}")]
    Output {
        /// What was wrong with it.
        detail: String,
    },
    /// A manifest has a value that its format cannot hold.
    #[error("a manifest cannot be written: {0}")]
    Manifest(#[from] kinora_manifests::ManifestError),
    /// The bitrate ladder makes no sense.
    #[error(transparent)]
    Ladder(#[from] LadderError),
    /// The title id cannot be used as a directory name.
    #[error("{id:?} is not a title id: use lower-case letters, digits and single dashes")]
    BadId {
        /// The id as given.
        id: String,
    },
    /// A file of the title could not be written or read back.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The caller raised its [`Cancel`](super::Cancel) flag.
    #[error("cancelled")]
    Cancelled,
}

impl IngestError {
    /// For `map_err`: an I/O failure that names the file.
    pub(super) fn io(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.as_ref().to_owned(), source }
    }

    /// An encoder output that breaks an expectation.
    pub(super) fn output(detail: impl Into<String>) -> Self {
        Self::Output { detail: detail.into() }
    }
}
