//! What the engine measures, for those who want to know. Shown and hidden by `i`.

use egui::accesskit::Role;
use egui::{Rect, Sense, Ui, WidgetInfo, vec2};
use player_core::Snapshot;

use super::View;
use crate::state::{bitrate, live_lines};
use crate::theme::tokens::{color, radius, size, space, text};
use crate::widgets::{Line, elided};

/// Draws the panel at the top left of an area, in as many columns as its height asks for.
pub fn show(ui: &Ui, view: &View<'_>, area: Rect) {
    let lines = lines(&view.snapshot, view);
    let step = text::SMALL * 1.55;
    let frame = space::L * 1.5;
    let area = area.shrink2(vec2(space::XL, space::S));
    let fitting = (((area.height() - frame) / step) as usize).clamp(1, lines.len());
    let columns = lines.len().div_ceil(fitting);
    let rows = lines.len().div_ceil(columns);
    let width = size::STATS.min(area.width() / columns as f32);
    let extent = vec2(width * columns as f32, rows as f32 * step + frame);
    let rect = Rect::from_min_size(area.min, extent);
    ui.painter().rect_filled(rect, radius::MEDIUM, color::GLASS);
    let response = ui.interact(rect, ui.scope_id().with("statistics"), Sense::hover());
    let spoken: Vec<String> = lines.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let spoken = format!("Statistics. {}", spoken.join(". "));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    for (index, (name, value)) in lines.iter().enumerate() {
        let place = rect.min + vec2((index / rows) as f32 * width, space::M + (index % rows) as f32 * step);
        let name_line = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 1, width: 110.0 };
        let name = elided(ui.painter(), name, name_line);
        ui.painter().galley(place + vec2(space::L, 0.0), name, name_line.color);
        let line = Line { size: text::SMALL, color: color::TEXT, rows: 1, width: (width - 140.0).max(0.0) };
        ui.painter().galley(place + vec2(124.0, 0.0), elided(ui.painter(), value, line), line.color);
    }
    ui.ctx().request_repaint_after_secs(0.5);
}

fn lines(snapshot: &Snapshot, view: &View<'_>) -> Vec<(&'static str, String)> {
    let stats = &snapshot.stats;
    let unknown = || "–".to_owned();
    let shown = snapshot.qualities.iter().find(|quality| quality.shown);
    let picture = shown.map_or_else(unknown, |quality| {
        let size = quality.width.zip(quality.height).map(|(width, height)| format!("{width}×{height} "));
        format!("{}{}", size.unwrap_or_default(), bitrate(quality.bitrate))
    });
    let frame = view.player.and_then(|player| player.frames.latest());
    let decoded = frame.map_or_else(unknown, |frame| {
        format!("{}×{} {:?}, matrix {}", frame.width, frame.height, frame.layout, frame.colorimetry.matrix)
    });
    let sync = stats.av_sync_nanos.last().map_or_else(unknown, |nanos| format!("{:.1} ms", *nanos as f64 / 1e6));
    let millis =
        |value: Option<std::time::Duration>| value.map_or_else(unknown, |value| format!("{} ms", value.as_millis()));
    let stalled: std::time::Duration = stats.stalls.iter().map(|stall| stall.duration).sum();
    let now = view.player.map_or(player_core::Now::ZERO, |player| player.port.now());
    let mut lines = vec![
        ("State", format!("{:?}", snapshot.state)),
        ("Source", snapshot.protocol.map_or_else(unknown, |protocol| format!("{protocol:?}").to_uppercase())),
        ("Quality", picture),
        ("Codec", shown.and_then(|quality| quality.codec.clone()).unwrap_or_else(unknown)),
        ("Decoded", decoded),
        ("Buffer", format!("{:.1} s", stats.buffer_now.as_secs_f64())),
        ("Network", stats.bandwidth_estimate.map_or_else(unknown, bitrate)),
        (
            "Frames",
            format!(
                "{} shown, {} dropped, {} corrupt",
                stats.frames.presented, stats.frames.dropped, stats.frames.corrupt
            ),
        ),
        ("Picture − sound", sync),
        ("First picture", millis(stats.startup)),
        ("Stalls", format!("{} ({:.1} s)", stats.stalls.len(), stalled.as_secs_f64())),
        ("Switches", stats.switches.len().to_string()),
        ("Failovers", stats.failovers.len().to_string()),
        ("Received", format!("{:.1} MB, {} requests", stats.bytes_media as f64 / 1e6, stats.requests)),
    ];
    lines.extend(live_lines(snapshot, now));
    lines
}
