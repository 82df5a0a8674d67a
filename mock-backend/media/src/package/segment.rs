//! Cuts a track into CMAF segments: where to cut, and the bytes of each (ISO/IEC 23000-19 §7.3).

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::super::IngestError;
use super::boxes;
use super::track::{Sample, Track};

/// One segment as manifests describe it. Times are ticks of the presentation: the edit list is already applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) start: u64,
    pub(crate) duration: u64,
    pub(crate) bytes: u64,
}

/// The file name of segment `index`, counted from 0.
pub(crate) fn file_name(index: usize) -> String {
    format!("seg-{:05}.m4s", index + 1)
}

/// Indices of the samples that begin a segment: sync samples at least `ticks` after the last one, starting with sample 0.
pub(crate) fn cuts_at_sync(track: &Track, ticks: u64) -> Result<Vec<usize>, IngestError> {
    if !track.samples.first().is_some_and(Sample::is_sync) {
        return Err(IngestError::output("the first picture is not a key frame"));
    }
    let mut cuts = vec![0];
    let (mut now, mut last) = (0u64, 0u64);
    for (i, sample) in track.samples.iter().enumerate() {
        if i > 0 && sample.is_sync() && now - last >= ticks {
            cuts.push(i);
            last = now;
        }
        now += u64::from(sample.duration);
    }
    Ok(cuts)
}

/// Indices of the samples that begin a segment when every sample may: the ones whose presentation begins nearest to each boundary.
/// `boundaries` are ascending presentation times in `(ticks, timescale)`; those beyond the end give no cut.
pub(crate) fn cuts_near(track: &Track, boundaries: impl IntoIterator<Item = (u64, u32)>) -> Vec<usize> {
    let mut cuts = vec![0];
    let mut samples = track.samples.iter().enumerate();
    let mut now = 0u64;
    'boundaries: for (ticks, timescale) in boundaries {
        let wanted = u128::from(ticks) * u128::from(track.timescale) / u128::from(timescale) + u128::from(track.start);
        for (i, sample) in samples.by_ref() {
            let begin = now;
            now += u64::from(sample.duration);
            if i > 0 && u128::from(begin + u64::from(sample.duration) / 2) >= wanted {
                cuts.push(i);
                continue 'boundaries;
            }
        }
        break;
    }
    cuts
}

/// Writes the segments of a track beside its initialisation into `dir` (which is created) and returns what was written.
pub(crate) fn write(track: &Track, source: &Path, cuts: &[usize], dir: &Path) -> Result<Vec<Segment>, IngestError> {
    write_from(0, track, source, cuts, dir)
}

/// The same for segments with other names.
pub(crate) fn write_named(
    name: fn(usize) -> String,
    track: &Track,
    source: &Path,
    cuts: &[usize],
    dir: &Path,
) -> Result<Vec<Segment>, IngestError> {
    write_all(name, 0, track, source, cuts, dir)
}

/// The same for a track whose first sample is decoded at `decode_time`.
pub(crate) fn write_from(
    decode_time: u64,
    track: &Track,
    source: &Path,
    cuts: &[usize],
    dir: &Path,
) -> Result<Vec<Segment>, IngestError> {
    write_all(file_name, decode_time, track, source, cuts, dir)
}

fn write_all(
    name: fn(usize) -> String,
    decode_time: u64,
    track: &Track,
    source: &Path,
    cuts: &[usize],
    dir: &Path,
) -> Result<Vec<Segment>, IngestError> {
    fs::create_dir_all(dir).map_err(IngestError::io(dir))?;
    let path = dir.join("init.mp4");
    fs::write(&path, &track.init).map_err(IngestError::io(&path))?;
    let file = File::open(source).map_err(IngestError::io(source))?;
    let mut payload = Payload { input: BufReader::new(file), position: 0 };
    let mut segments = Vec::with_capacity(cuts.len());
    let mut decode_time = decode_time;
    for (index, &first) in cuts.iter().enumerate() {
        let end = cuts.get(index + 1).copied().unwrap_or(track.samples.len());
        let samples = &track.samples[first..end];
        let ticks: u64 = samples.iter().map(|s| u64::from(s.duration)).sum();
        let header = fragment_header(index as u32 + 1, decode_time, samples);
        let path = dir.join(name(index));
        let bytes = write_one(&path, &header, &mut payload, samples).map_err(IngestError::io(&path))?;
        let start = decode_time.saturating_sub(track.start);
        decode_time += ticks;
        segments.push(Segment { start, duration: decode_time.saturating_sub(track.start) - start, bytes });
    }
    Ok(segments)
}

/// The encoder's file, read mostly from front to back.
struct Payload {
    input: BufReader<File>,
    position: u64,
}

