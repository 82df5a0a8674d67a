//! A session as a picture: the rate of the link, the rungs shown, the buffer, and the stalls.

use std::{fmt::Write, time::Duration};

use crate::simulator::{link::Link, session::Session, video::Video};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 12.0;
/// Top and height of the two panels.
const RATES: (f64, f64) = (34.0, 220.0);
const BUFFER: (f64, f64) = (286.0, 120.0);
const HEIGHT: f64 = 440.0;
/// Least distance of two labels.
const LINE: f64 = 12.0;
/// Points of the curve of the link.
const POINTS: u32 = 400;

/// Draws `session`, played from `video` over `link`, as an SVG document with `title` above it.
#[must_use]
pub fn svg(title: &str, video: &Video, link: &Link, session: &Session) -> String {
    let end = session.segments.last().map_or(1.0, |last| (last.arrived + last.buffer).as_secs_f64()).max(1.0);
    let drawing = Drawing { end };
    let top = video.rungs().last().map_or(1.0, |rung| rung.bitrate_bps as f64) * 1.5;
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text x=\"{LEFT}\" y=\"20\" \
         font-size=\"14\">{}</text>\n",
        escape(title)
    );
    drawing.stalls(&mut out, session);
    let rates: Vec<f64> = video.rungs().iter().map(|rung| rung.bitrate_bps as f64).collect();
    let marks = rates.iter().map(|rate| (*rate, format!("{:.2}", rate / 1e6)));
    drawing.axis(&mut out, RATES, top, "Mbit/s", marks);
    let step = Duration::from_secs_f64(end) / POINTS;
    let offered = (0..POINTS).map(|point| {
        let from = step * point;
        let bits = link.bytes_between(from, from + step) as f64 * 8.0;
        (from.as_secs_f64(), (bits / step.as_secs_f64().max(1e-9)).min(top))
    });
    drawing.steps(&mut out, RATES, top, "#9bb8d3", offered);
    drawing.fetched(&mut out, top, session, &rates);
    let most = session.segments.iter().map(|segment| segment.buffer.as_secs_f64()).fold(1.0, f64::max);
    drawing.axis(&mut out, BUFFER, most, "s ahead", round_marks(most));
    let segment = video.segment().as_secs_f64();
    let levels = session.segments.iter().flat_map(|played| {
        let level = played.buffer.as_secs_f64();
        let at = played.arrived.as_secs_f64();
        [(at, (level - segment).max(0.0)), (at, level)]
    });
    drawing.curve(&mut out, BUFFER, most, "#2e7d32", levels);
    let _ = write!(
        out,
        "<text x=\"{LEFT}\" y=\"{}\"><tspan fill=\"#5a87b0\">link</tspan> · <tspan fill=\"#c23b22\">fetched</tspan> · \
         <tspan fill=\"#2e7d32\">buffer</tspan> · <tspan fill=\"#b58900\">waiting</tspan></text>\n</svg>\n",
        HEIGHT - 8.0
    );
    out
}

/// Several drawings as one page.
#[must_use]
pub fn html(title: &str, drawings: &[String]) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>svg {{ display: block; max-width: {WIDTH}px; margin: 1em auto }}</style>\n{}",
        drawings.join("\n")
    )
}

struct Drawing {
    /// Seconds from left to right.
    end: f64,
}

impl Drawing {
    fn x(&self, seconds: f64) -> f64 {
        LEFT + (seconds / self.end).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    /// Lines across a panel at `marks`, values and their labels in ascending order, and the seconds below it.
    fn axis(
        &self,
        out: &mut String,
        panel: (f64, f64),
        most: f64,
        unit: &str,
        marks: impl Iterator<Item = (f64, String)>,
    ) {
        let (top, height) = panel;
        let mut lowest_free = f64::INFINITY;
        for (value, label) in [(0.0, "0".to_owned())].into_iter().chain(marks) {
            let y = y(panel, most, value);
            let _ = writeln!(out, "<path d=\"M{LEFT} {y:.1}H{:.1}\" stroke=\"#ddd\"/>", WIDTH - RIGHT);
            // Rungs may lie close together; a label that would cover the one below it is left out.
            if y <= lowest_free {
                let (x, y) = (LEFT - 4.0, y + 4.0);
                let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{label}</text>");
                lowest_free = y - 4.0 - LINE;
            }
        }
        let _ = writeln!(out, "<text x=\"4\" y=\"{:.1}\">{unit}</text>", top - 6.0);
        for (at, label) in [(0.0, "0".to_owned())].into_iter().chain(round_marks(self.end * 0.97)) {
            let (x, y) = (self.x(at), top + height + 14.0);
            let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{label}</text>");
        }
        let (x, y) = (WIDTH - RIGHT, top + height + 14.0);
        let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">s</text>");
    }

