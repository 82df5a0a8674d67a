//! The children of an XML element. Both ends can be changed at no cost for those between, and a child can be found by
//! number at once where all have one name: a timeline has tens of thousands.

use std::collections::VecDeque;
use std::ops::Deref;

use super::xml::Element;

/// Children in the order of the document.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Children {
    list: VecDeque<Element>,
    /// Number of those whose name is not that of the first.
    others: usize,
}

impl Children {
    /// Adds a child behind the others.
    pub(super) fn push(&mut self, child: Element) {
        self.insert(self.list.len(), child);
    }

    /// Puts a child in front of the one at `at`; behind the last if there is none.
    pub(super) fn insert(&mut self, at: usize, child: Element) {
        let at = at.min(self.list.len());
        let is_other = self.list.front().is_some_and(|first| first.name != child.name);
        self.list.insert(at, child);
        if at == 0 && is_other { self.count() } else { self.others += usize::from(is_other) }
    }

    /// Takes a child out.
    pub(super) fn remove(&mut self, at: usize) -> Option<Element> {
        let removed = self.list.remove(at)?;
        match (at, self.others) {
            (_, 0) => {}
            (0, _) => self.count(),
            _ => self.others -= usize::from(self.list.front().is_some_and(|first| first.name != removed.name)),
        }
        Some(removed)
    }

    /// Returns a child, to change it. Its name must stay.
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Element> {
        self.list.get_mut(at)
    }

    /// Returns true if all children have this name.
    pub(super) fn are_all(&self, name: &str) -> bool {
        self.others == 0 && self.list.front().is_some_and(|first| *first.name == *name)
    }

    fn count(&mut self) {
        let Some(first) = self.list.front() else { return };
        self.others = self.list.iter().filter(|child| child.name != first.name).count();
    }
}

impl Deref for Children {
    type Target = VecDeque<Element>;

    fn deref(&self) -> &VecDeque<Element> {
        &self.list
    }
}

impl FromIterator<Element> for Children {
    fn from_iter<I: IntoIterator<Item = Element>>(children: I) -> Self {
        let mut made = Self { list: children.into_iter().collect(), others: 0 };
        made.count();
        made
    }
}

impl IntoIterator for Children {
    type Item = Element;
    type IntoIter = std::collections::vec_deque::IntoIter<Element>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Children {
    type Item = &'a Element;
    type IntoIter = std::collections::vec_deque::Iter<'a, Element>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::xml;
    use super::*;

    #[test]
    fn names_that_differ_are_known_through_every_change() {
        let element = |name: &str| xml::parse(&format!("<{name}/>")).unwrap();
        let mut children: Children = ["S", "S"].map(element).into_iter().collect();
        let mut seen = vec![children.are_all("S")];
        children.push(element("P"));
        seen.push(children.are_all("S"));
        children.remove(2);
        seen.push(children.are_all("S"));
        children.insert(0, element("P"));
        seen.push(children.are_all("S") || children.are_all("P"));
        children.remove(0);
        seen.push(children.are_all("S"));
        children.insert(1, element("P"));
        children.remove(0);
        seen.push(children.are_all("S") || children.are_all("P"));
        children.remove(1);
        seen.push(children.are_all("P"));
        assert_eq!(seen, [true, false, true, false, true, false, true]);
        assert!(children.remove(7).is_none());
        children.remove(0);
        assert!(children.is_empty() && !children.are_all("P"));
        children.push(element("S"));
        assert!(children.are_all("S"));
    }
}
