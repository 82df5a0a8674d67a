//! What the fuzz targets do with their input. A panic is a defect; so is a difference that only the size of the
//! pieces explains.

use std::time::Duration;

use bytes::Bytes;
use player_core::container::captions::CaptionQueue;
use player_core::container::{
    Codec, DemuxError, DemuxOutput, Payload, Sample, demuxer, describe_samples, mp4, read_init,
};
use player_core::model::{CaptionService, ContainerFormat};
use player_core::text::captions::{CaptionDecoder, CaptionScout};
use player_core::{MediaTime, WallClock, manifest, text};
use url::Url;

/// Media: the first byte chooses the size of the pieces. Whole or in pieces, the verdict is the same.
pub fn mp4(data: &[u8]) {
    let Some((&first, data)) = data.split_first() else { return };
    let bytes = Bytes::copy_from_slice(data);
    let whole = demux(&bytes, bytes.len().max(1));
    let pieces = demux(&bytes, usize::from(first).max(1));
    assert_eq!(whole.1, pieces.1, "the verdict depends on the pieces");
    if whole.1.is_none() {
        assert_eq!(samples(&whole.0), samples(&pieces.0), "the samples depend on the pieces");
    }
    let _ = read_init(bytes);
    let _ = mp4::sidx::read(data, 0);
    let _ = describe_samples(data);
}

fn demux(bytes: &Bytes, size: usize) -> (Vec<DemuxOutput>, Option<DemuxError>) {
    let mut outputs = Vec::new();
    let mut run = || {
        let mut demuxer = demuxer(ContainerFormat::Unknown, None)?;
        for start in (0..bytes.len()).step_by(size) {
            outputs.extend(demuxer.push(bytes.slice(start..bytes.len().min(start + size)))?);
        }
        outputs.extend(demuxer.finish()?);
        Ok(())
    };
    let verdict = run().err();
    (outputs, verdict)
}

fn samples(outputs: &[DemuxOutput]) -> usize {
    let count = |output: &DemuxOutput| match output {
        DemuxOutput::Fragment(fragment) => fragment.samples.len(),
        DemuxOutput::Cues { cues, .. } => cues.len(),
        DemuxOutput::Metadata(events) => events.len(),
        DemuxOutput::Captions(packets) => packets.len(),
        DemuxOutput::Init(_) => 0,
    };
    outputs.iter().map(count).sum()
}

/// Captions: the first byte chooses between the triples of `cc_data()`, which come six a picture, and a sample with
/// messages in it. Every channel and some services are read.
pub fn captions(data: &[u8]) {
    let Some((&kind, data)) = data.split_first() else { return };
    let sample = |bytes: &[u8]| Sample {
        pts: MediaTime::ZERO,
        dts: MediaTime::ZERO,
        duration: Duration::from_millis(40),
        key: false,
        payload: Payload(Bytes::copy_from_slice(bytes)),
        crypto: None,
    };
    let codecs = [
        Codec::H264 { avcc: Bytes::new(), in_band: false },
        Codec::H265 { hvcc: Bytes::new(), in_band: false },
        Codec::Other(*b"c608"),
        Codec::Other(*b"c708"),
    ];
    match codecs.get(usize::from(kind % 8)) {
        Some(codec) => {
            let mut queue = CaptionQueue::default();
            queue.add(&sample(data), codec);
            queue.finish().iter().for_each(|packet| read_captions(&packet.triples));
        }
        None => read_captions(data),
    }
}

fn read_captions(triples: &[u8]) {
    let services = (1..=4).map(CaptionService::Cea608).chain([1, 2, 63].map(CaptionService::Cea708));
    let mut decoders: Vec<CaptionDecoder> = services.map(CaptionDecoder::new).collect();
    let mut scout = CaptionScout::default();
    let mut cues = Vec::new();
    for (picture, triples) in triples.chunks(18).enumerate() {
        scout.push(triples);
        for decoder in &mut decoders {
            decoder.push(MediaTime::from_millis(picture as i64 * 40), triples, &mut cues);
            assert!(decoder.shown().len() <= 15);
        }
    }
    assert!(cues.iter().all(|cue| cue.start < cue.end && !cue.plain_text().trim().is_empty()));
}

/// Subtitles.
pub fn webvtt(data: &[u8]) {
    let _ = text::webvtt::parse(data);
    let _ = text::describe(data);
}

/// Playlists, with and without the signature, which random data hardly ever has.
pub fn m3u8(data: &[u8]) {
    manifest(data);
    manifest(&[b"#EXTM3U\n", data].concat());
}

/// Media presentation descriptions.
pub fn mpd(data: &[u8]) {
    manifest(data);
}

fn manifest(data: &[u8]) {
    let Ok(base) = Url::parse("http://example.com/path/manifest") else { return };
    let now = Some(WallClock::from_unix_nanos(1_700_000_000_000_000_000));
    let _ = manifest::parse(data, &base, now);
    let _ = manifest::describe(data, &base, now);
}
