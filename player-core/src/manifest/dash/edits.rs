//! Effects of the operations of a patch: the ends of timelines and the declarations of the document, which change with
//! every update, or anything else. Changes of the former kind are carried over without reading the whole document.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::manifest::xml::Element;
use crate::model::{TimelineChange, TimelineCut, TimelineEntry};

/// Attributes of the document that say nothing of segments.
const DECLARATIONS: [&str; 5] =
    ["publishTime", "minimumUpdatePeriod", "suggestedPresentationDelay", "timeShiftBufferDepth", "maxSegmentDuration"];
/// Elements of the document that say nothing of segments.
const DECLARING: [&str; 3] = ["PatchLocation", "Location", "UTCTiming"];

/// Subjects of the operations of a patch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Edits {
    /// By the number of the `SegmentTimeline`.
    timelines: BTreeMap<u32, TimelineEdit>,
    /// Something else was changed.
    is_other: bool,
}

/// Changes of one timeline. Its entries from `front` to `tail` are those that were there before.
#[derive(Clone, Debug, PartialEq)]
struct TimelineEdit {
    /// Path of the timeline, from the root inwards.
    path: Vec<usize>,
    /// Number of entries at the beginning that are new or changed.
    front: usize,
    /// Position of the first entry at the end that is new or changed.
    tail: usize,
    /// Something was changed at the beginning.
    is_front_changed: bool,
    /// Start of the former entries that those of the tail replace.
    cut: Cut,
    /// Value that `@startNumber` has now.
    start_number: Option<u64>,
}

/// Beginning of a part of a timeline as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Known(TimelineCut),
    Unknown,
}

impl Edits {
    /// Notes a change that only the whole document shows.
    pub(super) fn other(&mut self) {
        self.is_other = true;
    }

    /// Notes that an attribute of the element at `path` gets a value, or loses it.
    pub(super) fn attribute(&mut self, root: &Element, path: &[usize], name: &str, value: Option<&str>) {
        let (parent, element) = elements_at(root, path);
        match (parent, element) {
            (None, Some(_)) if DECLARATIONS.contains(&name) => {}
            (Some(parent), Some(entry))
                if is_timeline(parent) && is_entry(entry) && matches!(name, "t" | "d" | "r") =>
            {
                if let [path @ .., at] = path {
                    self.touch(parent, path, *at..*at + 1, 1);
                }
            }
            (Some(_), Some(template)) if &*template.name == "SegmentTemplate" && name == "startNumber" => {
                let at = template.children.iter().position(|child| &*child.name == "SegmentTimeline");
                let number = value.and_then(|value| value.parse().ok());
                match at.zip(number).zip(at.and_then(|at| template.children.get(at))) {
                    Some(((at, number), timeline)) if timeline.children.are_all("S") => {
                        let path = [path, &[at]].concat();
                        self.timeline(timeline, &path).start_number = Some(number);
                    }
                    _ => self.other(),
                }
            }
            _ => self.other(),
        }
    }

    /// Notes that the text of the element at `path` changes.
    pub(super) fn text(&mut self, root: &Element, path: &[usize]) {
        let declares = |element: &Element| DECLARING.contains(&&*element.name);
        if path.len() != 1 || !elements_at(root, path).1.is_some_and(declares) {
            self.other();
        }
    }

    /// Notes that children of the element at `path` are replaced.
    pub(super) fn children(&mut self, root: &Element, path: &[usize], removed: Range<usize>, added: &[Element]) {
        let Some(parent) = elements_at(root, path).1 else { return self.other() };
        let gone = parent.children.iter().skip(removed.start).take(removed.len());
        if path.is_empty() {
            let mut all = gone.chain(added);
            if !all.all(|element| DECLARING.contains(&&*element.name)) {
                self.other();
            }
        } else if is_timeline(parent) && added.iter().all(is_entry) {
            self.touch(parent, path, removed, added.len());
        } else {
            self.other();
        }
    }

    fn timeline(&mut self, timeline: &Element, path: &[usize]) -> &mut TimelineEdit {
        self.timelines.entry(timeline.serial).or_insert_with(|| TimelineEdit {
            path: path.to_vec(),
            front: 0,
            tail: timeline.children.len(),
            is_front_changed: false,
            cut: Cut::Known(TimelineCut::End),
            start_number: None,
        })
    }

