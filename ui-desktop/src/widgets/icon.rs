//! Icons, painted from lines and shapes so that they are sharp at any size and need no font.

use std::f32::consts::{FRAC_PI_2, PI, TAU};

use egui::{Color32, CornerRadius, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, vec2};

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Icon {
    /// A triangle.
    Play,
    /// Two bars.
    Pause,
    /// An arrow in a circle.
    Replay,
    /// Back by ten seconds.
    Back10,
    /// Forwards by ten seconds.
    Forward10,
    /// A speaker with so many waves, 0–2.
    Speaker(u8),
    /// A speaker that is crossed out.
    Muted,
    /// Four corners pointing out.
    Fullscreen,
    /// Four corners pointing in.
    ExitFullscreen,
    /// A box with lines of text.
    Subtitles,
    /// Bars of sound.
    Audio,
    /// Sliders.
    Quality,
    /// A chevron to the left.
    ChevronLeft,
    /// A chevron to the right.
    ChevronRight,
    /// The letter i in a circle.
    Info,
    /// A tick.
    Check,
    /// A cross.
    Close,
    /// An upright cross.
    Plus,
    /// A thumb that points up.
    ThumbUp,
    /// A thumb that points down.
    ThumbDown,
    /// A triangle with an exclamation mark.
    Warning,
    /// Sliders for the settings.
    Settings,
    /// A dial with a needle.
    Speed,
    /// Lines of a list.
    Chapters,
    /// A triangle that meets a bar.
    Next,
    /// An eye.
    Eye,
    /// An eye that is crossed out.
    EyeClosed,
    /// A magnifying glass.
    Search,
    /// Two heads.
    People,
    /// A padlock.
    Lock,
    /// A pencil.
    Pencil,
    /// A key of a keyboard that erases to the left.
    Backspace,
}

