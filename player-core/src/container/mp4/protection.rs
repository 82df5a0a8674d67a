//! Common encryption (ISO/IEC 23001-7): protected sample entries, key groups and per-sample vectors.
//! Nothing is decrypted here.

use super::boxes::{BoxBody, Fields, FourCc, malformed, name};
use super::limits;
use crate::container::{DemuxError, Subsample};

/// Encryption of the samples of an entry or group (`tenc` §8.2, `seig` §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyParameters {
    /// True if samples are encrypted.
    pub protected: bool,
    /// Encrypted and clear blocks of the pattern; (0, 0) without one.
    pub pattern: (u8, u8),
    /// Bytes of each sample's vector: 0, 8 or 16.
    pub iv_size: usize,
    /// Identifier of the key.
    pub key_id: [u8; 16],
    /// The vector of all samples when none has its own.
    pub constant_iv: Vec<u8>,
}

impl KeyParameters {
    /// Reads the fields that `tenc` and `seig` have in common, from the byte of the pattern on.
    fn read(fields: &mut Fields<'_>, patterned: bool) -> Result<Self, DemuxError> {
        let offset = fields.offset();
        let pattern = fields.u8()?;
        let pattern = if patterned { (pattern >> 4, pattern & 15) } else { (0, 0) };
        let protected = fields.u8()? != 0;
        let iv_size = usize::from(fields.u8()?);
        let key_id = fields.array()?;
        if !matches!(iv_size, 0 | 8 | 16) {
            return Err(malformed(format!("an initialisation vector of {iv_size} bytes"), offset));
        }
        let mut constant_iv = Vec::new();
        if protected && iv_size == 0 {
            let size = usize::from(fields.u8()?);
            if !matches!(size, 8 | 16) {
                return Err(malformed(format!("a constant initialisation vector of {size} bytes"), offset));
            }
            constant_iv = fields.take(size)?.to_vec();
        }
        Ok(Self { protected, pattern, iv_size, key_id, constant_iv })
    }
}

/// The protection of a sample entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Protection {
    /// The type of the entry before it was protected.
    pub original: FourCc,
    /// Scheme such as `cenc` or `cbcs`.
    pub scheme: FourCc,
    /// Parameters of samples without a group.
    pub defaults: KeyParameters,
}

impl Protection {
    /// Reads a `sinf` box.
    pub fn read(sinf: &BoxBody<'_>) -> Result<Self, DemuxError> {
        let original = sinf.required(*b"frma")?.fields().array()?;
        let (_, _, mut fields) = sinf.required(*b"schm")?.full()?;
        let scheme = fields.array()?;
        if !matches!(&scheme, b"cenc" | b"cens" | b"cbc1" | b"cbcs") {
            return Err(DemuxError::Unsupported { feature: format!("protection scheme '{}'", name(scheme)) });
        }
        let schi = sinf.required(*b"schi")?;
        let (version, _, mut fields) = schi.required(*b"tenc")?.full()?;
        fields.u8()?;
        let defaults = KeyParameters::read(&mut fields, version > 0)?;
        Ok(Self { original, scheme, defaults })
    }
}

/// Reads the entries of a `sgpd` box; `None` when it describes another grouping than `seig`.
pub(super) fn key_groups(body: &BoxBody<'_>) -> Result<Option<Vec<KeyParameters>>, DemuxError> {
    let (version, _, mut fields) = body.full()?;
    if &fields.array::<4>()? != b"seig" {
        return Ok(None);
    }
    let fixed = if version >= 1 { fields.u32()? as usize } else { 0 };
    if version >= 2 {
        fields.u32()?;
    }
    let count = fields.count(20)?;
    let mut groups = Vec::with_capacity(count);
    for _ in 0..count {
        let length = if version >= 1 && fixed == 0 { fields.u32()? as usize } else { fixed };
        let offset = fields.offset();
        let mut entry = if length == 0 { fields.clone() } else { Fields::new(*b"sgpd", fields.take(length)?, offset) };
        entry.u8()?;
        groups.push(KeyParameters::read(&mut entry, true)?);
        if length == 0 {
            fields = entry;
        }
    }
    Ok(Some(groups))
}