impl Payload {
    fn copy(&mut self, sample: &Sample, out: &mut impl Write) -> std::io::Result<()> {
        if sample.offset != self.position {
            // A seek empties the read buffer, so it is done only where samples are not adjacent.
            self.input.seek(SeekFrom::Start(sample.offset))?;
        }
        let size = u64::from(sample.size);
        if std::io::copy(&mut self.input.by_ref().take(size), out)? != size {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.position = sample.offset + size;
        Ok(())
    }
}

fn write_one(path: &Path, header: &[u8], payload: &mut Payload, samples: &[Sample]) -> std::io::Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(header)?;
    for sample in samples {
        payload.copy(sample, &mut out)?;
    }
    out.flush()?;
    Ok(header.len() as u64 + samples.iter().map(|s| u64::from(s.size)).sum::<u64>())
}

/// `styp`, `moof` and the header of `mdat` for one fragment.
fn fragment_header(sequence: u32, decode_time: u64, samples: &[Sample]) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + samples.len() * 8);
    boxes::write(&mut out, b"styp", |out| out.extend_from_slice(b"msdh\0\0\0\0msdhcmfscmff"));
    write_fragment_header(&mut out, sequence, decode_time, samples);
    out
}

/// Appends `moof` and the header of `mdat`.
pub(crate) fn write_fragment_header(out: &mut Vec<u8>, sequence: u32, decode_time: u64, samples: &[Sample]) {
    let moof = out.len();
    let mut data_offset = 0;
    boxes::write(out, b"moof", |out| {
        boxes::write_full(out, b"mfhd", 0, 0, |out| put(out, sequence));
        boxes::write(out, b"traf", |out| {
            let last = samples.last().copied();
            let (duration, flags) = last.map_or((0, 0), |s| (s.duration, s.flags));
            // default-base-is-moof, default duration, default flags.
            boxes::write_full(out, b"tfhd", 0, 0x02_0028, |out| {
                put(out, 1);
                put(out, samples.first().map_or(duration, |s| s.duration));
                put(out, flags);
            });
            boxes::write_full(out, b"tfdt", 1, 0, |out| out.extend_from_slice(&decode_time.to_be_bytes()));
            data_offset = write_run(out, samples);
        });
    });
    let payload: u64 = samples.iter().map(|s| u64::from(s.size)).sum();
    let offset = (out.len() - moof + 8) as u32;
    out[data_offset..data_offset + 4].copy_from_slice(&offset.to_be_bytes());
    put(out, payload as u32 + 8);
    out.extend_from_slice(b"mdat");
}

/// Gives a segment another sequence number and a decode time that is `later` ticks after its own. Its length stays.
///
/// # Errors
/// When it is not a segment as [`write`] writes them.
pub(crate) fn renumber(segment: &mut [u8], sequence: u32, later: u64) -> Result<(), IngestError> {
    let mfhd = boxes::locate(segment, &[b"moof", b"mfhd"])?;
    let tfdt = boxes::locate(segment, &[b"moof", b"traf", b"tfdt"])?;
    let short = || IngestError::output("a box ends too soon");
    let number = segment.get_mut(mfhd).and_then(|body| body.get_mut(4..8)).ok_or_else(short)?;
    number.copy_from_slice(&sequence.to_be_bytes());
    let body = segment.get_mut(tfdt).ok_or_else(short)?;
    let (version, time) = body.split_at_mut_checked(4).ok_or_else(short)?;
    if version[0] != 1 {
        return Err(IngestError::output("a decode time of 32 bits"));
    }
    let time = time.first_chunk_mut::<8>().ok_or_else(short)?;
    let moved =
        u64::from_be_bytes(*time).checked_add(later).ok_or_else(|| IngestError::output("a time is too large"))?;
    *time = moved.to_be_bytes();
    Ok(())
}

/// A `trun` that states only what differs from the defaults of [`fragment_header`]; returns where its data offset is.
fn write_run(out: &mut Vec<u8>, samples: &[Sample]) -> usize {
    let first_duration = samples.first().map(|s| s.duration);
    let durations = samples.iter().any(|s| Some(s.duration) != first_duration);
    let compositions = samples.iter().any(|s| s.composition != 0);
    let default_flags = samples.last().map(|s| s.flags);
    let rest_differs = samples.iter().skip(1).any(|s| Some(s.flags) != default_flags);
    let first_differs = !rest_differs && samples.first().map(|s| s.flags) != default_flags;
    let bits = [
        (0x1, true),
        (0x4, first_differs),
        (0x100, durations),
        (0x200, true),
        (0x400, rest_differs),
        (0x800, compositions),
    ];
    let flags = bits.iter().filter(|b| b.1).fold(0, |all, b| all | b.0);
    let mut data_offset = 0;
    boxes::write_full(out, b"trun", 1, flags, |out| {
        put(out, samples.len() as u32);
        data_offset = out.len();
        put(out, 0);
        if first_differs {
            put(out, samples[0].flags);
        }
        for sample in samples {
            if durations {
                put(out, sample.duration);
            }
            put(out, sample.size);
            if rest_differs {
                put(out, sample.flags);
            }
            if compositions {
                put(out, sample.composition.cast_unsigned());
            }
        }
    });
    data_offset
}

