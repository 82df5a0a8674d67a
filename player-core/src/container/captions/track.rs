//! Samples of caption tracks (QuickTime File Format, "Closed captioning sample data"): boxes `cdat` and `cdt2` with
//! the byte pairs of the two fields, `ccdp` with a caption distribution packet (SMPTE ST 334-2).

use super::user_data;
use crate::container::{CaptionPacket, Sample};

/// A sample holds less than a minute of both fields; more pairs of one field than this are not read.
const MOST_PAIRS: usize = 4096;
/// `cc_type` of the fields of line 21, valid, with the marker bits.
const FIELDS: [u8; 2] = [0xfc, 0xfd];

/// The captions of a sample. Byte pairs come one a frame, so those of one sample are spread over its time.
pub(super) fn read(sample: &Sample) -> Vec<CaptionPacket> {
    let mut packets = Vec::new();
    if sample.crypto.is_some() {
        return packets;
    }
    let mut rest: &[u8] = &sample.payload.0;
    while let Some((size, after)) = rest.split_first_chunk::<4>() {
        let size = u32::from_be_bytes(*size) as usize;
        let Some((kind, _)) = after.split_first_chunk::<4>() else { break };
        let Some(body) = rest.get(8..size) else { break };
        match kind {
            b"cdat" => pairs(sample, FIELDS[0], body, &mut packets),
            b"cdt2" => pairs(sample, FIELDS[1], body, &mut packets),
            b"ccdp" => packets.push(CaptionPacket { pts: sample.pts, triples: distribution_packet(body) }),
            _ => {}
        }
        rest = rest.get(size..).unwrap_or_default();
    }
    packets.sort_by_key(|packet| packet.pts);
    packets
}

fn pairs(sample: &Sample, field: u8, body: &[u8], packets: &mut Vec<CaptionPacket>) {
    let pairs = body.as_chunks::<2>().0;
    let count = pairs.len().clamp(1, MOST_PAIRS) as i64;
    let duration = i64::try_from(sample.duration.as_nanos()).unwrap_or(i64::MAX);
    for (index, [first, second]) in (0..count).zip(pairs) {
        let pts = sample.pts.shifted(duration / count * index);
        packets.push(CaptionPacket { pts, triples: vec![field, *first, *second] });
    }
}

/// The triples of a caption distribution packet: a header of seven bytes, a time code of five when `flags` say so,
/// then `ccdata_section` (SMPTE ST 334-2 §5). The sections after it are not needed.
fn distribution_packet(body: &[u8]) -> Vec<u8> {
    let mut triples = Vec::new();
    let [0x96, 0x69, _, _, flags, _, _, rest @ ..] = body else { return triples };
    let rest = if flags & 0x80 != 0 { rest.get(5..).unwrap_or_default() } else { rest };
    if let [0x72, count, data @ ..] = rest {
        user_data::valid(data, usize::from(count & 0x1f), &mut triples);
    }
    triples
}
