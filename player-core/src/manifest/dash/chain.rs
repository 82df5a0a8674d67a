//! Inheritance of `SegmentTemplate`, `SegmentList` and `SegmentBase` from Period and AdaptationSet (ISO/IEC 23009-1
//! §5.3.9.1): attributes and children of the nearest level win, one by one.

use crate::manifest::xml::Element;

/// The addressing elements of the levels, nearest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain<'x> {
    template: Vec<&'x Element>,
    list: Vec<&'x Element>,
    base: Vec<&'x Element>,
    /// Kind of addressing that the nearest level uses.
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    None,
    Template,
    List,
    Base,
}

impl<'x> Chain<'x> {
    /// The chain one level further in.
    pub(super) fn inner(&self, element: &'x Element) -> Self {
        let mut chain = self.clone();
        for child in &element.children {
            let (list, kind) = match &*child.name {
                "SegmentTemplate" => (&mut chain.template, Kind::Template),
                "SegmentList" => (&mut chain.list, Kind::List),
                "SegmentBase" => (&mut chain.base, Kind::Base),
                _ => continue,
            };
            list.insert(0, child);
            chain.kind = kind;
        }
        chain
    }

    /// Returns the kind of addressing that the nearest level uses.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The elements of that kind, nearest first.
    pub(super) fn elements(&self) -> &[&'x Element] {
        match self.kind {
            Kind::Template => &self.template,
            Kind::List => &self.list,
            Kind::Base => &self.base,
            Kind::None => &[],
        }
    }

    /// The nearest value of an attribute.
    pub(super) fn attr(&self, name: &str) -> Option<&'x str> {
        self.elements().iter().find_map(|element| element.attr(name))
    }

    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.attr(name)?.parse().ok()
    }

    /// The nearest child of that name.
    pub(super) fn child(&self, name: &str) -> Option<&'x Element> {
        self.elements().iter().find_map(|element| element.first(name))
    }

    /// `Initialization` of any level; the British spelling is seen too.
    pub(super) fn init_element(&self) -> Option<&'x Element> {
        self.child("Initialization").or_else(|| self.child("Initialisation"))
    }
}