/// Paints an icon into a square of the given side around `center`.
pub fn paint(painter: &Painter, icon: Icon, center: Pos2, side: f32, color: Color32) {
    let pen = Pen { painter, center, unit: side / 24.0, color };
    match icon {
        Icon::Play => pen.polygon(&[(-5.5, -8.5), (9.0, 0.0), (-5.5, 8.5)]),
        Icon::Pause => {
            pen.bar(-6.5, -8.0, 4.5, 16.0, 1.0);
            pen.bar(2.0, -8.0, 4.5, 16.0, 1.0);
        }
        Icon::Replay => pen.turning_arrow(false, 8.0),
        Icon::Back10 => pen.ten_seconds(true),
        Icon::Forward10 => pen.ten_seconds(false),
        Icon::Speaker(waves) => pen.speaker(waves),
        Icon::Muted => {
            pen.speaker(0);
            pen.line(&[(4.0, -3.5), (11.0, 3.5)]);
            pen.line(&[(11.0, -3.5), (4.0, 3.5)]);
        }
        Icon::Fullscreen => pen.corners(8.0, 3.5),
        Icon::ExitFullscreen => pen.corners(3.5, 8.0),
        Icon::Subtitles => {
            pen.frame(-10.0, -7.5, 20.0, 15.0, 3.0);
            pen.line(&[(-6.0, 0.0), (-1.0, 0.0)]);
            pen.line(&[(2.0, 0.0), (6.0, 0.0)]);
            pen.line(&[(-6.0, 4.0), (2.0, 4.0)]);
            pen.line(&[(5.0, 4.0), (6.0, 4.0)]);
        }
        Icon::Audio => {
            for (x, half) in [(-9.0, 3.0), (-4.5, 8.0), (0.0, 5.0), (4.5, 9.5), (9.0, 3.5)] {
                pen.line(&[(x, -half), (x, half)]);
            }
        }
        Icon::Quality | Icon::Settings => pen.sliders(),
        Icon::ChevronLeft => pen.line(&[(3.5, -8.0), (-4.5, 0.0), (3.5, 8.0)]),
        Icon::ChevronRight => pen.line(&[(-3.5, -8.0), (4.5, 0.0), (-3.5, 8.0)]),
        Icon::Info => {
            pen.circle(0.0, 0.0, 9.0);
            pen.line(&[(0.0, -0.5), (0.0, 5.0)]);
            pen.dot(0.0, -4.5, 1.3);
        }
        Icon::Check => pen.line(&[(-7.0, 0.5), (-2.0, 5.5), (7.5, -5.5)]),
        Icon::Close => {
            pen.line(&[(-6.5, -6.5), (6.5, 6.5)]);
            pen.line(&[(6.5, -6.5), (-6.5, 6.5)]);
        }
        Icon::ThumbUp => pen.thumb(1.0),
        Icon::ThumbDown => pen.thumb(-1.0),
        Icon::Plus => {
            pen.line(&[(-8.0, 0.0), (8.0, 0.0)]);
            pen.line(&[(0.0, -8.0), (0.0, 8.0)]);
        }
        Icon::Chapters => {
            for y in [-7.0, 0.0, 7.0] {
                pen.dot(-8.5, y, 1.6);
                pen.line(&[(-4.0, y), (9.5, y)]);
            }
        }
        Icon::Next => {
            pen.polygon(&[(-7.0, -8.0), (5.0, 0.0), (-7.0, 8.0)]);
            pen.line(&[(8.0, -8.0), (8.0, 8.0)]);
        }
        Icon::Speed => {
            pen.arc(0.0, 2.0, 9.5, PI * 0.85, PI * 2.15);
            pen.line(&[(0.0, 2.5), (4.6, -3.0)]);
            pen.dot(0.0, 2.5, 2.0);
        }
        Icon::Eye => pen.eye(),
        Icon::EyeClosed => {
            pen.eye();
            pen.line(&[(-8.5, 8.5), (8.5, -8.5)]);
        }
        Icon::Search => {
            pen.circle(-2.0, -2.0, 6.5);
            pen.line(&[(3.0, 3.0), (9.0, 9.0)]);
        }
        Icon::People => {
            pen.circle(-3.5, -4.0, 3.6);
            pen.arc(-3.5, 9.0, 7.0, PI, TAU);
            pen.arc(4.5, -4.0, 3.6, -FRAC_PI_2, FRAC_PI_2);
            pen.arc(3.5, 9.0, 7.5, -FRAC_PI_2 * 0.7, 0.0);
        }
        Icon::Lock => {
            pen.frame(-6.5, -1.5, 13.0, 10.0, 2.0);
            pen.arc(0.0, -2.0, 4.5, PI, TAU);
            pen.dot(0.0, 3.5, 1.6);
        }
        Icon::Pencil => {
            pen.line(&[(-8.0, 8.0), (-6.5, 2.5), (4.0, -8.0), (8.0, -4.0), (-2.5, 6.5), (-8.0, 8.0)]);
            pen.line(&[(1.0, -5.0), (5.0, -1.0)]);
        }
        Icon::Backspace => {
            pen.line(&[(-10.0, 0.0), (-4.0, -6.5), (9.5, -6.5), (9.5, 6.5), (-4.0, 6.5), (-10.0, 0.0)]);
            pen.line(&[(-0.5, -2.5), (4.5, 2.5)]);
            pen.line(&[(-0.5, 2.5), (4.5, -2.5)]);
        }
        Icon::Warning => {
            pen.line(&[(0.0, -9.0), (10.0, 8.5), (-10.0, 8.5), (0.0, -9.0), (1.0, -7.2)]);
            pen.line(&[(0.0, -2.5), (0.0, 2.5)]);
            pen.dot(0.0, 5.6, 1.3);
        }
    }
}

/// Draws in a square of 24 units around a centre.
struct Pen<'a> {
    painter: &'a Painter,
    center: Pos2,
    unit: f32,
    color: Color32,
}

