//! TTML documents (W3C TTML1, TTML2) as they are used for subtitles: the text profile of IMSC 1.1, EBU-TT-D, SMPTE-TT
//! and the older DFXP, whose namespaces differ.
//!
//! `tree` reads the XML and knows the names, `parameters` the clock and the sizes of the document, `time` and `value`
//! its syntaxes, `style` and `styling` what is said about looks, `region` where text stands, `content` walks the body
//! and resolves times, and `sweep` cuts each paragraph where what it shows changes: cues come out that show at every
//! moment what the intermediate synchronic document of that moment shows (TTML2 §11.3.1.3).
//!
//! Not shown: backgrounds of regions without text, images, `animate`, `audio`, line padding. Ruby text stands in
//! parentheses after its base.

use super::Cue;

mod content;
mod names;
mod parameters;
mod region;
mod style;
mod styling;
mod sweep;
#[cfg(test)]
mod tests;
mod time;
mod tree;
mod value;
#[cfg(test)]
mod values_tests;

/// Content of a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// In document order, by begin within a paragraph, in the document's own time.
    pub cues: Vec<Cue>,
    /// Pictures instead of text (IMSC image profile, SMPTE-TT): how many were passed over.
    pub images: usize,
}

/// Reasons why a document could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TtmlError {
    /// No XML document, or one whose root is not `tt`.
    #[error("the document is not TTML: {0}")]
    NotTtml(String),
    /// The XML is damaged.
    #[error("broken XML at byte {offset}: {message}")]
    Malformed {
        /// Fault of the document.
        message: String,
        /// Offset in the document's UTF-8 form.
        offset: u64,
    },
    /// A limit that protects the player was exceeded.
    #[error("more than {limit} {what}")]
    TooLarge {
        /// Things that are too numerous.
        what: &'static str,
        /// Maximum number of them.
        limit: usize,
    },
    /// All it shows are pictures.
    #[error("subtitles as pictures (IMSC image profile) are not supported")]
    OnlyImages,
}

/// Reads a document in UTF-8, in UTF-16, or in ISO 8859-1 when it declares that.
///
/// Attributes that break their syntax are ignored, as are elements and attributes of other namespaces.
///
/// # Errors
/// When it is not TTML, is damaged, exceeds a limit, or shows nothing but pictures.
pub fn parse(bytes: &[u8]) -> Result<Document, TtmlError> {
    let text = super::encoding::decode_xml(bytes);
    let tree = tree::parse(&text)?;
    let document = content::read(&tree)?;
    if document.cues.is_empty() && document.images > 0 { Err(TtmlError::OnlyImages) } else { Ok(document) }
}

/// True when a file is XML with the root element `tt`, whatever its prefix.
pub fn is_ttml(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(SNIFFED)).unwrap_or_default();
    tree::root_is_tt(&super::encoding::decode_xml(head))
}

/// Bytes in which the root element of a file is looked for: licences stand before it as comments.
const SNIFFED: usize = 64 << 10;
