//! A session as a picture: what the link offered, what was shown, the buffer, and where nothing was shown.

use std::{fmt::Write, time::Duration};

use crate::simulator::{link::Link, session::Session, video::Video};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 12.0;
/// Top and height of the two panels.
const RATES: (f64, f64) = (34.0, 220.0);
const BUFFER: (f64, f64) = (286.0, 120.0);
const HEIGHT: f64 = 440.0;
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
    drawing.axis(&mut out, RATES, top / 1e6, "Mbit/s");
    let step = Duration::from_secs_f64(end) / POINTS;
    let offered = (0..POINTS).map(|point| {
        let from = step * point;
        let bits = link.bytes_between(from, from + step) as f64 * 8.0;
        (from.as_secs_f64(), (bits / step.as_secs_f64().max(1e-9)).min(top))
    });
    drawing.curve(&mut out, RATES, top, "#9bb8d3", offered);
    let shown = session.segments.iter().flat_map(|segment| {
        let rate = video.rungs().get(segment.rung).map_or(0.0, |rung| rung.bitrate_bps as f64);
        [(segment.requested.as_secs_f64(), rate), (segment.arrived.as_secs_f64(), rate)]
    });
    drawing.curve(&mut out, RATES, top, "#c23b22", shown);
    let most = session.segments.iter().map(|segment| segment.buffer.as_secs_f64()).fold(1.0, f64::max);
    drawing.axis(&mut out, BUFFER, most, "s ahead");
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
    format!("<!doctype html>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n{}", drawings.join("\n"))
}

struct Drawing {
    /// Seconds from left to right.
    end: f64,
}

impl Drawing {
    fn x(&self, seconds: f64) -> f64 {
        LEFT + (seconds / self.end).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn axis(&self, out: &mut String, (top, height): (f64, f64), most: f64, unit: &str) {
        for part in 0..=4 {
            let value = most * f64::from(part) / 4.0;
            let y = top + height * (1.0 - f64::from(part) / 4.0);
            let _ = writeln!(
                out,
                "<path d=\"M{LEFT} {y:.1}H{:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" \
                 text-anchor=\"end\">{value:.1}</text>",
                WIDTH - RIGHT,
                LEFT - 4.0,
                y + 4.0
            );
        }
        let _ = writeln!(out, "<text x=\"4\" y=\"{:.1}\">{unit}</text>", top - 6.0);
        let every = (self.end / 8.0 / 10.0).ceil().max(1.0) * 10.0;
        let mut at = 0.0;
        while at <= self.end {
            let (x, y) = (self.x(at), top + height + 14.0);
            let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{at:.0}</text>");
            at += every;
        }
    }

    fn curve(
        &self,
        out: &mut String,
        (top, height): (f64, f64),
        most: f64,
        colour: &str,
        points: impl Iterator<Item = (f64, f64)>,
    ) {
        out.push_str("<path fill=\"none\" stroke-width=\"1.3\" stroke=\"");
        out.push_str(colour);
        out.push_str("\" d=\"");
        for (at, (seconds, value)) in points.enumerate() {
            let y = top + height * (1.0 - (value / most).clamp(0.0, 1.0));
            let _ = write!(out, "{}{:.1} {y:.1}", if at == 0 { 'M' } else { 'L' }, self.x(seconds));
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
