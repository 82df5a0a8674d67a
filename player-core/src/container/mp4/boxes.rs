//! Walking boxes (ISO/IEC 14496-12 §4.2) and reading their fields. Every read is checked; an error carries the offset
//! in the file. The meaning of the fields is the business of its sibling modules.

use crate::container::DemuxError;

/// The type of a box.
pub(super) type FourCc = [u8; 4];

/// The type of a box as text for messages.
pub(super) fn name(kind: FourCc) -> String {
    kind.iter().map(|&byte| if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '?' }).collect()
}

/// The beginning of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BoxHeader {
    pub kind: FourCc,
    /// Bytes of the header itself.
    pub header: u64,
    /// Bytes of the content; `None` runs to the end of the enclosing box or file.
    pub content: Option<u64>,
}

impl BoxHeader {
    /// Bytes that hold the longest header that is read here.
    pub const LONGEST: usize = 16;

    /// Reads a header from the first bytes of a box; `None` when more bytes are needed.
    pub fn read(bytes: &[u8], offset: u64) -> Result<Option<Self>, DemuxError> {
        let Some((&[a, b, c, d, ref kind @ ..], rest)) = bytes.split_first_chunk::<8>() else { return Ok(None) };
        let kind = *kind;
        let (header, total) = match u32::from_be_bytes([a, b, c, d]) {
            0 => return Ok(Some(Self { kind, header: 8, content: None })),
            1 => {
                let Some((&large, _)) = rest.split_first_chunk::<8>() else { return Ok(None) };
                (16, u64::from_be_bytes(large))
            }
            total => (8, u64::from(total)),
        };
        match total.checked_sub(header) {
            Some(content) if content <= i64::MAX as u64 => Ok(Some(Self { kind, header, content: Some(content) })),
            Some(_) => Err(DemuxError::Limit {
                what: format!("the size of box '{}'", name(kind)),
                limit: i64::MAX as u64,
                offset,
            }),
            None => Err(malformed(format!("box '{}' is smaller than its header", name(kind)), offset)),
        }
    }
}

/// An error about damaged data.
pub(super) fn malformed(what: impl Into<String>, offset: u64) -> DemuxError {
    DemuxError::Malformed { what: what.into(), offset }
}

/// The content of one box, and where it lies in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct BoxBody<'a> {
    pub kind: FourCc,
    /// The content, without the header.
    pub bytes: &'a [u8],
    /// Offset of the content in the file.
    pub offset: u64,
}

impl<'a> BoxBody<'a> {
    /// Returns a reader of its fields.
    pub fn fields(&self) -> Fields<'a> {
        Fields { kind: self.kind, bytes: self.bytes, offset: self.offset }
    }

    /// Reads it as a full box: version and flags (§4.2), then its fields.
    pub fn full(&self) -> Result<(u8, u32, Fields<'a>), DemuxError> {
        let mut fields = self.fields();
        let word = fields.u32()?;
        let [version, ..] = word.to_be_bytes();
        Ok((version, word & 0x00ff_ffff, fields))
    }

    /// Iterates over the boxes inside.
    pub fn children(&self) -> Children<'a> {
        Children { bytes: self.bytes, offset: self.offset }
    }

    /// The first box of a type inside.
    pub fn child(&self, kind: FourCc) -> Result<Option<BoxBody<'a>>, DemuxError> {
        for child in self.children() {
            let child = child?;
            if child.kind == kind {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }

    /// The first box of a type inside, which must be there.
    pub fn required(&self, kind: FourCc) -> Result<BoxBody<'a>, DemuxError> {
        let missing = || malformed(format!("box '{}' without box '{}'", name(self.kind), name(kind)), self.offset);
        self.child(kind)?.ok_or_else(missing)
    }
}

/// The boxes inside a box. Fewer than eight bytes after the last box are ignored, as QuickTime writes such.
#[derive(Clone, Debug)]
pub(super) struct Children<'a> {
    bytes: &'a [u8],
    offset: u64,
}

impl<'a> Children<'a> {
    /// The boxes in `bytes`, which lie at `offset` in the file.
    pub fn new(bytes: &'a [u8], offset: u64) -> Self {
        Self { bytes, offset }
    }

    fn step(&mut self) -> Result<Option<BoxBody<'a>>, DemuxError> {
        let Some(header) = BoxHeader::read(self.bytes, self.offset)? else { return Ok(None) };
        let left = self.bytes.len() as u64 - header.header;
        let content = header.content.unwrap_or(left);
        if content > left {
            return Err(malformed(format!("box '{}' is larger than what holds it", name(header.kind)), self.offset));
        }
        // Both fit: they are at most the length of a slice.
        let (_, rest) = self.bytes.split_at(header.header as usize);
        let (bytes, rest) = rest.split_at(content as usize);
        let body = BoxBody { kind: header.kind, bytes, offset: self.offset + header.header };
        self.bytes = rest;
        self.offset = body.offset + content;
        Ok(Some(body))
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = Result<BoxBody<'a>, DemuxError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.bytes = &[];
        }
        step.transpose()
    }
}

/// Big-endian fields, read one after the other.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    kind: FourCc,
    bytes: &'a [u8],
    offset: u64,
}

impl<'a> Fields<'a> {
    /// Reads `bytes`, which lie at `offset` in the file, as the content of a box of type `kind`.
    pub fn new(kind: FourCc, bytes: &'a [u8], offset: u64) -> Self {
        Self { kind, bytes, offset }
    }

    /// Offset of the next field in the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the unread bytes.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the unread bytes as boxes.
    pub fn boxes(&self) -> Children<'a> {
        Children { bytes: self.bytes, offset: self.offset }
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DemuxError> {
        let Some((taken, rest)) = self.bytes.split_at_checked(count) else {
            return Err(malformed(format!("box '{}' is too short", name(self.kind)), self.offset));
        };
        self.bytes = rest;
        self.offset += count as u64;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DemuxError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub fn u8(&mut self) -> Result<u8, DemuxError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub fn u16(&mut self) -> Result<u16, DemuxError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32, DemuxError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub fn i32(&mut self) -> Result<i32, DemuxError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, DemuxError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// Eight bytes when `wide`, else four.
    pub fn u32_or_u64(&mut self, wide: bool) -> Result<u64, DemuxError> {
        if wide { self.u64() } else { Ok(u64::from(self.u32()?)) }
    }

    /// A count of entries of at least `entry` bytes each, checked against what is left.
    pub fn count(&mut self, entry: usize) -> Result<usize, DemuxError> {
        let count = self.u32()? as usize;
        match count.checked_mul(entry) {
            Some(total) if total <= self.bytes.len() => Ok(count),
            _ => Err(malformed(format!("box '{}' promises more entries than it holds", name(self.kind)), self.offset)),
        }
    }
}
