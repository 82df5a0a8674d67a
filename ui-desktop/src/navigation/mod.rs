//! The keyboard's focus on every page: one mechanism instead of one for each page.
//!
//! egui moves its focus after the frame, through everything that was drawn, and informs no scroll area. Here the keys are
//! applied at the beginning of a frame, among the widgets of the last frame, and confined to an open sheet or menu
//! ([`trap`]). Scroll areas made by [`scroll`] follow the focus. Each page and each sheet keeps its focus: a sheet that
//! closes and a page that is returned to have it back. Widgets register nowhere: whatever senses clicks takes part.

mod spatial;
pub mod trace;
mod typing;

use egui::{Context, Event, FocusDirection, Id, Key, LayerId, Pos2, Rect, Response, ScrollArea, Ui, Vec2};

pub use spatial::{Move, Spot};

/// Longest wait, in seconds, for a widget that had the focus to be drawn again after a return.
const WAIT_FOR_WIDGET: f64 = 1.0;
/// Share of the window's height that a page without a further widget scrolls at a press of Up or Down.
const SCROLL_SHARE: f32 = 0.2;
/// Frames that a sheet or menu that opens needs before it has the focus: one measures it, the next one draws it.
const SHEET_OPENS: u8 = 2;
/// Pages whose focus is remembered.
const MAX_REMEMBERED: usize = 32;

/// The page on screen, as far as the focus is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The name in the trace.
    pub name: &'static str,
    /// Differs between pages.
    pub id: Id,
    /// Number of pages that can be gone back to. A page that is reached by going forward starts without a focus.
    pub depth: usize,
    /// True when arrows, Home, End, PageUp and PageDown move the focus; false when the page has its own use for them.
    pub arrows: bool,
    /// True while a sheet or menu is open, from the frame in which it is drawn first.
    pub has_sheet: bool,
}

/// A part of the interface that keeps a focus: a page, or a sheet or menu over it.
type Scope = (Id, Option<LayerId>);

/// Focus and reveal state between frames, in egui's temporary data.
#[derive(Clone, Default)]
struct Memory {
    page: Option<Page>,
    /// The sheet or menu that was drawn in the last frame, and in this one so far.
    trap: Option<LayerId>,
    next_trap: Option<LayerId>,
    bar: Vec<Id>,
    next_bar: Vec<Id>,
    preferred: Vec<Id>,
    next_preferred: Vec<Id>,
    /// The last focus of each scope, the latest last.
    kept: Vec<(Scope, Id)>,
    /// A focus to give back as soon as its widget is drawn, and since when it is waited for.
    awaited: Option<(Id, f64)>,
    /// A sheet or menu has opened and not taken the focus yet: its first frame only measures.
    is_entering: bool,
    /// Keyboard events that wait for the next frame.
    held: Vec<Event>,
    /// Frames since a sheet or menu was opened, up to [`SHEET_OPENS`].
    sheet_frames: u8,
    /// Last sight of the focus by each scroll area: the widget, its place in the content, the size of the window.
    seen: Vec<(Id, Seen)>,
    /// Points by which the page scrolls because there is no further widget, in this frame.
    push: f32,
    /// Numbers of the visits to pages, the latest last, and how many there were.
    visits: Vec<(Id, u64)>,
    visit_count: u64,
    /// The pointer was last used on this page, not the keyboard: a focus that a click has ended stays ended.
    by_pointer: bool,
}

type Seen = (Id, Pos2, Vec2);

fn with<R>(ctx: &Context, f: impl FnOnce(&mut Memory) -> R) -> R {
    ctx.data_mut(|data| f(data.get_temp_mut_or_default(Id::unique("kinora navigation"))))
}

impl Memory {
    fn kept(&self, scope: Scope) -> Option<Id> {
        self.kept.iter().find(|(at, _)| *at == scope).map(|(_, id)| *id)
    }

    /// Gives a page that is reached by going forward, or for the first time, a new number.
    fn count_visit(&mut self, page: Id, is_forward: bool) {
        if !is_forward && self.visits.iter().any(|(at, _)| *at == page) {
            return;
        }
        self.visit_count += 1;
        self.visits.retain(|(at, _)| *at != page);
        self.visits.push((page, self.visit_count));
        let excess = self.visits.len().saturating_sub(MAX_REMEMBERED);
        self.visits.drain(..excess);
    }

    fn keep(&mut self, scope: Scope, focus: Option<Id>) {
        self.kept.retain(|(at, _)| *at != scope);
        if let Some(focus) = focus {
            self.kept.push((scope, focus));
        }
        let excess = self.kept.len().saturating_sub(MAX_REMEMBERED);
        self.kept.drain(..excess);
    }
}

