//! Media of live channels for edges, each piece at its time.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream;
use kinora_api::ErrorCode;
use kinora_kit::address::version_of;
use kinora_kit::clock::Clock;
use kinora_kit::filter::ManifestFilter;
use kinora_kit::http::file;
use kinora_kit::http::path::SafePath;
use kinora_kit::http::problem::Problem;
use kinora_media::filter::{FilterError, apply};
use kinora_media::live::{Answer, Asked, LiveChannel, Piece};
use sha2::{Digest as _, Sha256};

/// Time for which edges keep media: longer than it stays in a window, and not for ever.
const MEDIA_LASTS: &str = "public, max-age=3600, immutable";

/// Answers a request of an edge for `<channel>/v<n>/<file>`. What is not there yet is waited for, as long as the channel's answer
/// says.
///
/// # Errors
/// 404 if there is no such file or it belongs to another version, 410 if it has left the window, 425 if it comes later, 400 for a
/// playlist that is too far ahead, 500 if stored media cannot be read.
pub(crate) async fn serve(
    channel: &LiveChannel,
    clock: &Clock,
    (method, headers): (&Method, &HeaderMap),
    (path, query): (&SafePath, Option<&str>),
    edges: &[String],
) -> Result<Response, Problem> {
    let not_there = || Problem::new(ErrorCode::NotFound, "there is no such file");
    let names = path.names().get(1..).unwrap_or_default();
    let (version, file) = names.split_first().ok_or_else(not_there)?;
    if version_of(version) != Some(channel.version()) {
        return Err(not_there());
    }
    let filtered = ManifestFilter::split(path.file_name());
    let mut file = file.to_vec();
    if let (Some((full, _)), Some(last)) = (&filtered, file.last_mut()) {
        last.clone_from(full);
    }
    let name = path.to_path_buf();
    loop {
        let asked = Asked { file: &file, query, now_ms: clock.now_ms(), edges, is_filtered: filtered.is_some() };
        match channel.answer(&asked) {
            Answer::Later(at) => clock.reaches(at).await,
            Answer::Manifest { text, max_age } => {
                let text = match &filtered {
                    Some((full, filter)) => apply(full, &text, filter).map_err(|error| match error {
                        FilterError::NothingLeft => not_there(),
                        error => Problem::internal(&error),
                    })?,
                    None => text,
                };
                let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(text.as_bytes())[..12]));
                let lasts = match max_age {
                    0 => "public, no-cache".to_owned(),
                    seconds => format!("public, max-age={seconds}, must-revalidate"),
                };
                return Ok(file::serve_bytes(method, headers, (text.into(), etag), &name, &lasts));
            }
            Answer::Init(bytes) => {
                let etag = format!("\"{version}\"");
                return Ok(file::serve_bytes(method, headers, (bytes.into(), etag), &name, MEDIA_LASTS));
            }
            Answer::Time(time) => return Ok(uncached(time)),
            Answer::Media(pieces) => return media(channel, clock, (method, headers), path, pieces).await,
            Answer::Absent => return Err(not_there()),
            Answer::Gone => return Err(not_there().with_status(StatusCode::GONE)),
            Answer::Early => {
                let early = Problem::new(ErrorCode::NotFound, "the media is not there yet");
                return Err(early.with_status(StatusCode::TOO_EARLY));
            }
            Answer::Refused(reason) => {
                return Err(Problem::new(ErrorCode::InvalidRequest, reason).with_status(StatusCode::BAD_REQUEST));
            }
            Answer::Failed(reason) => return Err(Problem::internal(&reason)),
        }
    }
}

fn uncached(text: String) -> Response {
    let fields = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (fields, text).into_response()
}

/// Answers with media: at once if all of it is there, otherwise as it comes, without a length.
async fn media(
    channel: &LiveChannel,
    clock: &Clock,
    (method, headers): (&Method, &HeaderMap),
    path: &SafePath,
    pieces: Vec<Piece>,
) -> Result<Response, Problem> {
    let name = path.to_path_buf();
    if pieces.iter().all(|piece| piece.ready_at <= clock.now_ms()) {
        let bytes = read(channel.clone(), pieces).await.map_err(|error| Problem::internal(&error))?;
        let etag = format!("\"{}-{}\"", channel.version(), path.file_name());
        return Ok(file::serve_bytes(method, headers, (bytes, etag), &name, MEDIA_LASTS));
    }
    let (channel, clock) = (channel.clone(), clock.clone());
    let coming = stream::try_unfold((channel, clock, pieces.into_iter()), |(channel, clock, mut pieces)| async move {
        let Some(piece) = pieces.next() else { return Ok(None) };
        clock.reaches(piece.ready_at).await;
        let bytes = read(channel.clone(), vec![piece]).await?;
        Ok::<_, std::io::Error>(Some((bytes, (channel, clock, pieces))))
    });
    let body = if method == Method::HEAD { Body::empty() } else { Body::from_stream(coming) };
    let mut response = Response::new(body);
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(file::content_type(&name)));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(MEDIA_LASTS));
    Ok(response)
}

async fn read(channel: LiveChannel, pieces: Vec<Piece>) -> std::io::Result<Bytes> {
    let read = move || {
        let mut bytes = Vec::new();
        for piece in &pieces {
            bytes.extend(channel.bytes(piece)?);
        }
        Ok(Bytes::from(bytes))
    };
    tokio::task::spawn_blocking(read).await.map_err(std::io::Error::other)?
}
