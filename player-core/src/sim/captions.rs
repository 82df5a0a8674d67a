//! Captions of a virtual film: the first channel of line 21 shows the number of each segment, from its twelfth picture
//! to its sixtieth.

use crate::container::{CaptionPacket, DemuxOutput};
use crate::time::MediaTime;

/// Captions of a film, and their declaration in its manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Captions {
    /// None, and nothing is said.
    #[default]
    None,
    /// They are there, and nothing is said.
    Unannounced,
    /// They are there, in this language.
    Announced(String),
    /// They are there, and an HLS playlist denies it.
    Denied,
}

/// Picture of a segment with which its caption appears.
const APPEARS: usize = 12;
/// Picture of a segment with which it goes.
const GOES: usize = 60;

/// Adds captions to the pieces of a segment, in presentation order, as demuxers give them: those of a picture come
/// once no earlier one can follow.
pub fn weave(pieces: &mut [(u64, Vec<DemuxOutput>)], number: u64) {
    let times = |outputs: &[DemuxOutput]| -> Vec<MediaTime> {
        let fragments = outputs.iter().filter_map(|output| match output {
            DemuxOutput::Fragment(fragment) => Some(&fragment.samples),
            _ => None,
        });
        fragments.flatten().map(|sample| sample.pts).collect()
    };
    let by_piece: Vec<Vec<MediaTime>> = pieces.iter().map(|(_, outputs)| times(outputs)).collect();
    let mut waiting: Vec<MediaTime> = Vec::new();
    let mut picture = 0;
    for (index, (_, outputs)) in pieces.iter_mut().enumerate() {
        waiting.extend(by_piece.get(index).into_iter().flatten());
        waiting.sort_unstable();
        let later = by_piece.iter().skip(index + 1).flatten().min().copied().unwrap_or(MediaTime::MAX);
        let ready = waiting.partition_point(|pts| *pts < later);
        let packets = waiting.drain(..ready).map(|pts| {
            picture += 1;
            CaptionPacket { pts, triples: triples(picture - 1, number) }
        });
        outputs.push(DemuxOutput::Captions(packets.collect()));
    }
}

/// Pop-on (ANSI/CTA-608-E §8.2): load, erase the hidden memory, row 15, text, show; later erase.
fn triples(picture: usize, number: u64) -> Vec<u8> {
    let digits = [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
    let pairs: &[[u8; 2]] = match picture {
        APPEARS => &[[0x14, 0x20], [0x14, 0x2e], [0x14, 0x70], digits, [0x14, 0x2f]],
        GOES => &[[0x14, 0x2c]],
        _ => &[[0, 0]],
    };
    let parity = |byte: u8| if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte };
    pairs.iter().flat_map(|[first, second]| [0xfc, parity(*first), parity(*second)]).collect()
}