/// Moves the focus by the keys of this frame. Called once, before anything of the page is drawn.
pub fn begin(ctx: &Context, page: Page) {
    // egui has already read the keys and would move the focus once more at the end of the frame.
    ctx.memory_mut(|memory| memory.move_focus(FocusDirection::None));
    hold_back(ctx, page.has_sheet);
    let mut memory = with(ctx, std::mem::take);
    let before = focused(ctx);
    let is_changed = turn_over(&mut memory, page);
    let scope = (page.id, memory.trap);
    let spots = spots(ctx, &memory);
    let place = |id: Option<Id>| id.and_then(|id| spots.iter().position(|spot| spot.id == id));
    let now = ctx.input(|input| input.time);
    let mut focus = before.filter(|_| !is_changed);
    if is_changed {
        focus = memory.kept(scope);
        memory.awaited = focus.map(|id| (id, now));
        memory.seen.clear();
    } else if focus.is_none() && ctx.input(|input| input.key_pressed(Key::Escape)) {
        // egui drops the focus at Escape; here Escape closes things.
        focus = memory.kept(scope);
    }
    if let Some((id, since)) = memory.awaited {
        let is_there = place(Some(id)).is_some();
        focus = focus.or(Some(id));
        memory.awaited = memory.awaited.filter(|_| !is_there && now - since < WAIT_FOR_WIDGET && focus == Some(id));
    }
    let is_entering = memory.trap.is_some() && (memory.is_entering || is_changed);
    memory.is_entering = is_entering && spots.is_empty();
    if memory.trap.is_some() && !spots.is_empty() && place(focus).is_none() && (is_entering || focus.is_some()) {
        let inside = place(memory.kept(scope)).or_else(|| spatial::first(&spots));
        focus = inside.map(|index| spots[index].id);
    }
    memory.by_pointer &= !is_changed;
    let is_click = ctx.input(|input| input.pointer.any_click());
    if is_click {
        note_click(ctx, &mut memory, &spots, scope);
    }
    memory.push = 0.0;
    for movement in take_moves(ctx, page.arrows || memory.trap.is_some()) {
        memory.awaited = None;
        memory.by_pointer = false;
        memory.seen.clear();
        let from = place(focus).or_else(|| place(memory.kept(scope)));
        let height = ctx.content_rect().height();
        match spatial::target(&spots, from, movement, height) {
            Some(target) => focus = Some(spots[target].id),
            None => memory.push += overshoot(movement, height),
        }
    }
    if focus != before {
        set_focus(ctx, focus);
    }
    if focus.is_some() && !is_click {
        memory.keep(scope, focus);
    }
    with(ctx, |kept| *kept = memory);
}

/// Starts a new frame's lists; returns true when the page or the sheet over it is another than in the last frame.
fn turn_over(memory: &mut Memory, page: Page) -> bool {
    memory.bar = std::mem::take(&mut memory.next_bar);
    memory.preferred = std::mem::take(&mut memory.next_preferred);
    let trap = memory.next_trap.take();
    let last_trap = std::mem::replace(&mut memory.trap, trap);
    let last = memory.page.replace(page);
    let is_other_page = last.is_none_or(|last| last.id != page.id);
    if is_other_page {
        let is_forward = last.is_none_or(|last| page.depth > last.depth);
        memory.count_visit(page.id, is_forward);
        if is_forward {
            memory.keep((page.id, None), None);
        }
    }
    if let (Some(last), Some(closed)) = (last, last_trap)
        && (trap.is_none() || is_other_page)
    {
        memory.keep((last.id, Some(closed)), None);
    }
    is_other_page || last_trap != trap
}

/// Keeps a widget that is clicked as the focus of its page or sheet: it has the focus after a return, without a ring
/// that a user of the pointer did not ask for before.
fn note_click(ctx: &Context, memory: &mut Memory, spots: &[Spot], scope: Scope) {
    memory.by_pointer = true;
    let clicked = ctx.viewport(|viewport| viewport.interact_widgets.clicked);
    if let Some(clicked) = clicked.filter(|id| spots.iter().any(|spot| spot.id == *id)) {
        memory.keep(scope, Some(clicked));
    }
}

