//! The stretcher against signals in which each frame shows its origin.

use std::f64::consts::TAU;

use super::stretch::Stretcher;

const RATE: u32 = 48_000;

/// Frames of 44 ms: the tolerance and a segment, within which output lies around what is due.
const WINDOW: i64 = 44 * 48;

/// Frames by which a jump may miss what is due: the tolerance, its steps and the search.
const REACH: f64 = 13.0 * 48.0;

/// Frames of input that are due, piecewise linear over frames of output.
struct Plan(Vec<(i64, f64, f64)>);

impl Plan {
    /// Each change gives the frame of output from which its rate is in force; the first is at zero.
    fn new(changes: &[(i64, f64)]) -> Self {
        let mut knots: Vec<(i64, f64, f64)> = Vec::new();
        for (at, rate) in changes {
            let due = knots.last().map_or(0.0, |(from, due, rate)| due + (at - from) as f64 * rate);
            knots.push((*at, due, *rate));
        }
        Self(knots)
    }

    fn constant(rate: f64) -> Self {
        Self::new(&[(0, rate)])
    }

    fn due(&self, frame: i64) -> f64 {
        let after = self.0.partition_point(|(from, ..)| *from <= frame);
        let (from, due, rate) = self.0[after.saturating_sub(1)];
        due + (frame - from) as f64 * rate
    }
}

/// Feeds the input in blocks and gives all output.
fn stretch(plan: &Plan, input: &[f32], channels: u32, block: usize) -> Vec<f32> {
    let mut stretcher = Stretcher::new(RATE, channels);
    let mut out = Vec::new();
    let mut made = 0;
    for samples in input.chunks(block * channels as usize) {
        stretcher.push(samples);
        made += stretcher.pull(|frame| plan.due(made + frame), false, &mut out);
    }
    made += stretcher.pull(|frame| plan.due(made + frame), true, &mut out);
    assert_eq!(out.len(), made as usize * channels as usize);
    assert_eq!(stretcher.next(), stretcher.end(), "nothing is held at the end");
    out
}

fn sine(hertz: f64, seconds: f64) -> Vec<f32> {
    let frames = (seconds * f64::from(RATE)) as usize;
    (0..frames).map(|frame| (TAU * hertz * frame as f64 / f64::from(RATE)).sin() as f32 * 0.5).collect()
}

/// Speech-like: a voice whose pitch glides, with syllables and pauses, and a little noise.
fn voice(seconds: f64) -> Vec<f32> {
    let (mut phase, mut seed) = (0.0_f64, 1_u32);
    (0..(seconds * f64::from(RATE)) as usize)
        .map(|frame| {
            let time = frame as f64 / f64::from(RATE);
            phase += TAU * (140.0 + 40.0 * (TAU * 0.7 * time).sin()) / f64::from(RATE);
            let syllable = (TAU * 3.0 * time).sin().max(0.0);
            let tone: f64 = (1..12).map(|n| (phase * f64::from(n)).sin() / f64::from(n)).sum();
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(seed >> 8) / f64::from(1 << 24) - 0.5;
            (syllable * (0.25 * tone + 0.01 * noise)) as f32
        })
        .collect()
}

/// A hundred changes in a minute within ± 10 %, at uneven distances.
fn busy() -> Plan {
    let (mut at, mut seed) = (0_i64, 7_u32);
    let changes = (0..100).map(|step| {
        let change = (at, if step % 4 == 3 { 1.0 } else { 0.9 + f64::from(step * 37 % 100) / 500.0 });
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        at += 2_000 + i64::from(seed >> 17);
        change
    });
    Plan::new(&changes.collect::<Vec<_>>())
}

fn steepest(samples: &[f32]) -> f32 {
    samples.windows(2).fold(0.0, |most, pair| most.max((pair[1] - pair[0]).abs()))
}

/// Frequency by the upward crossings of zero, the first and last of which are interpolated.
fn frequency(samples: &[f32]) -> f64 {
    let crossings: Vec<f64> = samples
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0)
        .map(|(at, pair)| at as f64 + f64::from(-pair[0] / (pair[1] - pair[0])))
        .collect();
    let (first, last) = (crossings[0], crossings[crossings.len() - 1]);
    (crossings.len() - 1) as f64 * f64::from(RATE) / (last - first)
}

