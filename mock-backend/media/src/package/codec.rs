//! RFC 6381 codec strings from the sample descriptions that the encoder really wrote.

use super::super::IngestError;
use super::boxes::{self, Reader};

/// Bytes of a visual sample entry before its boxes (ISO/IEC 14496-12 §12.1.3).
const VISUAL_HEADER: usize = 78;
/// Object type indication of MPEG-4 audio (ISO/IEC 14496-1 §7.2.6.6).
const MPEG4_AUDIO: u8 = 0x40;
/// Bytes of an audio sample entry before its boxes (§12.2.3).
const AUDIO_HEADER: usize = 28;

/// The string for the first entry of an `stsd`: `avc1.PPCCLL` (RFC 6381 §3.3), `mp4a.40.N`, and the forms that the
/// bindings of the other codecs define (ISO/IEC 14496-15 annex E, VP9 and AV1 in ISO BMFF, RFC 6381 four-character codes).
pub(super) fn string(stsd: &[u8]) -> Result<String, IngestError> {
    let mut reader = Reader(stsd);
    reader.skip(8)?;
    let entry = boxes::children(reader.0).next().ok_or_else(|| IngestError::output("no sample description"))??;
    let mut body = Reader(entry.body);
    match &entry.kind {
        b"avc1" => {
            body.skip(VISUAL_HEADER)?;
            let mut avcc = Reader(boxes::child(body.0, b"avcC")?);
            avcc.skip(1)?;
            let [profile, compatibility, level] = avcc.array()?;
            Ok(format!("avc1.{profile:02x}{compatibility:02x}{level:02x}"))
        }
        b"mp4a" => {
            body.skip(AUDIO_HEADER)?;
            let esds = boxes::child(body.0, b"esds")?;
            mp4a(esds)
        }
        b"hvc1" => {
            body.skip(VISUAL_HEADER)?;
            hevc(boxes::child(body.0, b"hvcC")?)
        }
        b"vp09" => {
            body.skip(VISUAL_HEADER)?;
            let mut vpcc = Reader(boxes::child(body.0, b"vpcC")?);
            vpcc.skip(4)?;
            let [profile, level, depth] = vpcc.array()?;
            Ok(format!("vp09.{profile:02}.{level:02}.{:02}", depth >> 4))
        }
        b"av01" => {
            body.skip(VISUAL_HEADER)?;
            let mut av1c = Reader(boxes::child(body.0, b"av1C")?);
            av1c.skip(1)?;
            let [shape, tier] = av1c.array()?;
            let (letter, depth) = (if tier & 0x80 == 0 { 'M' } else { 'H' }, if tier & 0x40 == 0 { 8 } else { 10 });
            Ok(format!("av01.{}.{:02}{letter}.{depth:02}", shape >> 5, shape & 0x1f))
        }
        b"Opus" => Ok("opus".to_owned()),
        b"fLaC" => Ok("flac".to_owned()),
        b"ac-3" => Ok("ac-3".to_owned()),
        b"ec-3" => Ok("ec-3".to_owned()),
        other => Err(IngestError::output(format!("sample entry {}", other.escape_ascii()))),
    }
}

/// `hvc1.` profile, compatibility, tier and level, constraints (ISO/IEC 14496-15 §E.3).
fn hevc(hvcc: &[u8]) -> Result<String, IngestError> {
    let mut reader = Reader(hvcc);
    reader.skip(1)?;
    let general = reader.u8()?;
    let compatibility = reader.u32()?.reverse_bits();
    let constraints: [u8; 6] = reader.array()?;
    let level = reader.u8()?;
    let space = ["", "A", "B", "C"][usize::from(general >> 6)];
    let tier = if general & 0x20 == 0 { 'L' } else { 'H' };
    let mut text = format!("hvc1.{space}{}.{compatibility:X}.{tier}{level}", general & 0x1f);
    let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for byte in &constraints[..used] {
        text.push_str(&format!(".{byte:X}"));
    }
    Ok(text)
}