/// Runs of samples that belong to a group (`sbgp`): how many, and the number of the group; `None` when it
/// speaks of another grouping than `seig`.
pub(super) fn group_runs(body: &BoxBody<'_>) -> Result<Option<Vec<(u32, u32)>>, DemuxError> {
    let (version, _, mut fields) = body.full()?;
    if &fields.array::<4>()? != b"seig" {
        return Ok(None);
    }
    if version >= 1 {
        fields.u32()?;
    }
    let count = fields.count(8)?;
    (0..count).map(|_| Ok((fields.u32()?, fields.u32()?))).collect::<Result<_, _>>().map(Some)
}

/// The vector and the parts of one sample, as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Auxiliary {
    /// The sample's own vector; empty when it has none.
    pub iv: Vec<u8>,
    /// Its parts; empty means the whole sample.
    pub subsamples: Vec<Subsample>,
}

/// Per-sample information, not yet cut into samples: how depends on the key parameters of each sample.
#[derive(Clone, Debug)]
pub(super) enum AuxiliarySource<'a> {
    /// A `senc` box (§7.2): its records, and whether they list subsamples.
    Senc(Fields<'a>, bool),
    /// `saiz` and `saio` (ISO/IEC 14496-12 §8.7.8, §8.7.9): the sizes, and the records they cut.
    Sized(Vec<u8>, Fields<'a>),
}

impl AuxiliarySource<'_> {
    /// The information of the next sample, the `index`th of its track fragment.
    pub fn next(&mut self, index: usize, iv_size: usize) -> Result<Auxiliary, DemuxError> {
        match self {
            Self::Senc(fields, subsamples) => record(fields, iv_size, *subsamples),
            Self::Sized(sizes, fields) => {
                let missing = || malformed("no encryption information for a sample", fields.offset());
                let size = usize::from(*sizes.get(index).ok_or_else(missing)?);
                let offset = fields.offset();
                let mut own = Fields::new(*b"saio", fields.take(size)?, offset);
                record(&mut own, iv_size, size > iv_size)
            }
        }
    }
}

fn record(fields: &mut Fields<'_>, iv_size: usize, with_subsamples: bool) -> Result<Auxiliary, DemuxError> {
    let iv = fields.take(iv_size)?.to_vec();
    let mut subsamples = Vec::new();
    if with_subsamples {
        let count = usize::from(fields.u16()?);
        limits::check("the number of subsamples", count as u64, limits::SUBSAMPLES as u64, fields.offset())?;
        for _ in 0..count {
            subsamples.push(Subsample { clear: u32::from(fields.u16()?), encrypted: fields.u32()? });
        }
    }
    Ok(Auxiliary { iv, subsamples })
}

/// Reads the sizes of a `saiz` box; `None` when it is about something else than common encryption.
pub(super) fn auxiliary_sizes(body: &BoxBody<'_>) -> Result<Option<Vec<u8>>, DemuxError> {
    let (_, flags, mut fields) = body.full()?;
    if flags & 1 != 0 && !is_common_encryption(&mut fields)? {
        return Ok(None);
    }
    let default = fields.u8()?;
    let count = fields.u32()?;
    limits::check("the number of samples", u64::from(count), limits::FRAGMENT_SAMPLES as u64, body.offset)?;
    let count = count as usize;
    if default == 0 { Ok(Some(fields.take(count)?.to_vec())) } else { Ok(Some(vec![default; count])) }
}

/// Reads the first offset of a `saio` box, which is relative to the base of the track fragment.
pub(super) fn auxiliary_offset(body: &BoxBody<'_>) -> Result<Option<u64>, DemuxError> {
    let (version, flags, mut fields) = body.full()?;
    if flags & 1 != 0 && !is_common_encryption(&mut fields)? {
        return Ok(None);
    }
    match fields.u32()? {
        0 => Ok(None),
        1 => fields.u32_or_u64(version > 0).map(Some),
        _ => Err(DemuxError::Unsupported { feature: "encryption information in several places".to_owned() }),
    }
}

fn is_common_encryption(fields: &mut Fields<'_>) -> Result<bool, DemuxError> {
    let kind = fields.array::<4>()?;
    fields.u32()?;
    Ok(matches!(&kind, b"cenc" | b"cens" | b"cbc1" | b"cbcs"))
}
