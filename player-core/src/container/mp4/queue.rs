//! Bytes that arrived and were not read yet, taken out without copying where they lie in one piece.

use std::collections::VecDeque;

use bytes::{Buf as _, Bytes, BytesMut};

/// Pieces smaller than this are gathered, so that a trickle does not cost a handle for each byte.
const SMALL: usize = 1024;

/// A queue of bytes that knows its place in the file.
#[derive(Debug, Default)]
pub(super) struct ByteQueue {
    chunks: VecDeque<Bytes>,
    /// Small pieces after `chunks`.
    tail: BytesMut,
    length: usize,
    position: u64,
}

impl ByteQueue {
    /// Offset in the file of the first byte here.
    pub fn position(&self) -> u64 {
        self.position
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn push(&mut self, bytes: Bytes) {
        self.length += bytes.len();
        if bytes.len() < SMALL {
            self.tail.extend_from_slice(&bytes);
            return;
        }
        if !self.tail.is_empty() {
            self.chunks.push_back(self.tail.split().freeze());
        }
        self.chunks.push_back(bytes);
    }

    /// Copies the first bytes, as many as there are, into `into`.
    pub fn peek<'b>(&self, into: &'b mut [u8]) -> &'b [u8] {
        let mut filled = 0;
        for chunk in self.chunks.iter().map(|chunk| &chunk[..]).chain([&self.tail[..]]) {
            let count = chunk.len().min(into.len() - filled);
            into[filled..filled + count].copy_from_slice(&chunk[..count]);
            filled += count;
            if filled == into.len() {
                break;
            }
        }
        &into[..filled]
    }

    /// Takes the first `count` bytes out; `None` when there are fewer.
    pub fn take(&mut self, count: usize) -> Option<Bytes> {
        if count > self.length {
            return None;
        }
        self.length -= count;
        self.position += count as u64;
        if count == 0 {
            return Some(Bytes::new());
        }
        match self.chunks.front_mut() {
            Some(front) if front.len() > count => Some(front.split_to(count)),
            Some(front) if front.len() == count => self.chunks.pop_front(),
            None => Some(self.tail.split_to(count).freeze()),
            Some(_) => Some(self.join(count)),
        }
    }

    fn join(&mut self, count: usize) -> Bytes {
        let mut joined = BytesMut::with_capacity(count);
        while joined.len() < count {
            let missing = count - joined.len();
            match self.chunks.front_mut() {
                Some(front) if front.len() > missing => joined.extend_from_slice(&front.split_to(missing)),
                Some(_) => joined.extend_from_slice(&self.chunks.pop_front().unwrap_or_default()),
                None => joined.extend_from_slice(&self.tail.split_to(missing)),
            }
        }
        joined.freeze()
    }

    /// Drops up to `count` bytes and returns their number.
    pub fn skip(&mut self, count: u64) -> u64 {
        let skipped = usize::try_from(count).unwrap_or(usize::MAX).min(self.length);
        self.length -= skipped;
        self.position += skipped as u64;
        let mut left = skipped;
        while left > 0 {
            match self.chunks.front_mut() {
                Some(front) if front.len() > left => {
                    front.advance(left);
                    left = 0;
                }
                Some(front) => {
                    left -= front.len();
                    self.chunks.pop_front();
                }
                None => {
                    self.tail.advance(left);
                    left = 0;
                }
            }
        }
        skipped as u64
    }
}
