//! Patch documents (ISO/IEC 23009-1 §5.15, by the operations of RFC 5261) and the differences of two MPDs.

use super::element::Element;
use super::mpd::Mpd;
use super::patch_operation::{PatchOperation, Position, Selector};
use super::patch_timeline::timeline_operations;
use crate::error::check_not_empty;
use crate::{DateTime, Layout, ManifestError};

/// A patch document: operations that make one MPD of another, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// `@mpdId`: `Mpd::id` of both.
    pub mpd_id: String,
    /// `@originalPublishTime`: `Mpd::publish_time` of the MPD to which it is applied.
    pub original_publish_time: DateTime,
    /// `@publishTime`: that of the result.
    pub publish_time: DateTime,
    /// Operations; each finds the document as those before it left it.
    pub operations: Vec<PatchOperation>,
}

impl Patch {
    /// Returns the text of the document.
    ///
    /// # Errors
    /// For a value that its place cannot hold, and an operation that adds nothing.
    pub fn to_text(&self, layout: Layout) -> Result<String, ManifestError> {
        check_not_empty("mpdId", &self.mpd_id)?;
        let operations = self.operations.iter().map(PatchOperation::element).collect::<Result<_, _>>()?;
        let element = Element::new("Patch")
            .attribute("xmlns", "urn:mpeg:dash:schema:mpd-patch:2020")
            .attribute("mpdId", &self.mpd_id)
            .attribute("originalPublishTime", self.original_publish_time)
            .attribute("publishTime", self.publish_time)
            .elements(operations);
        let mut text = layout.xml_declaration().to_owned();
        element.push_to(&mut text, layout, 0)?;
        Ok(text)
    }

    /// Returns the patch that makes `new` of `old`. Its length goes by what differs: segments that came to a timeline or
    /// left it, periods, attributes.
    ///
    /// # Errors
    /// If one of the two cannot be written, if they have no common `@id`, or a `@publishTime` is absent.
    pub fn between(old: &Mpd, new: &Mpd, layout: Layout) -> Result<Self, ManifestError> {
        let contradiction = |reason| ManifestError::Contradiction { place: "Patch", reason };
        let mpd_id = new.id.clone().filter(|id| old.id.as_ref() == Some(id));
        let mpd_id = mpd_id.ok_or_else(|| contradiction("the MPDs have no common id"))?;
        let times = old.publish_time.zip(new.publish_time);
        let (original_publish_time, publish_time) = times.ok_or_else(|| contradiction("an MPD has no publishTime"))?;
        let mut operations = Vec::new();
        compare(&old.element(layout)?, &new.element(layout)?, &Selector::mpd(), &mut operations);
        Ok(Self { mpd_id, original_publish_time, publish_time, operations })
    }
}

/// Adds the operations that make `new` of `old`, which have the same name.
fn compare(old: &Element, new: &Element, selector: &Selector, out: &mut Vec<PatchOperation>) {
    if old == new {
        return;
    }
    let (Some(before), Some(after)) = (old.children(), new.children()) else {
        let element = new.clone();
        return out.push(PatchOperation::Replace { selector: selector.clone(), element });
    };
    compare_attributes(old, new, selector, out);
    if new.name() == "SegmentTimeline" {
        let operations = timeline_operations(before, after, selector);
        let replaced = || vec![PatchOperation::Replace { selector: selector.clone(), element: new.clone() }];
        return out.extend(operations.unwrap_or_else(replaced));
    }
    let (old_keys, new_keys) = (keys(before), keys(after));
    // Elements that change places are taken out and put in anew.
    let kept = common(&old_keys, &new_keys);
    let is_kept = |key: &Key| kept.contains(key);
    for (place, key) in old_keys.iter().enumerate().rev().filter(|(_, key)| !is_kept(key)) {
        out.push(PatchOperation::Remove { selector: select(before, key, place, selector) });
    }
    let remaining: Vec<&Element> =
        before.iter().zip(&old_keys).filter(|(_, key)| is_kept(key)).map(|(element, _)| element).collect();
    for (place, key) in kept.iter().enumerate() {
        let Some(after) = new_keys.iter().position(|other| other == key).and_then(|place| after.get(place)) else {
            continue;
        };
        if let Some(old) = remaining.get(place) {
            compare(old, after, &select(&remaining, key, place, selector), out);
        }
    }
    add_new(after, &new_keys, is_kept, selector, out);
}