/// Leaves the keyboard's events to this frame that are for what has the focus. A sheet or menu that is opening has it
/// soon, and until then all of them wait: they are for the sheet, not for what lies behind it.
fn hold_back(ctx: &Context, has_sheet: bool) {
    let (mut held, is_opening) = with(ctx, |memory| {
        let is_opening = has_sheet && memory.sheet_frames < SHEET_OPENS;
        memory.sheet_frames = if has_sheet { (memory.sheet_frames + 1).min(SHEET_OPENS) } else { 0 };
        (std::mem::take(&mut memory.held), is_opening)
    });
    ctx.input_mut(|input| {
        if is_opening {
            held.append(&mut typing::split_at(&mut input.events, 0));
        } else {
            typing::split(&mut input.events, &mut held);
        }
    });
    if !held.is_empty() {
        ctx.request_repaint();
    }
    with(ctx, |memory| memory.held = held);
}

/// Keeps the keyboard's events from an index of this frame's events on for the next frame, in which the page that they
/// are for is there.
pub fn hold_from(ctx: &Context, index: usize) {
    let mut later = ctx.input_mut(|input| typing::split_at(&mut input.events, index));
    if later.is_empty() {
        return;
    }
    ctx.request_repaint();
    with(ctx, |memory| {
        later.append(&mut memory.held);
        memory.held = later;
    });
}

/// The name of the page that was drawn last; empty before the first.
fn page_name(ctx: &Context) -> &'static str {
    with(ctx, |memory| memory.page.map_or("", |page| page.name))
}

/// Returns a number that is the same after a return to the page on screen and new when it is opened anew. With it in the
/// id of a scroll area, a page opens at its top and is found again as it was left.
pub fn visit(ctx: &Context) -> u64 {
    with(ctx, |memory| {
        let page = memory.page.map(|page| page.id);
        memory.visits.iter().find(|(at, _)| Some(*at) == page).map_or(0, |(_, number)| *number)
    })
}

fn focused(ctx: &Context) -> Option<Id> {
    ctx.memory(|memory| memory.focused())
}

fn set_focus(ctx: &Context, focus: Option<Id>) {
    ctx.memory_mut(|memory| match (focus, memory.focused()) {
        (Some(id), _) => memory.request_focus(id),
        (None, Some(id)) => memory.surrender_focus(id),
        (None, None) => {}
    });
}

/// The widgets of the last frame that can have the focus now, in the order of drawing.
fn spots(ctx: &Context, memory: &Memory) -> Vec<Spot> {
    let mut layers: Vec<LayerId> = ctx.memory(|memory| memory.layer_ids().collect());
    ctx.viewport(|viewport| {
        let widgets = &viewport.prev_pass.widgets;
        layers.extend(widgets.layer_ids().filter(|layer| !layers.contains(layer)).collect::<Vec<_>>());
        layers.sort_by_key(|layer| layer.order);
        let allowed = layers.iter().filter(|layer| memory.trap.is_none_or(|trap| trap == **layer));
        let widgets = allowed.flat_map(|layer| widgets.get_layer(*layer));
        let able = widgets.filter(|widget| widget.enabled && widget.sense.is_focusable() && widget.rect.is_positive());
        able.map(|widget| Spot {
            id: widget.id,
            rect: widget.rect,
            in_bar: memory.bar.contains(&widget.id),
            preferred: memory.preferred.contains(&widget.id),
        })
        .collect()
    })
}

/// Takes the keys that move the focus out of the frame's events. A text field keeps Left, Right, Home and End.
fn take_moves(ctx: &Context, arrows: bool) -> Vec<Move> {
    let in_text = ctx.text_edit_focused();
    let mut moves = Vec::new();
    ctx.input_mut(|input| {
        input.events.retain(|event| {
            let Event::Key { key, pressed: true, modifiers, .. } = event else { return true };
            let movement = match key {
                Key::Tab if typing::is_tab(event) => Some(if modifiers.shift { Move::Previous } else { Move::Next }),
                _ if !arrows || modifiers.any() => None,
                Key::ArrowUp => Some(Move::Up),
                Key::ArrowDown => Some(Move::Down),
                Key::PageUp => Some(Move::PageUp),
                Key::PageDown => Some(Move::PageDown),
                _ if in_text => None,
                Key::ArrowLeft => Some(Move::Left),
                Key::ArrowRight => Some(Move::Right),
                Key::Home => Some(Move::First),
                Key::End => Some(Move::Last),
                _ => None,
            };
            moves.extend(movement);
            movement.is_none()
        });
    });
    moves
}

