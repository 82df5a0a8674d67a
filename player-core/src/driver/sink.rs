//! The way of the bytes of a request: decrypted, then read.

use bytes::{Bytes, BytesMut};

use crate::container::{self, DemuxError, DemuxOutput, Demuxer};
use crate::drm::{DrmError, SegmentDecryptor};
use crate::engine::io::{FetchError, FetchRequest, Ingest};

/// Destination of a request's bytes.
enum Ingesting {
    Body(BytesMut),
    Media(Box<dyn Demuxer>),
}

/// The way of the bytes of a request: decrypted, then read.
pub struct Sink {
    /// The body is encrypted as a whole.
    decrypts: bool,
    decryptor: Option<SegmentDecryptor>,
    ingest: Ingesting,
    /// Pieces of media handed over so far.
    pub seq: u64,
    /// Decryption has given readable media, so the key fits.
    fits: bool,
}

impl Sink {
    /// A sink for a request.
    ///
    /// # Errors
    /// When its cipher or its container is not built.
    pub fn new(request: &FetchRequest) -> Result<Self, FetchError> {
        let ingest = match &request.ingest {
            Ingest::Body | Ingest::Keys(_) => Ingesting::Body(BytesMut::new()),
            Ingest::Media(setup) => Ingesting::Media(container::open(setup)?),
        };
        let decryptor = request.cipher.as_ref().map(SegmentDecryptor::new).transpose().map_err(FetchError::Decrypt)?;
        Ok(Self { decrypts: decryptor.is_some(), decryptor, ingest, seq: 0, fits: false })
    }

    /// Takes bytes and gives the media that they complete.
    ///
    /// # Errors
    /// When they cannot be decrypted or read.
    pub fn push(&mut self, chunk: Bytes) -> Result<Vec<DemuxOutput>, FetchError> {
        let chunk = match &mut self.decryptor {
            Some(decryptor) => decryptor.push(&chunk),
            None => chunk,
        };
        self.read(chunk)
    }

    fn read(&mut self, chunk: Bytes) -> Result<Vec<DemuxOutput>, FetchError> {
        if chunk.is_empty() {
            return Ok(Vec::new());
        }
        match &mut self.ingest {
            Ingesting::Body(body) => {
                body.extend_from_slice(&chunk);
                Ok(Vec::new())
            }
            Ingesting::Media(demuxer) => match demuxer.push(chunk) {
                Ok(outputs) => {
                    self.fits |= !outputs.is_empty();
                    Ok(outputs)
                }
                Err(error) => Err(self.unreadable(error)),
            },
        }
    }

    /// Damage right at the beginning of the decrypted bytes means that the key is wrong.
    fn unreadable(&self, error: DemuxError) -> FetchError {
        unreadable(self.decrypts && !self.fits, error)
    }

    /// Ends the bytes, and gives the rest of the media and the body, which is empty for media.
    ///
    /// # Errors
    /// As [`Sink::push`].
    pub fn finish(mut self) -> Result<(Vec<DemuxOutput>, Bytes), FetchError> {
        let rest = self.decryptor.take().map(SegmentDecryptor::finish).transpose().map_err(FetchError::Decrypt)?;
        let mut outputs = self.read(rest.unwrap_or_default())?;
        let body = match self.ingest {
            Ingesting::Body(body) => body.freeze(),
            Ingesting::Media(mut demuxer) => {
                let wrong = self.decrypts && !self.fits && outputs.is_empty();
                outputs.extend(demuxer.finish().map_err(|error| unreadable(wrong, error))?);
                Bytes::new()
            }
        };
        Ok((outputs, body))
    }
}

fn unreadable(wrong_key: bool, error: DemuxError) -> FetchError {
    if wrong_key { FetchError::Decrypt(DrmError::Garbage(error.to_string())) } else { error.into() }
}
