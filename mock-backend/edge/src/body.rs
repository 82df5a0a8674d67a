//! From an object, whole or growing, to the pieces of a response.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::cache::Cache;
use super::fill::Fill;
use super::lookup::Source;
use super::slices::SlicedReader;
use kinora_chaos::apply::{Piece, Pieces};
use kinora_kit::http::file::CHUNK;
use kinora_kit::http::reply::Part;

/// Reads the bytes of an object.
#[derive(Debug)]
pub enum Reader {
    /// They are all here.
    Whole(Bytes),
    /// They are on their way.
    Growing(Arc<Fill>),
    /// They lie in slices, or are on their way into them.
    Sliced(Box<SlicedReader>),
}

impl Reader {
    /// Opens what a lookup in the cache found.
    pub fn open(cache: &Cache, source: Source) -> Self {
        match source {
            Source::Whole(bytes) => Self::Whole(bytes),
            Source::Growing(fill) => Self::Growing(fill),
            Source::Sliced(sliced) => Self::Sliced(Box::new(SlicedReader::new(cache.clone(), sliced))),
        }
    }
}

/// The parts of a reply, read from the source as its bytes come, at most [`CHUNK`] at a time.
pub fn pieces(source: Reader, parts: Vec<Part>) -> Pieces {
    let cursor = Cursor { source, parts: parts.into(), at: 0, left: 0 };
    Box::pin(stream::unfold(Some(cursor), |cursor| async move {
        let mut cursor = cursor?;
        match cursor.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(cursor))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    }))
}

/// The origin's own body; `first` is the place in the file of its first byte, where that is known.
pub fn passed_on(response: reqwest::Response, first: Option<u64>) -> Pieces {
    let mut offset = first;
    Box::pin(response.bytes_stream().map(move |bytes| {
        let bytes = bytes.map_err(|error| io::Error::other(super::origin::failure(&error).to_string()))?;
        let piece = Piece { offset, bytes };
        offset = offset.map(|offset| offset + piece.bytes.len() as u64);
        Ok(piece)
    }))
}

struct Cursor {
    source: Reader,
    parts: VecDeque<Part>,
    at: u64,
    /// Bytes still to be sent of the current part; `u64::MAX` means "to the end".
    left: u64,
}

impl Cursor {
    async fn next(&mut self) -> io::Result<Option<Piece>> {
        loop {
            while self.left == 0 {
                match self.parts.pop_front() {
                    None => return Ok(None),
                    Some(Part::Literal(bytes)) => return Ok(Some(Piece { offset: None, bytes })),
                    Some(Part::Span(span)) => (self.at, self.left) = (span.first, span.length()),
                    Some(Part::Everything) => (self.at, self.left) = (0, u64::MAX),
                }
            }
            match self.read().await? {
                Some(bytes) => {
                    let piece = Piece { offset: Some(self.at), bytes };
                    let length = piece.bytes.len() as u64;
                    self.at += length;
                    if self.left != u64::MAX {
                        self.left -= length;
                    }
                    return Ok(Some(piece));
                }
                None if self.left == u64::MAX => self.left = 0,
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    async fn read(&mut self) -> io::Result<Option<Bytes>> {
        let mut bytes = match &mut self.source {
            Reader::Whole(body) => {
                let at = usize::try_from(self.at).unwrap_or(usize::MAX).min(body.len());
                if at == body.len() {
                    return Ok(None);
                }
                body.slice(at..)
            }
            Reader::Growing(fill) => match fill.read(self.at).await? {
                Some(bytes) => bytes,
                None => return Ok(None),
            },
            Reader::Sliced(reader) => match reader.read(self.at).await? {
                Some(bytes) => bytes,
                None => return Ok(None),
            },
        };
        bytes.truncate(usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK));
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, Reader, pieces};
    use crate::fill::Fill;
    use bytes::Bytes;
    use futures_util::StreamExt as _;
    use kinora_kit::http::range::ByteRange;

    async fn text(source: Reader, parts: Vec<Part>) -> Result<String, String> {
        let mut body = pieces(source, parts);
        let mut out = Vec::new();
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) => out.extend_from_slice(&piece.bytes),
                Err(error) => return Err(error.to_string()),
            }
        }
        String::from_utf8(out).map_err(|error| error.to_string())
    }

    fn span(first: u64, last: u64) -> Part {
        Part::Span(ByteRange { first, last })
    }

    #[tokio::test]
    async fn parts_in_their_order_from_either_source() {
        let (filler, fill) = Fill::begin();
        for chunk in ["01", "234", "56789"] {
            filler.push(Bytes::from_static(chunk.as_bytes()));
        }
        filler.end(Ok(()));
        for source in [Reader::Whole(Bytes::from_static(b"0123456789")), Reader::Growing(fill)] {
            let parts = vec![Part::Literal(Bytes::from_static(b"<")), span(3, 6), span(0, 0), Part::Everything];
            assert_eq!(text(source, parts).await.as_deref(), Ok("<345600123456789"));
        }
    }

    #[tokio::test]
    async fn a_source_shorter_than_promised_is_an_error() {
        assert!(text(Reader::Whole(Bytes::from_static(b"0123")), vec![span(2, 9)]).await.is_err());
    }
}
