//! Reading and writing ISO BMFF boxes (ISO/IEC 14496-12 §4.2): just enough for what ffmpeg writes and what a CMAF segment needs.
//! No meaning of any box lives here.

use super::super::IngestError;

/// A box's type and its payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) kind: [u8; 4],
    pub(crate) body: &'a [u8],
}

/// The boxes that stand one after another in `data`.
pub(crate) fn children(data: &[u8]) -> impl Iterator<Item = Result<Found<'_>, IngestError>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let parsed = split(rest);
        rest = parsed.as_ref().map_or(&[], |(_, after)| after);
        Some(parsed.map(|(found, _)| found))
    })
}

fn split(data: &[u8]) -> Result<(Found<'_>, &[u8]), IngestError> {
    let mut reader = Reader(data);
    let size = reader.u32()? as usize;
    let kind = reader.array()?;
    let header = 8;
    let end = if size == 0 { data.len() } else { size };
    match data.get(header..end) {
        Some(body) => Ok((Found { kind, body }, &data[end..])),
        None => Err(IngestError::output(format!("box {} of {size} bytes does not fit", kind.escape_ascii()))),
    }
}

/// The first child of the given type.
pub(crate) fn child<'a>(data: &'a [u8], kind: &[u8; 4]) -> Result<&'a [u8], IngestError> {
    optional(data, kind)?.ok_or_else(|| IngestError::output(format!("no {} box", kind.escape_ascii())))
}

/// The first child of the given type, if there is one.
pub(crate) fn optional<'a>(data: &'a [u8], kind: &[u8; 4]) -> Result<Option<&'a [u8]>, IngestError> {
    for found in children(data) {
        let found = found?;
        if &found.kind == kind {
            return Ok(Some(found.body));
        }
    }
    Ok(None)
}

/// The box at the end of a path of types.
pub(crate) fn descend<'a>(data: &'a [u8], path: &[&[u8; 4]]) -> Result<&'a [u8], IngestError> {
    path.iter().try_fold(data, |inside, kind| child(inside, kind))
}

/// The place in `data` of the payload of the box at the end of a path of types.
pub(crate) fn locate(data: &[u8], path: &[&[u8; 4]]) -> Result<std::ops::Range<usize>, IngestError> {
    let mut inside = 0..data.len();
    for kind in path {
        let mut at = inside.start;
        let mut place = None;
        for found in children(&data[inside.clone()]) {
            let found = found?;
            let body = at + 8;
            at = body + found.body.len();
            if &found.kind == *kind {
                place = Some(body..at);
                break;
            }
        }
        inside = place.ok_or_else(|| IngestError::output(format!("no {} box", kind.escape_ascii())))?;
    }
    Ok(inside)
}

/// Big-endian numbers from the front of a slice.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], IngestError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or_else(|| IngestError::output("a box ends too soon"))?;
        self.0 = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, IngestError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, IngestError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, IngestError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, IngestError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// Version and flags of a full box (§4.2.2).
    pub(crate) fn version_flags(&mut self) -> Result<(u8, u32), IngestError> {
        let word = self.u32()?;
        Ok(((word >> 24) as u8, word & 0x00ff_ffff))
    }

    /// A 32-bit number in version 0 of a box, a 64-bit one in version 1.
    pub(crate) fn versioned(&mut self, version: u8) -> Result<u64, IngestError> {
        if version == 0 { Ok(u64::from(self.u32()?)) } else { self.u64() }
    }

    pub(crate) fn skip(&mut self, bytes: usize) -> Result<(), IngestError> {
        self.0 = self.0.get(bytes..).ok_or_else(|| IngestError::output("a box ends too soon"))?;
        Ok(())
    }

    /// The next `bytes` bytes.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<&'a [u8], IngestError> {
        let (head, tail) = self.0.split_at_checked(bytes).ok_or_else(|| IngestError::output("a box ends too soon"))?;
        self.0 = tail;
        Ok(head)
    }
}

/// Appends a box whose payload is written by `body`; the size is filled in afterwards.
pub(crate) fn write(out: &mut Vec<u8>, kind: &[u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(kind);
    body(out);
    let size = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
}

/// Appends a full box.
pub(crate) fn write_full(out: &mut Vec<u8>, kind: &[u8; 4], version: u8, flags: u32, body: impl FnOnce(&mut Vec<u8>)) {
    write(out, kind, |out| {
        out.extend_from_slice(&(u32::from(version) << 24 | flags).to_be_bytes());
        body(out);
    });
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut out = Vec::new();
        write(&mut out, b"moov", |out| {
            write_full(out, b"mdhd", 1, 0x123, |out| out.extend_from_slice(&7u64.to_be_bytes()));
        });
        let mut reader = Reader(descend(&out, &[b"moov", b"mdhd"]).unwrap());
        assert_eq!(reader.version_flags().unwrap(), (1, 0x123));
        assert_eq!(reader.versioned(1).unwrap(), 7);
        assert!(reader.u8().is_err());
    }

    #[test]
    fn sizes_that_lie_are_errors() {
        for bad in [&b"\0\0\0\x20moov"[..], b"\0\0\0\x04moov", b"\0\0"] {
            assert!(children(bad).next().unwrap().is_err(), "{bad:?}");
        }
    }
}