/// Adds the children that are new, neighbours at once.
fn add_new(
    after: &[Element],
    keys: &[Key],
    is_kept: impl Fn(&Key) -> bool,
    selector: &Selector,
    out: &mut Vec<PatchOperation>,
) {
    let mut place = 0;
    while place < after.len() {
        let count = keys.iter().skip(place).take_while(|key| !is_kept(key)).count();
        if count == 0 {
            place += 1;
            continue;
        }
        let elements: Vec<Element> = after.iter().skip(place).take(count).cloned().collect();
        // The name of the neighbour in front may occur further behind too, so that it needs a place.
        let neighbour = place.checked_sub(1).and_then(|before| Some((after.get(before)?, keys.get(before)?)));
        let (selector, position) = match neighbour {
            None => (selector.clone(), Position::Prepend),
            Some((element, key)) => match element.value("id") {
                Some(id) => (selector.child_with(element.name(), "id", id), Position::After),
                None => (selector.child_at(element.name(), key.turn + 1), Position::After),
            },
        };
        out.push(PatchOperation::Add { selector, position, elements });
        place += count;
    }
}

fn compare_attributes(old: &Element, new: &Element, selector: &Selector, out: &mut Vec<PatchOperation>) {
    for (name, value) in new.attributes() {
        let (selector, value, name) = (selector.clone(), value.clone(), *name);
        match old.value(name) {
            None => out.push(PatchOperation::AddAttribute { selector, name, value }),
            Some(before) if before != value => {
                out.push(PatchOperation::ReplaceAttribute { selector, name, value });
            }
            Some(_) => {}
        }
    }
    for (name, _) in old.attributes().iter().filter(|(name, _)| new.value(name).is_none()) {
        out.push(PatchOperation::RemoveAttribute { selector: selector.clone(), name });
    }
}

/// Means by which a child is known again: its name and its id, or else its turn among those of its name without one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    name: &'static str,
    id: Option<String>,
    turn: usize,
}

fn keys(elements: &[Element]) -> Vec<Key> {
    let key = |(place, element): (usize, &Element)| {
        let id = element.value("id").map(str::to_owned);
        let before = elements.iter().take(place).filter(|other| other.name() == element.name());
        let turn = if id.is_some() { 0 } else { before.count() };
        Key { name: element.name(), id, turn }
    };
    elements.iter().enumerate().map(key).collect()
}

/// Returns keys of both lists that have the same order in both.
fn common(old: &[Key], new: &[Key]) -> Vec<Key> {
    let mut rest = old;
    let mut kept = Vec::new();
    for key in new {
        if let Some(place) = rest.iter().position(|other| other == key) {
            kept.push(key.clone());
            rest = rest.get(place + 1..).unwrap_or_default();
        }
    }
    kept
}

/// Returns the path of a child among its siblings.
fn select<T: std::borrow::Borrow<Element>>(siblings: &[T], key: &Key, place: usize, selector: &Selector) -> Selector {
    if let Some(id) = &key.id {
        return selector.child_with(key.name, "id", id.as_str());
    }
    let of_name = |siblings: &[T]| siblings.iter().filter(|other| (*other).borrow().name() == key.name).count();
    match of_name(siblings) {
        1 => selector.child(key.name),
        _ => selector.child_at(key.name, of_name(siblings.get(..place).unwrap_or_default()) + 1),
    }
}