    /// Notes that `removed` entries of a timeline, which are still there, are replaced by `added` ones.
    fn touch(&mut self, timeline: &Element, path: &[usize], removed: Range<usize>, added: usize) {
        self.timeline(timeline, path).touch(timeline, removed, added);
    }

    /// Returns the changes of timelines by the document as it is now; `None` if something else was changed too.
    pub(super) fn changes(&self, root: &Element) -> Option<Vec<TimelineChange>> {
        if self.is_other {
            return None;
        }
        self.timelines.iter().map(|(serial, edit)| edit.change(*serial, elements_at(root, &edit.path).1?)).collect()
    }
}

impl TimelineEdit {
    fn touch(&mut self, timeline: &Element, removed: Range<usize>, added: usize) {
        let Range { start, end } = removed;
        let moved = |position: usize| position + added - (end - start);
        if start >= self.tail {
            return;
        }
        let is_front = end <= self.front || (end <= self.tail && end - self.front.min(end) <= self.tail - start);
        if is_front {
            self.is_front_changed = true;
            self.front = if end <= self.front { moved(self.front) } else { start + added };
            self.tail = moved(self.tail);
        } else {
            if start < self.front {
                self.cut = Cut::Unknown;
            }
            for at in (start..self.tail).rev() {
                self.cut = self.cut.before(timeline.children.get(at));
            }
            self.tail = start;
        }
    }

    fn change(&self, serial: u32, timeline: &Element) -> Option<TimelineChange> {
        let entries = &timeline.children;
        let (front, tail) = (self.front, self.tail);
        if front > tail || tail > entries.len() || !entries.are_all("S") {
            return None;
        }
        let Cut::Known(cut) = self.cut else { return None };
        let read = |range: Range<usize>| -> Option<Vec<TimelineEntry>> {
            let from = entries.iter().skip(range.start).take(range.len());
            from.map(entry).collect()
        };
        let kept = (front < tail).then(|| entries.get(front).zip(entries.get(tail - 1))).flatten();
        // An entry that repeats up to the next one ends elsewhere now.
        let is_open = |last: &Element| last.number::<i64>("r").is_some_and(|repeats| repeats < 0);
        if tail < entries.len() && kept.is_some_and(|(_, last)| is_open(last)) {
            return None;
        }
        Some(TimelineChange {
            source: serial,
            is_front_changed: self.is_front_changed,
            front: read(0..front)?,
            kept_from: kept.and_then(|(first, _)| first.number("t")),
            keeps: kept.is_some(),
            cut,
            tail: read(tail..entries.len())?,
            start_number: self.start_number,
        })
    }
}

impl Cut {
    /// Returns the beginning of an entry that ended there.
    fn before(self, entry: Option<&Element>) -> Self {
        let Some(entry) = entry.and_then(self::entry) else { return Self::Unknown };
        if let Some(time) = entry.time {
            return Self::Known(TimelineCut::At(time));
        }
        let length =
            u64::try_from(entry.repeats).ok().and_then(|more| more.checked_add(1)?.checked_mul(entry.duration));
        let length = |back: u64| length.and_then(|length| back.checked_add(length));
        let back = match self {
            Self::Known(TimelineCut::End) => length(0),
            Self::Known(TimelineCut::BeforeEnd(back)) => length(back),
            Self::Known(TimelineCut::At(_)) | Self::Unknown => None,
        };
        back.map_or(Self::Unknown, |back| Self::Known(TimelineCut::BeforeEnd(back)))
    }
}

fn is_timeline(element: &Element) -> bool {
    &*element.name == "SegmentTimeline" && (element.children.is_empty() || element.children.are_all("S"))
}

fn is_entry(element: &Element) -> bool {
    &*element.name == "S" && entry(element).is_some()
}

/// Reads an `S` that stands for single segments.
fn entry(element: &Element) -> Option<TimelineEntry> {
    let repeats = element.attr("r").map_or(Some(0), |text| text.parse().ok())?;
    let time = element.attr("t").map(|text| text.parse()).transpose().ok()?;
    let is_single = element.attr("k").is_none();
    Some(TimelineEntry { time, duration: element.number("d")?, repeats }).filter(|_| is_single)
}

/// Returns the element at a path, and the one around it.
fn elements_at<'x>(root: &'x Element, path: &[usize]) -> (Option<&'x Element>, Option<&'x Element>) {
    let mut found = (None, Some(root));
    for at in path {
        found = (found.1, found.1.and_then(|element| element.children.get(*at)));
    }
    found
}