impl Pen<'_> {
    fn at(&self, x: f32, y: f32) -> Pos2 {
        self.center + vec2(x, y) * self.unit
    }

    fn stroke(&self) -> Stroke {
        Stroke::new((2.0 * self.unit).max(1.2), self.color)
    }

    fn polygon(&self, points: &[(f32, f32)]) {
        let points = points.iter().map(|&(x, y)| self.at(x, y)).collect();
        // The stroke rounds the corners a little.
        self.painter.add(Shape::convex_polygon(points, self.color, Stroke::new(self.unit, self.color)));
    }

    fn line(&self, points: &[(f32, f32)]) {
        let points: Vec<Pos2> = points.iter().map(|&(x, y)| self.at(x, y)).collect();
        let stroke = self.stroke();
        for end in [points.first(), points.last()].into_iter().flatten() {
            self.painter.circle_filled(*end, stroke.width / 2.0, self.color);
        }
        self.painter.line(points, stroke);
    }

    fn bar(&self, x: f32, y: f32, width: f32, height: f32, rounding: f32) {
        let rect = Rect::from_min_size(self.at(x, y), vec2(width, height) * self.unit);
        self.painter.rect_filled(rect, rounding * self.unit, self.color);
    }

    fn frame(&self, x: f32, y: f32, width: f32, height: f32, rounding: f32) {
        let rect = Rect::from_min_size(self.at(x, y), vec2(width, height) * self.unit);
        let corners = CornerRadius::same((rounding * self.unit).round() as u8);
        self.painter.rect_stroke(rect, corners, self.stroke(), StrokeKind::Middle);
    }

    fn circle(&self, x: f32, y: f32, radius: f32) {
        self.painter.circle_stroke(self.at(x, y), radius * self.unit, self.stroke());
    }

    fn dot(&self, x: f32, y: f32, radius: f32) {
        self.painter.circle_filled(self.at(x, y), radius * self.unit, self.color);
    }

    /// An arc of a circle, angles clockwise from the right.
    fn arc(&self, x: f32, y: f32, radius: f32, from: f32, to: f32) {
        const STEPS: usize = 28;
        let points: Vec<(f32, f32)> = (0..=STEPS)
            .map(|step| {
                let angle = from + (to - from) * step as f32 / STEPS as f32;
                (x + radius * angle.cos(), y + radius * angle.sin())
            })
            .collect();
        self.line(&points);
    }

    /// Three quarters of a circle with an arrow head at the top.
    fn turning_arrow(&self, backwards: bool, radius: f32) {
        let side = if backwards { 1.0 } else { -1.0 };
        let (from, to) = (-FRAC_PI_2, -FRAC_PI_2 + side * TAU * 0.82);
        self.arc(0.0, 1.0, radius, from, to);
        let tip = |x: f32| if backwards { x } else { -x };
        self.polygon(&[(tip(-4.2), 1.0 - radius), (tip(1.0), -3.6 - radius), (tip(1.0), 5.6 - radius)]);
    }

    fn ten_seconds(&self, backwards: bool) {
        self.turning_arrow(backwards, 9.0);
        let font = crate::theme::font(9.0 * self.unit);
        let galley = self.painter.layout_no_wrap("10".to_owned(), font, self.color);
        let place = self.at(0.0, 1.6) - galley.size() / 2.0;
        super::paint_strong(self.painter, place, &galley, self.color);
    }

    fn speaker(&self, waves: u8) {
        self.bar(-11.0, -3.5, 5.0, 7.0, 1.0);
        self.polygon(&[(-7.0, -3.0), (-1.5, -8.0), (-1.5, 8.0), (-7.0, 3.0)]);
        if waves >= 1 {
            self.arc(-1.0, 0.0, 5.0, -PI / 4.0, PI / 4.0);
        }
        if waves >= 2 {
            self.arc(-1.0, 0.0, 9.5, -PI / 4.0, PI / 4.0);
        }
    }

    /// Four corners; `outer` is how far the corner itself lies from the middle, `inner` how far its ends do.
    fn corners(&self, outer: f32, inner: f32) {
        for (x, y) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
            self.line(&[(inner * x, outer * y), (outer * x, outer * y), (outer * x, inner * y)]);
        }
    }

    /// A hand whose thumb points up; `side` is −1 for down.
    fn thumb(&self, side: f32) {
        const HAND: [(f32, f32); 10] = [
            (-5.0, -1.0),
            (-1.5, -3.0),
            (0.0, -9.0),
            (2.8, -8.2),
            (2.2, -2.5),
            (9.0, -2.5),
            (7.6, 7.0),
            (6.2, 8.5),
            (-5.0, 8.5),
            (-5.0, -1.0),
        ];
        self.line(&HAND.map(|(x, y)| (x, y * side)));
        self.line(&[(-9.5, -side), (-9.5, 8.5 * side)]);
    }

    fn eye(&self) {
        self.arc(0.0, 6.0, 12.0, PI * 1.18, PI * 1.82);
        self.arc(0.0, -6.0, 12.0, PI * 0.18, PI * 0.82);
        self.circle(0.0, 0.0, 3.0);
    }

    fn sliders(&self) {
        for (y, knob) in [(-6.5, 3.5), (0.0, -4.0), (6.5, 1.5)] {
            self.line(&[(-9.5, y), (knob - 2.6, y)]);
            self.line(&[(knob + 2.6, y), (9.5, y)]);
            self.circle(knob, y, 2.4);
        }
    }
}
