//! A live MPD that is kept as a tree, because it names an address of its changes (ISO/IEC 23009-1 §5.15). A change of
//! the ends of timelines is given as such; any other makes a whole presentation anew.

use url::Url;

use super::live;
use super::patch::{PatchError, Tree};
use super::presentation::present;
use crate::manifest::document::{self, Warnings};
use crate::manifest::xml::{self, Element};
use crate::manifest::{ManifestError, Parsed};
use crate::model::{LiveDescription, TimelineChange};

/// A live MPD to which patches can be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchableManifest {
    tree: Tree,
    base: Url,
}

/// Result of a patch.
#[derive(Clone, Debug, PartialEq)]
pub enum Patched {
    /// Timelines have other ends, and nothing else has changed but what the manifest declares about its growth.
    Timelines {
        /// Their changes.
        changes: Vec<TimelineChange>,
        /// Declarations of the manifest.
        live: Box<LiveDescription>,
    },
    /// The presentation is another one.
    Presentation(Box<Parsed>),
}

impl PatchableManifest {
    /// Keeps a document whose address is `base`, if it names an address of its changes.
    pub(super) fn keep(root: Element, base: &Url) -> Option<Box<Self>> {
        let is_patchable = root.attr("type") == Some("dynamic") && root.first("PatchLocation").is_some();
        is_patchable.then(|| Box::new(Self { tree: Tree::new(root), base: base.clone() }))
    }

    /// Applies a patch.
    ///
    /// # Errors
    /// A patch that does not fit or cannot be read. The manifest must not be used any more then.
    pub fn patch(&mut self, bytes: &[u8]) -> Result<Patched, PatchError> {
        let mut warnings = Warnings::default();
        let text = document::patch_text(bytes, &mut warnings)?;
        let patch = xml::parse_with(&text, super::VERBATIM)?;
        let edits = self.tree.apply(patch)?;
        let Some(changes) = edits.changes(&self.tree.root) else { return Ok(self.whole(warnings)?) };
        let live = Box::new(live::description(&self.tree.root, &self.base, &mut warnings));
        Ok(Patched::Timelines { changes, live })
    }

    /// Reads the whole document as it is now.
    ///
    /// # Errors
    /// As of any manifest.
    pub fn read(&self) -> Result<Parsed, ManifestError> {
        let mut warnings = Warnings::default();
        let presentation = present(&self.tree.root, &self.base, None, &mut warnings)?;
        Ok(Parsed { presentation, warnings: warnings.into_list() })
    }

    fn whole(&self, mut warnings: Warnings) -> Result<Patched, ManifestError> {
        let presentation = present(&self.tree.root, &self.base, None, &mut warnings)?;
        Ok(Patched::Presentation(Box::new(Parsed { presentation, warnings: warnings.into_list() })))
    }
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
