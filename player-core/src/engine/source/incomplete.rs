//! A manifest and the parts of it that lie in other files (ISO/IEC 23009-1 §5.5, `xlink:href`).

use bytes::Bytes;
use url::Url;

use crate::manifest::{self, ManifestError, Parsed, PatchableManifest, RemoteElements};

/// A manifest, with the remote parts that were fetched so far.
#[derive(Clone, Debug)]
pub(in crate::engine) struct IncompleteManifest {
    body: Bytes,
    url: Url,
    remotes: RemoteElements,
}

impl IncompleteManifest {
    /// Takes a manifest that was received from `url` after redirects.
    pub(in crate::engine) fn new(body: &Bytes, url: &Url) -> Self {
        Self { body: body.clone(), url: url.clone(), remotes: RemoteElements::default() }
    }

    /// Returns the address of the manifest after redirects.
    pub(in crate::engine) const fn url(&self) -> &Url {
        &self.url
    }

    /// Takes the part at these addresses; `None` if it is unavailable.
    pub(in crate::engine) fn add_remote(&mut self, urls: Vec<Url>, body: Option<&Bytes>) {
        for url in urls {
            self.remotes.insert(url, body.cloned());
        }
    }

    /// Returns the addresses of the parts that are still to be fetched.
    ///
    /// # Errors
    /// A manifest whose format is not recognised, or that cannot be read.
    pub(in crate::engine) fn missing(&self) -> Result<Vec<Url>, ManifestError> {
        manifest::missing(&self.body, &self.url, &self.remotes)
    }

    /// Reads the manifest, and keeps one that names an address of its changes. Parts that are missing by then are left out with a warning.
    ///
    /// # Errors
    /// A manifest that cannot be read.
    pub(in crate::engine) fn read(&self) -> Result<(Parsed, Option<Box<PatchableManifest>>), ManifestError> {
        manifest::parse_kept(&self.body, &self.url, None, &self.remotes)
    }
}
