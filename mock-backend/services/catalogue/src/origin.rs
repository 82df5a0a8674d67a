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
use kinora_media::Content;
use kinora_media::filter::{FilterError, MAX_MANIFEST, apply};
use kinora_media::versions::Opened;
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
    let is_manifest = is_manifest(&name.to_string_lossy());
    let (opened, is_versioned) = match catalogue.open_file(path).await {
        Ok(Opened { content: Content::Made(made), is_versioned }) => {
            let lasting = lasting(is_versioned, is_manifest);
            return Ok(file::serve_bytes(method, headers, (made.bytes.into(), made.etag), &name, lasting));
        }
        Ok(Opened { content: Content::File(file), is_versioned }) => {
            (Ok(tokio::fs::File::from_std(file)), is_versioned)
        }
        Err(error) => (Err(error), false),
    };
    let lasting = lasting(is_versioned, is_manifest);
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
    let Opened { content: Content::File(opened), is_versioned } = opened else { return Err(not_there()) };
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::fs;
    use std::path::Path;

    use axum::body::{Bytes, to_bytes};
    use axum::http::{HeaderName, HeaderValue, StatusCode, header};
    use kinora_kit::signature::EdgeSecret;

    use super::*;
    use crate::pictures::PictureKeys;

    /// A segment of one fragment with number 1 and time 0, and media of 5 bytes.
    fn segment() -> Vec<u8> {
        let boxed = |kind: &[u8; 4], body: &[u8]| [&(body.len() as u32 + 8).to_be_bytes(), &kind[..], body].concat();
        let number = boxed(b"mfhd", &[0, 0, 0, 0, 0, 0, 0, 1]);
        let track = boxed(b"traf", &boxed(b"tfdt", &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        [boxed(b"moof", &[number, track].concat()), boxed(b"mdat", b"media")].concat()
    }

    /// A title of two segments that are one, twice.
    fn write(data: &Path) {
        let rung = data.join("media/film/video/240p");
        fs::create_dir_all(&rung).unwrap();
        fs::write(rung.join("part-00001.m4s"), segment()).unwrap();
        let record = serde_json::json!({
            "id": "film", "title": "Film", "duration_ms": 4000, "frames": 96, "frame_rate": { "num": 24, "den": 1 },
            "rungs": [], "audio": [], "text": [], "files": kinora_media::Files::default(), "media_bytes": 1,
            "loop": { "segment_ticks": 700, "scenes": [{ "segments": 1, "times": 2 }] }, "created": "2026-01-01T00:00:00Z",
        });
        fs::write(data.join("media/film/title.json"), record.to_string()).unwrap();
    }

    async fn ask(
        data: &Path,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
    ) -> Result<(StatusCode, HeaderMap, Bytes), Problem> {
        let keys = PictureKeys::new(&EdgeSecret::new("0123456789abcdef").unwrap());
        let catalogue = Catalogue::open(data, keys, None, kinora_kit::clock::Clock::default()).unwrap();
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect();
        let response = serve(&catalogue, (&method, &headers), SafePath::parse(path).unwrap()).await?;
        let (parts, body) = response.into_parts();
        Ok((parts.status, parts.headers, to_bytes(body, 1 << 20).await.unwrap()))
    }

    #[tokio::test]
    async fn a_segment_that_is_made_is_served_as_a_file_is() {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        write(data);
        let second = "film/v1767225600000/video/240p/seg-00002.m4s";
        let (status, headers, body) = ask(data, Method::GET, second, &[]).await.unwrap();
        assert_eq!((status, body.len()), (StatusCode::OK, segment().len()));
        assert_eq!(headers[header::CONTENT_LENGTH], body.len().to_string());
        assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        let time = body.windows(4).position(|bytes| bytes == b"tfdt").unwrap() + 8;
        assert_eq!(body[time..time + 8], 700_u64.to_be_bytes());
        let tag = headers[header::ETAG].to_str().unwrap().to_owned();
        assert!(tag.starts_with('"'), "{tag} is strong");

        // Another process gives the same.
        let (status, again, nothing) = ask(data, Method::HEAD, second, &[]).await.unwrap();
        assert_eq!((status, nothing.len()), (StatusCode::OK, 0));
        assert_eq!(
            (&again[header::ETAG], &again[header::CONTENT_LENGTH]),
            (&headers[header::ETAG], &headers[header::CONTENT_LENGTH])
        );
        let (status, _, nothing) = ask(data, Method::GET, second, &[(header::IF_NONE_MATCH, &tag)]).await.unwrap();
        assert_eq!((status, nothing.len()), (StatusCode::NOT_MODIFIED, 0));
        let range = [(header::RANGE, "bytes=-5"), (header::IF_RANGE, tag.as_str())];
        let (status, headers, end) = ask(data, Method::GET, second, &range).await.unwrap();
        assert_eq!((status, &end[..]), (StatusCode::PARTIAL_CONTENT, &b"media"[..]));
        assert_eq!(
            headers[header::CONTENT_RANGE],
            format!("bytes {}-{}/{}", body.len() - 5, body.len() - 1, body.len())
        );
        let first = "film/v1767225600000/video/240p/seg-00001.m4s";
        let (_, headers, _) = ask(data, Method::GET, first, &[]).await.unwrap();
        assert_ne!(headers[header::ETAG], tag.as_str(), "each segment has a tag of its own");
        for absent in ["seg-00003.m4s", "seg-00000.m4s", "seg-2.m4s"] {
            let problem = ask(data, Method::GET, &format!("film/video/240p/{absent}"), &[]).await.unwrap_err();
            assert_eq!(problem.error().name, "not_found", "{absent}");
        }
    }
}