#[test]
fn at_rate_one_output_is_input_bit_for_bit() {
    for (channels, block) in [(1, 1_024), (2, 960), (2, 7), (6, 1_536), (8, 333)] {
        let input: Vec<f32> = voice(1.0).iter().flat_map(|sample| vec![*sample; channels as usize]).collect();
        assert_eq!(stretch(&Plan::constant(1.0), &input, channels, block), input, "{channels} channels by {block}");
    }
}

#[test]
fn a_tone_keeps_its_frequency_and_its_smoothness() {
    for rate in [0.5, 0.75, 0.9, 0.95, 1.02, 1.05, 1.1, 1.25, 1.5, 2.0] {
        for hertz in [60.0, 110.0, 440.0, 1_000.0, 3_456.7] {
            let input = sine(hertz, 4.0);
            let output = stretch(&Plan::constant(rate), &input, 1, 1_024);
            let found = frequency(&output);
            assert!((found / hertz - 1.0).abs() < 0.004, "{hertz} Hz at {rate} became {found}");
            let steep = steepest(&output) / steepest(&input);
            assert!(steep < 1.1, "a click of {steep} at {rate} in {hertz} Hz");
            let peak = output.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            assert!(peak < 0.501, "{peak}");
            let expected = input.len() as f64 / rate;
            assert!(
                (output.len() as f64 - expected).abs() <= WINDOW as f64 / rate.min(1.0),
                "{} at {rate}",
                output.len()
            );
        }
    }
}

#[test]
fn a_hundred_changes_keep_the_count_and_make_no_click() {
    let input = voice(66.0);
    let plan = busy();
    let output = stretch(&plan, &input, 1, 1_024);
    let due = plan.due(output.len() as i64);
    assert!((due - input.len() as f64).abs() <= WINDOW as f64, "{due} of {}", input.len());
    assert!(steepest(&output) <= steepest(&input), "{} after {}", steepest(&output), steepest(&input));
    let tone = sine(440.0, 66.0);
    let output = stretch(&plan, &tone, 1, 1_024);
    assert!(steepest(&output) / steepest(&tone) < 1.1, "{}", steepest(&output) / steepest(&tone));
    assert!((frequency(&output) / 440.0 - 1.0).abs() < 0.001);
}

#[test]
fn output_follows_what_is_due_and_jumps_no_further_than_the_search_reaches() {
    // Each frame holds its own number, exact in 24 bits. The offset makes all places alike, so any may be chosen.
    let input: Vec<f32> = (0..66 * 48_000).map(|frame| frame as f32 + 1.0).collect();
    for (plan, least) in [(busy(), 0.89), (Plan::constant(1.05), 1.0), (Plan::constant(0.95), 0.9)] {
        let output = stretch(&plan, &input, 1, 1_024);
        for (frame, sample) in output.iter().enumerate() {
            let off = f64::from(*sample) - 1.0 - plan.due(frame as i64);
            // At the very end nothing is left to jump to.
            assert!(off.abs() <= REACH || frame + 4_000 > output.len(), "{off} frames off at {frame}");
        }
        let fade = 8 * 48;
        // Within a crossfade of 384 frames a jump of up to 22 ms either way is spread.
        let step = 1.0 + 22.5 * 48.0 / f64::from(fade);
        assert!(output.windows(2).all(|pair| f64::from((pair[1] - pair[0]).abs()) <= step), "a step beyond {step}");
        let advances: Vec<f64> = output.chunks(48_000).map(|second| f64::from(second[0])).collect();
        let slowest = advances.windows(2).map(|pair| (pair[1] - pair[0]) / 48_000.0).fold(f64::MAX, f64::min);
        assert!(slowest > least - 0.02, "{slowest}");
    }
}

#[test]
fn a_remainder_is_undone_in_a_pause_and_output_is_input_again() {
    let mut input = voice(3.0);
    input[60_000..70_000].fill(0.0);
    let plan = Plan::new(&[(0, 1.0), (10_000, 1.07), (25_000, 1.0)]);
    let output = stretch(&plan, &input, 1, 480);
    assert_eq!(output[..10_000], input[..10_000]);
    let shift = (plan.due(100_000) - 100_000.0).round() as usize;
    assert_eq!(shift, 1_050);
    let after = 70_000 - shift;
    assert_eq!(output[after..], input[70_000..], "the very frames that are due");
}