/// `mp4a.` and the object type indication, and for MPEG-4 audio its audio object type: inside `ES_Descriptor` → `DecoderConfigDescriptor` → `AudioSpecificConfig` (ISO/IEC 14496-1 §7.2.6).
fn mp4a(esds: &[u8]) -> Result<String, IngestError> {
    let mut reader = Reader(esds);
    reader.skip(4)?;
    let mut es = Reader(descriptor(&mut reader, 3)?);
    es.skip(2)?;
    let flags = es.u8()?;
    if flags & 0x80 != 0 {
        es.skip(2)?;
    }
    if flags & 0x40 != 0 {
        let url = es.u8()?;
        es.skip(usize::from(url))?;
    }
    if flags & 0x20 != 0 {
        es.skip(2)?;
    }
    let mut decoder = Reader(descriptor(&mut es, 4)?);
    let indication = decoder.u8()?;
    if indication != MPEG4_AUDIO {
        return Ok(format!("mp4a.{indication:02X}"));
    }
    decoder.skip(12)?;
    let mut config = Reader(descriptor(&mut decoder, 5)?);
    let word = config.u16()?;
    match word >> 11 {
        31 => Ok(format!("mp4a.40.{}", 32 + (word >> 5 & 0x3f))),
        kind => Ok(format!("mp4a.40.{kind}")),
    }
}

/// The payload of a descriptor with the given tag; its length is coded in groups of seven bits (§8.3.3).
fn descriptor<'a>(reader: &mut Reader<'a>, tag: u8) -> Result<&'a [u8], IngestError> {
    if reader.u8()? != tag {
        return Err(IngestError::output("an unexpected descriptor in esds"));
    }
    let mut length = 0usize;
    for _ in 0..4 {
        let byte = reader.u8()?;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    reader.take(length)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn stsd(kind: &[u8; 4], header: usize, inner: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut out = vec![0, 0, 0, 0, 0, 0, 0, 1];
        boxes::write(&mut out, kind, |out| {
            out.resize(out.len() + header, 0);
            boxes::write(out, inner, |out| out.extend_from_slice(body));
        });
        out
    }

    #[test]
    fn high_profile_and_aac_lc() {
        let avc = stsd(b"avc1", 78, b"avcC", &[1, 0x64, 0x00, 0x28, 0xff]);
        assert_eq!(string(&avc).unwrap(), "avc1.640028");
        let esds = [
            0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 0x1f, 0, 1, 0, 4, 0x80, 0x80, 0x80, 0x14, 0x40, 0x15, 0, 0, 0, 0, 1, 0xf4,
            0, 0, 1, 0xf4, 0, 5, 0x80, 0x80, 0x80, 0x02, 0x11, 0x90, 6, 1, 2,
        ];
        assert_eq!(string(&stsd(b"mp4a", 28, b"esds", &esds)).unwrap(), "mp4a.40.2");
        assert!(string(&stsd(b"mp4a", 28, b"esds", &esds[..20])).is_err());
        assert!(string(&stsd(b"hvc1", 78, b"hvcC", &[0; 8])).is_err());
    }

    #[test]
    fn other_codecs() {
        let hevc = [1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 0x5d, 0];
        assert_eq!(string(&stsd(b"hvc1", 78, b"hvcC", &hevc)).unwrap(), "hvc1.1.6.L93.90");
        assert_eq!(string(&stsd(b"vp09", 78, b"vpcC", &[1, 0, 0, 0, 0, 20, 0x82])).unwrap(), "vp09.00.20.08");
        assert_eq!(string(&stsd(b"av01", 78, b"av1C", &[0x81, 0x04, 0x0c, 0])).unwrap(), "av01.0.04M.08");
        assert_eq!(string(&stsd(b"Opus", 28, b"dOps", &[0; 11])).unwrap(), "opus");
    }
}