fn put(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn track(timescale: u32, start: u64, durations: &[u32], sync_every: usize) -> Track {
        let mut offset = 0;
        let sample = |(i, &duration): (usize, &u32)| {
            let flags = if i % sync_every == 0 { 0x0200_0000 } else { 0x0101_0000 };
            let sample = Sample { offset, size: 10 + i as u32 % 3, duration, composition: (i % 2) as i32 * -3, flags };
            offset += u64::from(sample.size);
            sample
        };
        let samples = durations.iter().enumerate().map(sample).collect();
        Track { init: b"init".to_vec(), timescale, start, codec: "x".into(), samples }
    }

    #[test]
    fn pictures_are_cut_at_key_frames_only() {
        let track = track(25_000, 0, &[1000; 120], 25);
        assert_eq!(cuts_at_sync(&track, 50_000).unwrap(), [0, 50, 100]);
        assert_eq!(cuts_at_sync(&track, 50_001).unwrap(), [0, 75]);
    }

    #[test]
    fn sound_is_cut_within_half_a_frame_of_the_picture() {
        let durations = [1024; 470];
        let track = track(48_000, 1024, &durations, 1);
        let boundaries: Vec<_> = (1..=4).map(|n| (n * 50_000, 25_000)).collect();
        let cuts = cuts_near(&track, boundaries);
        assert_eq!(cuts.len(), 5);
        for (n, &cut) in cuts.iter().enumerate().skip(1) {
            let presented = cut as i64 * 1024 - 1024;
            assert!((presented - n as i64 * 96_000).abs() <= 512, "cut {n} at {presented}");
        }
        assert_eq!(cuts_near(&track, [(1000, 1)]), [0]);
    }

    #[test]
    fn a_written_segment_reads_back_sample_for_sample() {
        let mut durations = [1000; 60];
        durations[59] = 700;
        let dir = tempfile::tempdir().unwrap();
        let track = track(25_000, 0, &durations, 30);
        let total: u32 = track.samples.iter().map(|s| s.size).sum();
        let payload: Vec<u8> = (0..total).map(|i| i as u8).collect();
        let source = dir.path().join("payload");
        fs::write(&source, &payload).unwrap();
        let segments = write(&track, &source, &[0, 30], &dir.path().join("out")).unwrap();
        assert_eq!(segments[0], Segment { start: 0, duration: 30_000, bytes: segments[0].bytes });
        assert_eq!((segments[1].start, segments[1].duration), (30_000, 29_700));
        let mut seen = Vec::new();
        for (n, segment) in segments.iter().enumerate() {
            let bytes = fs::read(dir.path().join("out").join(file_name(n))).unwrap();
            assert_eq!(bytes.len() as u64, segment.bytes);
            let moof_at = bytes.windows(4).position(|w| w == b"moof").unwrap() - 4;
            let trun = boxes::descend(&bytes, &[b"moof", b"traf", b"trun"]).unwrap();
            let mut reader = boxes::Reader(trun);
            reader.skip(4).unwrap();
            assert_eq!(reader.u32().unwrap(), 30);
            let at = moof_at + reader.u32().unwrap() as usize;
            seen.extend_from_slice(&bytes[at..]);
            let tfdt = boxes::descend(&bytes, &[b"moof", b"traf", b"tfdt"]).unwrap();
            assert_eq!(u64::from_be_bytes(tfdt[4..].try_into().unwrap()), segment.start);
        }
        assert_eq!(seen, payload);
    }

    proptest::proptest! {
        #[test]
        fn a_segment_that_is_renumbered_differs_in_two_numbers_only(
            number: u32, later in 0..u64::MAX / 2, start in 0..u64::MAX / 2, count in 1_usize..40, sync in 1_usize..9,
        ) {
            let track = track(24_000, 0, &vec![1000; count], sync);
            let before = fragment_header(7, start, &track.samples);
            let mut after = before.clone();
            renumber(&mut after, number, later).unwrap();
            let field = |kind: &[u8; 4], skip: usize, long: usize| {
                let at = before.windows(4).position(|bytes| bytes == kind).unwrap() + 4 + skip;
                at..at + long
            };
            let (sequence, time) = (field(b"mfhd", 4, 4), field(b"tfdt", 4, 8));
            proptest::prop_assert_eq!(&after[sequence.clone()], number.to_be_bytes());
            proptest::prop_assert_eq!(&after[time.clone()], (start + later).to_be_bytes());
            after[sequence.clone()].copy_from_slice(&before[sequence]);
            after[time.clone()].copy_from_slice(&before[time]);
            proptest::prop_assert_eq!(after, before);
        }

        #[test]
        fn bytes_that_are_no_segment_are_an_error(bytes: Vec<u8>) {
            let mut bytes = bytes;
            proptest::prop_assert!(renumber(&mut bytes, 1, 1).is_err());
        }
    }
}