#[test]
fn a_remainder_shrinks_to_half_a_period_while_a_tone_goes_on() {
    let input = sine(441.3, 3.0);
    for rate in [0.93, 1.07] {
        let plan = Plan::new(&[(0, 1.0), (10_000, rate), (25_000, 1.0)]);
        let output = stretch(&plan, &input, 1, 1_024);
        let steep = steepest(&output) / steepest(&input);
        assert!(steep < 1.1, "a click of {steep}");
        // Of all periods, the one that is due is the closest: the end is where it belongs.
        let due = plan.due(output.len() as i64) - input.len() as f64;
        assert!(due.abs() <= 0.5 * 48_000.0 / 441.3 + 1.0, "{due} frames off at the end");
    }
}

#[test]
fn rate_changes_within_a_segment_hold_to_the_plan() {
    let changes: Vec<(i64, f64)> =
        (0..4_000).map(|step| (step * 61, [0.5, 2.0, 1.0, 1.3][step as usize % 4])).collect();
    let (plan, input) = (Plan::new(&changes), voice(8.0));
    for block in [64, 1_024, 5_000] {
        let output = stretch(&plan, &input, 1, block);
        let due = plan.due(output.len() as i64);
        assert!((due - input.len() as f64).abs() <= WINDOW as f64, "{due} of {}", input.len());
        assert!(steepest(&output) <= steepest(&input) * 1.1);
    }
}

#[test]
fn channels_stay_together() {
    let mono = voice(3.0);
    for channels in [2_u32, 6, 8] {
        let gains: Vec<f32> = (0..channels).map(|channel| 1.0 - channel as f32 / 10.0).collect();
        let input: Vec<f32> = mono.iter().flat_map(|sample| gains.iter().map(move |gain| gain * sample)).collect();
        let output = stretch(&Plan::constant(1.1), &input, channels, 1_024);
        for frame in output.chunks_exact(channels as usize) {
            for (sample, gain) in frame.iter().zip(&gains) {
                assert!((sample - gain * frame[0]).abs() < 1e-6, "{frame:?}");
            }
        }
        assert!(output.len() < input.len() * 95 / 100);
    }
}

#[test]
fn channels_that_cancel_out_are_compared_all_the_same() {
    let input: Vec<f32> = sine(440.0, 3.0).iter().flat_map(|sample| [*sample, -sample]).collect();
    let output = stretch(&Plan::constant(1.1), &input, 2, 1_024);
    let left: Vec<f32> = output.iter().step_by(2).copied().collect();
    assert!((frequency(&left) / 440.0 - 1.0).abs() < 0.002);
}

#[test]
fn silence_and_numbers_that_are_none_pass() {
    let silence = vec![0.0; 96_000];
    for rate in [0.1, 0.9, 1.0, 1.3, 8.0] {
        let output = stretch(&Plan::constant(rate), &silence, 1, 1_024);
        assert!(output.iter().all(|sample| *sample == 0.0));
        let (made, expected) = (output.len() as f64, 96_000.0 / rate);
        assert!((made - expected).abs() <= WINDOW as f64 / rate.min(1.0), "{made} for {expected} at {rate}");
    }
    let broken = vec![f32::NAN; 48_000];
    assert!(stretch(&Plan::constant(1.2), &broken, 1, 1_024).len() > 38_000);
    let loud = vec![f32::MAX; 48_000];
    assert!(stretch(&Plan::constant(0.8), &loud, 1, 1_024).len() > 58_000);
    assert!(stretch(&Plan::constant(1.2), &[], 2, 1_024).is_empty());
}

#[test]
fn copying_past_it_leaves_a_history_to_jump_back_to() {
    let input = sine(200.0, 2.0);
    let mut stretcher = Stretcher::new(RATE, 1);
    for samples in input[..48_000].chunks(1_024) {
        stretcher.skip(samples);
    }
    assert_eq!((stretcher.next(), stretcher.end()), (48_000, 48_000));
    let mut output = input[..48_000].to_vec();
    let mut made = 0;
    for samples in input[48_000..].chunks(1_024) {
        stretcher.push(samples);
        made += stretcher.pull(|frame| 48_000.0 + (made + frame) as f64 * 0.8, false, &mut output);
    }
    stretcher.pull(|frame| 48_000.0 + (made + frame) as f64 * 0.8, true, &mut output);
    assert!((frequency(&output) / 200.0 - 1.0).abs() < 0.002);
    assert!((output.len() as i64 - 48_000 - 60_000).abs() <= WINDOW, "{}", output.len());
    assert!(steepest(&output) / steepest(&input) < 1.1);
    stretcher.clear();
    assert_eq!((stretcher.next(), stretcher.end()), (0, 0));
}
