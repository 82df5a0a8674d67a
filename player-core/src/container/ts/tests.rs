//! Small streams that a muxer of our own made, whole and in pieces, and damaged ones.
#![expect(clippy::unwrap_used, reason = "tests")]

mod access_units;
mod carry;
mod damage;
mod encrypted;
mod kit;
mod parameter_sets;
mod reading;
mod tables;

use bytes::Bytes;

use super::testmux::{Mux, PPS, SPS, adts, byte_stream, slice};
use crate::container::{DemuxError, DemuxOutput, DemuxSetup, InitSegment, Sample, SampleKey, open};
use crate::model::ContainerFormat;

const VIDEO: u16 = 0x101;
const SOUND: u16 = 0x102;
const ENTRIES: &[super::testmux::Entry<'static>] = &[(0x1b, VIDEO, &[]), (0x0f, SOUND, &[])];

/// Ten pictures at 25 Hz and sound, from `origin` on.
fn film(origin: u64) -> Mux {
    let mut mux = Mux::new(ENTRIES);
    for number in 0..10u32 {
        let time = origin + 3600 * u64::from(number);
        let picture = slice(number == 0, 0, number, number * 2, 300);
        let mut nals: Vec<&[u8]> = vec![&[9, 0xf0]];
        if number == 0 {
            nals.extend([SPS, PPS]);
        }
        nals.push(&picture);
        let wrapped = |time: u64| time & ((1 << 33) - 1);
        mux.packet(VIDEO, Some((wrapped(time + 3600), wrapped(time))), &byte_stream(&nals));
        if number % 5 == 0 {
            let sound: Vec<_> = (0..9).flat_map(|frame| adts(100 + frame, number as u8)).collect();
            mux.packet(SOUND, Some((wrapped(time), wrapped(time))), &sound);
        }
    }
    mux
}

type Read = Result<Vec<DemuxOutput>, DemuxError>;

fn read(bytes: &[u8], piece: usize, key: Option<&SampleKey>) -> Read {
    let mut setup = DemuxSetup::new(ContainerFormat::MpegTs, None);
    setup.sample_key = key.cloned();
    let mut demuxer = open(&setup)?;
    let mut outputs = Vec::new();
    for piece in bytes.chunks(piece) {
        outputs.extend(demuxer.push(Bytes::copy_from_slice(piece))?);
    }
    outputs.extend(demuxer.finish()?);
    Ok(outputs)
}

/// Samples of a track, in order.
fn samples(outputs: &[DemuxOutput], track: u16) -> Vec<Sample> {
    let of = |output: &DemuxOutput| match output {
        DemuxOutput::Fragment(fragment) if fragment.track == u32::from(track) => fragment.samples.clone(),
        _ => Vec::new(),
    };
    outputs.iter().flat_map(of).collect()
}

fn inits(outputs: &[DemuxOutput]) -> Vec<InitSegment> {
    let of = |output: &DemuxOutput| match output {
        DemuxOutput::Init(init) => Some(init.as_ref().clone()),
        _ => None,
    };
    outputs.iter().filter_map(of).collect()
}
