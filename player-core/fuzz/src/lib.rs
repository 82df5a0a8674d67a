//! What the fuzz targets do with their input. A panic is a defect; so is a difference that only the size of the
//! pieces explains.

use bytes::Bytes;
use player_core::WallClock;
use player_core::container::{DemuxError, DemuxOutput, demuxer, describe_samples, mp4, read_init};
use player_core::model::ContainerFormat;
use player_core::{manifest, text};
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
        DemuxOutput::Init(_) | DemuxOutput::Protection(_) => 0,
    };
    outputs.iter().map(count).sum()
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