    /// Values that hold from their time until the next one's.
    fn steps(
        &self,
        out: &mut String,
        panel: (f64, f64),
        most: f64,
        colour: &str,
        points: impl Iterator<Item = (f64, f64)>,
    ) {
        let mut level = None;
        let corners =
            points.flat_map(|(seconds, value)| [(seconds, level.replace(value).unwrap_or(value)), (seconds, value)]);
        self.curve(out, panel, most, colour, corners);
    }

    /// A stroke from the request of each segment to its end, at its rate. Between strokes nothing was fetched, or what was
    /// fetched was given up.
    fn fetched(&self, out: &mut String, most: f64, session: &Session, rates: &[f64]) {
        out.push_str("<path fill=\"none\" stroke-width=\"2\" stroke=\"#c23b22\" d=\"");
        let mut end = None;
        for segment in &session.segments {
            let y = y(RATES, most, rates.get(segment.rung).copied().unwrap_or(0.0));
            let (from, to) = (self.x(segment.requested.as_secs_f64()), self.x(segment.arrived.as_secs_f64()));
            let joined = end == Some(segment.requested);
            let _ = write!(out, "{}{from:.1} {y:.1}H{to:.1}", if joined { 'L' } else { 'M' });
            end = Some(segment.arrived);
        }
        out.push_str("\"/>\n");
    }

    fn curve(
        &self,
        out: &mut String,
        panel: (f64, f64),
        most: f64,
        colour: &str,
        points: impl Iterator<Item = (f64, f64)>,
    ) {
        out.push_str("<path fill=\"none\" stroke-width=\"1.3\" stroke=\"");
        out.push_str(colour);
        out.push_str("\" d=\"");
        for (at, (seconds, value)) in points.enumerate() {
            let (x, y) = (self.x(seconds), y(panel, most, value));
            let _ = write!(out, "{}{x:.1} {y:.1}", if at == 0 { 'M' } else { 'L' });
        }
        out.push_str("\"/>\n");
    }

    fn stalls(&self, out: &mut String, session: &Session) {
        let start = (Duration::ZERO, session.startup);
        let stalls =
            session.segments.iter().map(|segment| (segment.arrived.saturating_sub(segment.stall), segment.arrived));
        for (from, to) in [start].into_iter().chain(stalls).filter(|(from, to)| to > from) {
            let (x, right) = (self.x(from.as_secs_f64()), self.x(to.as_secs_f64()));
            let _ = writeln!(
                out,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"#ffe8a3\"/>",
                RATES.0,
                (right - x).max(0.5),
                BUFFER.0 + BUFFER.1 - RATES.0
            );
        }
    }
}

/// Returns the position of `value` in a panel whose top is `most`.
fn y((top, height): (f64, f64), most: f64, value: f64) -> f64 {
    top + height * (1.0 - (value / most).clamp(0.0, 1.0))
}

/// Round values above nought and up to `most`, some four to ten of them, and their labels.
fn round_marks(most: f64) -> impl Iterator<Item = (f64, String)> {
    let power = 10_f64.powf((most / 5.0).max(1e-3).log10().floor());
    let step =
        [1.0, 2.0, 5.0].map(|factor| factor * power).into_iter().rfind(|step| most / step >= 4.0).unwrap_or(power);
    let places = usize::from(step < 1.0);
    (1..=(most / step).min(50.0) as u32).map(move |count| {
        let value = step * f64::from(count);
        (value, format!("{value:.places$}"))
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::{
        Rung,
        simulator::{link::Trace, session},
    };

    #[test]
    fn marks_are_round_and_few() {
        let labels = |most| round_marks(most).map(|(_, label)| label).collect::<Vec<_>>().join(" ");
        assert_eq!(labels(21.6), "5 10 15 20");
        assert_eq!(labels(360.0), "50 100 150 200 250 300 350");
        assert_eq!(labels(1.0), "0.2 0.4 0.6 0.8 1.0");
        assert!((1..=10).contains(&round_marks(1e9).count()), "{}", labels(1e9));
    }

    #[test]
    fn a_drawing_is_bounded_and_escapes_its_title() {
        let video =
            Video::constant(vec![Rung::new(500_000), Rung::new(2_000_000)], Duration::from_secs(2), 20).unwrap();
        let link = Link::new(Trace::constant(900, Duration::from_millis(40)));
        let mut rule = crate::default_rule();
        let session = session::play(&video, &link, rule.as_mut(), session::Settings::default());
        let picture = svg("a < b & c", &video, &link, &session);
        assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n"));
        assert!(picture.contains("a &lt; b &amp; c") && picture.contains("#ffe8a3"), "start-up is a wait");
        assert!(!picture.contains("NaN") && !picture.contains("inf"));
        assert!(svg("nothing", &video, &link, &Session::default()).contains("</svg>"));
        assert!(html("page", &[picture]).contains("<title>page</title>"));
    }
}
