//! Objects that are larger than one entry of the cache: their bytes lie in slices, which are fetched, collapsed and evicted one by
//! one where the origin answers ranges, and cut from one download of the whole where it does not.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::cache::Cache;
use super::fill::{Fill, Follower, Opening, Read};
use super::lookup::Sliced;
use super::object::{Head, Key};
use super::origin;
use super::store::SLICE;

/// Reads the bytes of a sliced object in the order of a response.
#[derive(Debug)]
pub struct SlicedReader {
    cache: Cache,
    key: Key,
    head: Arc<Head>,
    generation: u64,
    /// A download of the whole that is under way.
    stream: Option<Follower>,
    /// The slice that was read last.
    current: Option<(u64, Slice)>,
    /// The last resort, see [`SlicedReader::read_past_cache`].
    passed: Option<Passed>,
}

/// The bytes of a slice.
#[derive(Clone, Debug)]
pub(super) enum Slice {
    /// They are all here.
    Whole(Bytes),
    /// They are on their way.
    Growing(Arc<Fill>),
}

/// The origin's whole body, read from its beginning.
#[derive(Debug)]
struct Passed {
    response: reqwest::Response,
    /// Offset of the first of `held`.
    at: u64,
    held: Bytes,
}

impl SlicedReader {
    /// Opens an object whose slices are in the cache or at the origin, or in the download that is under way.
    pub fn new(cache: Cache, sliced: Sliced) -> Self {
        let Sliced { key, head, generation, stream } = sliced;
        Self { cache, key, head, generation, stream, current: None, passed: None }
    }

    /// Bytes from `offset` on, as soon as there are any; `None` at the end.
    ///
    /// # Errors
    /// When the origin fails, or has another object under the name by now.
    pub async fn read(&mut self, offset: u64) -> io::Result<Option<Bytes>> {
        if self.head.length.is_some_and(|length| offset >= length) {
            return Ok(None);
        }
        if self.passed.is_some() {
            return self.read_past_cache(offset).await;
        }
        if let Some(stream) = &self.stream {
            match stream.read_at(offset).await? {
                Read::Bytes(bytes) => return Ok(Some(bytes)),
                Read::End => return Ok(None),
                Read::Dropped => {}
            }
        }
        let (index, within) = (offset / SLICE, offset % SLICE);
        match self.slice(index).await? {
            Some(Slice::Whole(bytes)) => {
                let within = usize::try_from(within).map_err(io::Error::other)?;
                Ok((within < bytes.len()).then(|| bytes.slice(within..)))
            }
            Some(Slice::Growing(fill)) => fill.read(within).await,
            None => self.read_past_cache(offset).await,
        }
    }

    /// The slice of a number: in the cache, or on its way from an origin that answers ranges.
    async fn slice(&mut self, index: u64) -> io::Result<Option<Slice>> {
        if let Some((number, slice)) = &self.current
            && *number == index
        {
            return Ok(Some(slice.clone()));
        }
        let name = self.key.text();
        let slice = match self.cache.store().slice(&name, self.generation, index).await {
            Some(bytes) => Slice::Whole(bytes),
            None if self.head.takes_ranges => {
                let slice = self.cache.join_slice(&self.key, &self.head, self.generation, index);
                if let Slice::Growing(fill) = &slice
                    && let Opening::Failed(error) = fill.opening().await
                {
                    return Err(io::Error::other(error.to_string()));
                }
                slice
            }
            None => return Ok(None),
        };
        self.current = Some((index, slice.clone()));
        Ok(Some(slice))
    }

    /// Reads the origin's whole body past the cache up to `offset`: for a slice that was evicted, or never stored, of an object
    /// whose origin answers no ranges.
    async fn read_past_cache(&mut self, offset: u64) -> io::Result<Option<Bytes>> {
        let begun = self.passed.take().filter(|passed| passed.at <= offset);
        let mut passed = match begun {
            Some(passed) => passed,
            None => {
                let response = self.cache.whole_again(&self.key, &self.head).await;
                Passed { response: response.map_err(io::Error::other)?, at: 0, held: Bytes::new() }
            }
        };
        loop {
            let end = passed.at + passed.held.len() as u64;
            if offset < end {
                let skip = usize::try_from(offset - passed.at).map_err(io::Error::other)?;
                let bytes = passed.held.slice(skip..);
                self.passed = Some(passed);
                return Ok(Some(bytes));
            }
            let next = passed.response.chunk().await;
            match next.map_err(|error| io::Error::other(origin::failure(&error).to_string()))? {
                Some(bytes) => (passed.at, passed.held) = (end, bytes),
                None => return Ok(None),
            }
        }
    }
}

/// The bytes of slice `index` of an object of `length` bytes, first and last; `None` beyond its end.
pub fn span(index: u64, length: u64) -> Option<(u64, u64)> {
    let first = index.checked_mul(SLICE)?;
    (first < length).then(|| (first, length.min(first.saturating_add(SLICE)) - 1))
}

/// The first byte, the last one and the length of the whole of a `Content-Range: bytes 0-9/100`.
pub fn content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (span, length) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    let (first, last, length) = (number(first)?, number(last)?, number(length)?);
    (first <= last && last < length).then_some((first, last, length))
}

#[cfg(test)]
mod tests {
    use super::{SLICE, content_range, span};
    use proptest::prelude::*;

    #[test]
    fn content_ranges() {
        assert_eq!(content_range("bytes 0-9/100"), Some((0, 9, 100)));
        for text in ["bytes */100", "bytes 0-9/*", "bytes 9-0/100", "bytes 0-100/100", "bytes +1-2/3", "0-9/100", ""] {
            assert_eq!(content_range(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn slices_cover_an_object_once(length in 1_u64..20 * SLICE) {
            let mut next = 0;
            for index in 0.. {
                let Some((first, last)) = span(index, length) else { break };
                prop_assert_eq!(first, next);
                prop_assert!(last >= first && last - first < SLICE);
                next = last + 1;
            }
            prop_assert_eq!(next, length);
        }

        #[test]
        fn no_text_is_a_panic(text in "(bytes )?[0-9*/-]{0,60}|.{0,40}") {
            content_range(&text);
        }
    }
}
