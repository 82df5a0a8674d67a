//! Files of media for edges. A manifest for devices with limits is made from the full one when an edge asks, which keeps it as it
//! keeps every manifest.

use std::fs::File;
use std::io::{self, Read as _};

use axum::http::{HeaderMap, Method};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kinora_api::ErrorCode;
use kinora_kit::address::is_manifest;
use kinora_kit::filter::ManifestFilter;
use kinora_kit::http::file;
use kinora_kit::http::path::SafePath;
use kinora_kit::http::problem::Problem;
use kinora_media::filter::{FilterError, MAX_MANIFEST, apply};
use sha2::{Digest as _, Sha256};

use crate::Catalogue;

/// Answers a request of an edge.
///
/// # Errors
/// 404 if there is no such file, or nothing is left of a manifest behind a filter; 500 if it cannot be read.
pub(crate) async fn serve(
    catalogue: &Catalogue,
    (method, headers): (&Method, &HeaderMap),
    path: SafePath,
) -> Result<Response, Problem> {
    if let Some(filtered) = ManifestFilter::split(path.file_name()) {
        return serve_filtered(catalogue, (method, headers), &path, filtered).await;
    }
    let name = path.to_path_buf();
    let (opened, is_versioned) = match catalogue.open_file(path).await {
        Ok(opened) => (Ok(tokio::fs::File::from_std(opened.file)), opened.is_versioned),
        Err(error) => (Err(error), false),
    };
    let lasting = lasting(is_versioned, is_manifest(&name.to_string_lossy()));
    file::serve_open(method, headers, opened, &name, lasting).await
}

/// Returns the time for which edges may keep a file.
fn lasting(is_versioned: bool, is_manifest: bool) -> &'static str {
    match (is_versioned, is_manifest) {
        (true, false) => "public, max-age=31536000, immutable",
        (true, true) => "public, max-age=1",
        // Another version may lie there at any time.
        (false, _) => "public, no-cache",
    }
}

async fn serve_filtered(
    catalogue: &Catalogue,
    (method, headers): (&Method, &HeaderMap),
    path: &SafePath,
    (manifest, filter): (String, ManifestFilter),
) -> Result<Response, Problem> {
    let not_there = || Problem::new(ErrorCode::NotFound, "there is no such file");
    let full = path.with_file_name(&manifest).ok_or_else(not_there)?;
    let opened = catalogue.open_file(full).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => not_there(),
        _ => Problem::internal(&error),
    })?;
    let (opened, is_versioned) = (opened.file, opened.is_versioned);
    let filtered = tokio::task::spawn_blocking(move || read(opened, &manifest, &filter)).await;
    let text = match filtered.map_err(|error| Problem::internal(&error))? {
        Ok(text) => text,
        Err(Unfiltered::Refused(FilterError::NothingLeft | FilterError::Unreadable)) => return Err(not_there()),
        Err(error) => return Err(Problem::internal(&error)),
    };
    // The time of the full manifest does not change when the manner of filtering does.
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(text.as_bytes())[..12]));
    let cache = lasting(is_versioned, true);
    Ok(file::serve_bytes(method, headers, (text.into(), etag), &path.to_path_buf(), cache))
}

/// Reason why there is no filtered manifest.
#[derive(Debug, thiserror::Error)]
enum Unfiltered {
    #[error("the manifest cannot be read: {0}")]
    File(#[from] io::Error),
    #[error(transparent)]
    Refused(#[from] FilterError),
}

fn read(file: File, manifest: &str, filter: &ManifestFilter) -> Result<String, Unfiltered> {
    let mut text = String::new();
    file.take(MAX_MANIFEST as u64 + 1).read_to_string(&mut text)?;
    Ok(apply(manifest, &text, filter)?)
}