/// Points that a page scrolls by when there is no further widget in a direction; negative is up.
fn overshoot(movement: Move, height: f32) -> f32 {
    match movement {
        Move::Up => -height * SCROLL_SHARE,
        Move::Down => height * SCROLL_SHARE,
        Move::PageUp => -height,
        Move::PageDown => height,
        Move::First => -f32::from(u16::MAX),
        Move::Last => f32::from(u16::MAX),
        Move::Left | Move::Right | Move::Next | Move::Previous => 0.0,
    }
}

/// Confines the focus to a layer while it is drawn: it goes in when the layer appears and back when it is gone. The
/// last call of a frame counts. Sheets and menus call it with the layer of their [`egui::Area`].
pub fn trap(ctx: &Context, layer: LayerId) {
    with(ctx, |memory| memory.next_trap = Some(layer));
}

/// Marks a widget of the bar on top of the page: first in reading order and above everything that scrolls.
pub fn in_bar(response: &Response) {
    with(&response.ctx, |memory| memory.next_bar.push(response.id));
}

/// Marks the widget at which its line is entered, such as the chosen one of several.
pub fn prefer(response: &Response) {
    with(&response.ctx, |memory| memory.next_preferred.push(response.id));
}

/// Gives a widget the focus when nothing has it and no sheet is open, for the one thing that a page is for. After a
/// click elsewhere only a widget that has just appeared, or can be used again, gets it: the page must not jump back to
/// a widget that the viewer has scrolled away. Returns true when it did.
pub fn focus_by_default(response: &Response) -> bool {
    prefer(response);
    let was_usable = response
        .ctx
        .viewport(|viewport| viewport.prev_pass.widgets.get(response.id).is_some_and(|widget| widget.enabled));
    let is_free = with(&response.ctx, |memory| {
        memory.awaited.is_none()
            && !(memory.by_pointer && was_usable)
            && memory.next_trap.or(memory.trap).is_none_or(|trap| trap == response.layer_id)
    });
    let gives = is_free && response.enabled() && focused(&response.ctx).is_none();
    if gives {
        response.request_focus();
        // The widget has been painted without its ring.
        response.ctx.request_repaint();
    }
    gives
}

/// Shows a scroll area that follows the focus: when the focus comes to a widget inside, and when its place or the
/// window changes, the area scrolls to `frame(content's value, widget's rectangle)`.
pub fn scroll<R>(
    ui: &mut Ui,
    area: ScrollArea,
    content: impl FnOnce(&mut Ui) -> R,
    frame: impl FnOnce(&R, Rect) -> Rect,
) -> egui::scroll_area::ScrollAreaOutput<R> {
    area.show(ui, |ui| {
        let layer = ui.layer_id();
        let first = ui.ctx().viewport(|viewport| viewport.this_pass.widgets.get_layer(layer).count());
        let value = content(ui);
        let key = ui.scope_id();
        let inside = focused(ui.ctx()).and_then(|id| {
            ui.ctx().viewport(|viewport| {
                let widgets = &viewport.this_pass.widgets;
                let (at, index) = widgets.order(id)?;
                (at == layer && index >= first).then(|| widgets.get(id).map(|widget| (id, widget.rect)))?
            })
        });
        let is_followed = with(ui.ctx(), |memory| {
            let known = memory.seen.iter().position(|(at, _)| *at == key).map(|index| memory.seen.remove(index).1);
            let Some((id, rect)) = inside else { return false };
            let place = (rect.min - ui.min_rect().min).round().to_pos2();
            let seen = (id, place, ui.clip_rect().size().round());
            memory.seen.push((key, seen));
            known != Some(seen)
        });
        if let (true, Some((_, rect))) = (is_followed, inside) {
            let room = ui.clip_rect().size();
            let wanted = frame(&value, rect);
            // Of a frame that does not fit, the widget itself is what must be seen.
            let fit =
                |wanted: egui::Rangef, own: egui::Rangef, room: f32| if wanted.span() > room { own } else { wanted };
            let x = fit(wanted.x_range(), rect.x_range(), room.x);
            let y = fit(wanted.y_range(), rect.y_range(), room.y);
            ui.scroll_to_rect(Rect::from_x_y_ranges(x, y), None);
        }
        value
    })
}

/// Scrolls a page or sheet by what the keys asked for beyond its last widget. Called inside its vertical scroll area;
/// what lies behind an open sheet does not move.
pub fn scroll_by_keys(ui: &Ui) {
    let push = with(ui.ctx(), |memory| match memory.trap {
        Some(trap) if trap != ui.layer_id() => 0.0,
        _ => std::mem::take(&mut memory.push),
    });
    if push != 0.0 {
        ui.scroll_with_delta(egui::vec2(0.0, -push));
    }
}
