//! Files of the disk as responses: range, conditions, 256 KiB at a time.

use std::collections::VecDeque;
use std::io::{self, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use axum::body::Body;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Response};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream;
use kinora_api::ErrorCode;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::conditional::Validators;
use super::problem::Problem;
use super::reply::{Part, Reply, Representation};

/// Bytes read and sent at a time: large enough that the cost of a call disappears, small enough for a thousand viewers.
pub const CHUNK: usize = 256 * 1024;

/// Answers a `GET` or `HEAD` with the file at `path`, which the caller has made sure lies where it may.
///
/// # Errors
/// 404 when there is no such file, 500 when it cannot be read.
pub async fn serve(
    method: &Method,
    request: &HeaderMap,
    path: &Path,
    cache_control: &str,
) -> Result<Response, Problem> {
    serve_open(method, request, File::open(path).await, path, cache_control).await
}

/// Answers a `GET` or `HEAD` with a file that was opened, or says why it was not. `path` gives its media type.
///
/// # Errors
/// 404 when there is no such file, 500 when it cannot be read.
pub async fn serve_open(
    method: &Method,
    request: &HeaderMap,
    opened: io::Result<File>,
    path: &Path,
    cache_control: &str,
) -> Result<Response, Problem> {
    let not_found = || Problem::new(ErrorCode::NotFound, "there is no such file");
    let file = opened.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => not_found(),
        _ => Problem::internal(&error),
    })?;
    let metadata = file.metadata().await.map_err(|error| Problem::internal(&error))?;
    if !metadata.is_file() {
        return Err(not_found());
    }
    let what = Representation {
        length: Some(metadata.len()),
        content_type: content_type(path).to_owned(),
        validators: Validators {
            etag: Some(format!("\"{:x}-{:x}-{:x}\"", metadata.len(), metadata.mtime(), metadata.mtime_nsec())),
            last_modified: Some(metadata.mtime()),
        },
        cache_control: cache_control.to_owned(),
    };
    Ok(match Reply::to(method, request, &what) {
        Err(unsent) => unsent.into_response(),
        Ok(reply) => {
            let body = body(file, reply.parts);
            let mut response = Response::new(body);
            *response.status_mut() = reply.status;
            *response.headers_mut() = reply.headers;
            response
        }
    })
}

/// Answers a `GET` or `HEAD` with bytes that are in memory. `path` gives their media type, `etag` their state.
pub fn serve_bytes(
    method: &Method,
    request: &HeaderMap,
    (bytes, etag): (Bytes, String),
    path: &Path,
    cache_control: &str,
) -> Response {
    let what = Representation {
        length: Some(bytes.len() as u64),
        content_type: content_type(path).to_owned(),
        validators: Validators { etag: Some(etag), last_modified: None },
        cache_control: cache_control.to_owned(),
    };
    let reply = match Reply::to(method, request, &what) {
        Err(unsent) => return unsent.into_response(),
        Ok(reply) => reply,
    };
    let mut body = BytesMut::new();
    for part in reply.parts {
        match part {
            Part::Literal(literal) => body.extend_from_slice(&literal),
            Part::Everything => body.extend_from_slice(&bytes),
            Part::Span(span) => {
                let at = |position: u64| usize::try_from(position).unwrap_or(usize::MAX).min(bytes.len());
                body.extend_from_slice(&bytes[at(span.first)..at(span.last.saturating_add(1))]);
            }
        }
    }
    let mut response = Response::new(Body::from(body.freeze()));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}

fn body(mut file: File, parts: Vec<Part>) -> Body {
    if parts.is_empty() {
        return Body::empty();
    }
    file.set_max_buf_size(CHUNK);
    let cursor = Cursor { file, parts: parts.into(), left: 0 };
    Body::from_stream(stream::try_unfold(cursor, |mut cursor| async move {
        Ok::<_, io::Error>(cursor.next().await?.map(|bytes| (bytes, cursor)))
    }))
}

/// Reads the parts of one response one after the other.
struct Cursor {
    file: File,
    parts: VecDeque<Part>,
    /// Bytes still to be read where the file stands.
    left: u64,
}

impl Cursor {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while self.left == 0 {
            match self.parts.pop_front() {
                None => return Ok(None),
                Some(Part::Literal(bytes)) => return Ok(Some(bytes)),
                Some(Part::Span(span)) => {
                    self.file.seek(SeekFrom::Start(span.first)).await?;
                    self.left = span.length();
                }
                Some(Part::Everything) => return Err(io::Error::other("the length of a file is known")),
            }
        }
        let want = usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK);
        let mut chunk = BytesMut::with_capacity(want).limit(want);
        let got = self.file.read_buf(&mut chunk).await?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= got as u64;
        Ok(Some(chunk.into_inner().freeze()))
    }
}

/// The media type of a file of the catalogue, by its extension.
pub fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("m3u8") => "application/vnd.apple.mpegurl",
        Some("mpd") => "application/dash+xml",
        Some("mpp") => "application/dash-patch+xml",
        Some("m4s") => "video/iso.segment",
        Some("mp4" | "cmfv" | "m4v") => "video/mp4",
        Some("m4a" | "cmfa") => "audio/mp4",
        Some("ts") => "video/mp2t",
        Some("aac") => "audio/aac",
        Some("vtt") => "text/vtt; charset=utf-8",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}
