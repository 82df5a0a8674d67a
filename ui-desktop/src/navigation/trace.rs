//! `KINORA_UI_TRACE=FILE`: the focus and the rectangles of all named widgets as NDJSON, one line each time they change.
//!
//! A tour of the screens with real input needs to know what is where and what has the focus. A line is
//! `{"time", "page", "window", "scale", "focus", "widgets"}`: `time` in seconds of the interface's clock, `window` and all
//! rectangles `[left, top, right, bottom]` in pixels of the window, `scale` in pixels per point. What is typed into a
//! field is not written.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use egui::accesskit::{Node, NodeId, Role, TreeUpdate};
use egui::{Context, FullOutput, Plugin};
use serde::Serialize;

/// The environment variable that names the file.
pub const VARIABLE: &str = "KINORA_UI_TRACE";

/// Writes the trace. Registered with [`Context::add_plugin`].
pub struct Trace {
    file: File,
    last: Option<Screen>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Screen {
    page: &'static str,
    window: [i32; 2],
    scale: f32,
    focus: Option<Widget>,
    widgets: Vec<Widget>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Widget {
    role: String,
    name: String,
    rect: [i32; 4],
    enabled: bool,
}

#[derive(Serialize)]
struct TraceLine<'a> {
    time: f64,
    #[serde(flatten)]
    screen: &'a Screen,
}

impl Trace {
    /// Creates or truncates the file.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::create(path)?, last: None })
    }

    fn write(&mut self, time: f64, screen: Screen) {
        if self.last.as_ref() == Some(&screen) {
            return;
        }
        let written =
            serde_json::to_vec(&TraceLine { time, screen: &screen }).map_err(io::Error::from).and_then(|mut line| {
                line.push(b'\n');
                self.file.write_all(&line)
            });
        if let Err(error) = written {
            tracing::warn!(%error, "the trace of the interface could not be written");
        }
        self.last = Some(screen);
    }
}

impl Plugin for Trace {
    fn debug_name(&self) -> &'static str {
        "Kinora UI trace"
    }

    fn setup(&mut self, ctx: &Context) {
        ctx.enable_accesskit();
    }

    fn output_hook(&mut self, ctx: &Context, output: &mut FullOutput) {
        let Some(update) = &output.platform_output.accesskit_update else { return };
        let scale = ctx.pixels_per_point();
        let window = (ctx.content_rect().size() * scale).round();
        let focus = update.nodes.iter().find(|(id, _)| *id == update.focus);
        let screen = Screen {
            page: super::page_name(ctx),
            window: [window.x as i32, window.y as i32],
            scale,
            focus: focus.and_then(|(_, node)| widget(update, node, scale)),
            widgets: update.nodes.iter().filter_map(|(_, node)| widget(update, node, scale)).collect(),
        };
        self.write(ctx.input(|input| input.time), screen);
    }
}

fn widget(update: &TreeUpdate, node: &Node, scale: f32) -> Option<Widget> {
    let name = name(update, node)?;
    let bounds = node.bounds().filter(|_| node.role() != Role::Window)?;
    let pixels = |points: f64| (points * f64::from(scale)).round() as i32;
    Some(Widget {
        role: format!("{:?}", node.role()),
        name,
        rect: [pixels(bounds.x0), pixels(bounds.y0), pixels(bounds.x1), pixels(bounds.y1)],
        enabled: !node.is_disabled(),
    })
}

/// The label of a node, or that of the node which labels it.
fn name(update: &TreeUpdate, node: &Node) -> Option<String> {
    let labelled = |id: &NodeId| update.nodes.iter().find(|(at, _)| at == id).and_then(|(_, node)| own_name(node));
    own_name(node).or_else(|| node.labelled_by().iter().find_map(labelled))
}

fn own_name(node: &Node) -> Option<String> {
    let value = || node.value().filter(|_| node.role() == Role::Label);
    node.label().or_else(value).map(str::to_owned)
}
