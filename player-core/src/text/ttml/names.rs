//! Namespaces, elements and attributes that count; everything else is as if it were not there.

/// Purpose of a namespace, whichever of its addresses names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namespace {
    /// TTML's elements; on attributes: none, which is what TTML's own attributes have.
    Core,
    /// `tts`, and `itts` and `ebutts`, whose local names differ from it.
    Styling,
    Parameter,
    Smpte,
    Xml,
    /// Metadata and whatever is not known.
    Foreign,
}

impl Namespace {
    /// By its address. Drafts and profiles of the last twenty years share their endings.
    pub fn of(address: &str) -> Self {
        if address == "http://www.w3.org/XML/1998/namespace" {
            return Self::Xml;
        }
        if address.starts_with("http://www.smpte-ra.org/") {
            return Self::Smpte;
        }
        if let Some(ebu) = address.strip_prefix("urn:ebu:tt:") {
            return match ebu {
                "style" => Self::Styling,
                "parameters" => Self::Parameter,
                _ => Self::Foreign,
            };
        }
        let Some(path) = address.strip_prefix("http://www.w3.org/") else { return Self::Foreign };
        if !path.contains("ttml") && !path.contains("ttaf1") {
            return Self::Foreign;
        }
        match path.split_once('#').map(|(_, part)| part) {
            None | Some("") => Self::Core,
            Some("styling" | "style" | "style-extension" | "styling-attributes") => Self::Styling,
            Some("parameter" | "parameters") => Self::Parameter,
            Some(_) => Self::Foreign,
        }
    }

    /// By the customary prefix, for documents that declare it nowhere.
    pub fn customary(prefix: &str) -> Self {
        match prefix {
            "" | "tt" => Self::Core,
            "tts" | "itts" | "ebutts" => Self::Styling,
            "ttp" | "ittp" => Self::Parameter,
            "smpte" => Self::Smpte,
            "xml" => Self::Xml,
            _ => Self::Foreign,
        }
    }
}

/// Elements that the reader interprets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Tt,
    Head,
    Styling,
    Style,
    Initial,
    Layout,
    Region,
    Body,
    Div,
    P,
    Span,
    Br,
    Set,
    Image,
}

impl Tag {
    /// By namespace and local name; `None` for elements that are passed over with all they hold.
    pub fn of(namespace: Namespace, local: &str) -> Option<Self> {
        if namespace != Namespace::Core {
            return None;
        }
        Some(match local {
            "tt" => Self::Tt,
            "head" => Self::Head,
            "styling" => Self::Styling,
            "style" => Self::Style,
            "initial" => Self::Initial,
            "layout" => Self::Layout,
            "region" => Self::Region,
            "body" => Self::Body,
            "div" => Self::Div,
            "p" => Self::P,
            "span" => Self::Span,
            "br" => Self::Br,
            "set" => Self::Set,
            "image" => Self::Image,
            _ => return None,
        })
    }
}

/// Attributes that count, as `(namespace, local name)`.
const ATTRIBUTES: [(Namespace, &str); 42] = [
    (Namespace::Core, "begin"),
    (Namespace::Core, "end"),
    (Namespace::Core, "dur"),
    (Namespace::Core, "timeContainer"),
    (Namespace::Core, "region"),
    (Namespace::Core, "style"),
    (Namespace::Core, "id"),
    (Namespace::Xml, "id"),
    (Namespace::Xml, "lang"),
    (Namespace::Xml, "space"),
    (Namespace::Smpte, "backgroundImage"),
    (Namespace::Parameter, "timeBase"),
    (Namespace::Parameter, "frameRate"),
    (Namespace::Parameter, "frameRateMultiplier"),
    (Namespace::Parameter, "subFrameRate"),
    (Namespace::Parameter, "tickRate"),
    (Namespace::Parameter, "dropMode"),
    (Namespace::Parameter, "cellResolution"),
    (Namespace::Styling, "backgroundColor"),
    (Namespace::Styling, "backgroundImage"),
    (Namespace::Styling, "color"),
    (Namespace::Styling, "direction"),
    (Namespace::Styling, "display"),
    (Namespace::Styling, "displayAlign"),
    (Namespace::Styling, "extent"),
    (Namespace::Styling, "fontFamily"),
    (Namespace::Styling, "fontSize"),
    (Namespace::Styling, "fontStyle"),
    (Namespace::Styling, "fontWeight"),
    (Namespace::Styling, "opacity"),
    (Namespace::Styling, "origin"),
    (Namespace::Styling, "padding"),
    (Namespace::Styling, "position"),
    (Namespace::Styling, "ruby"),
    (Namespace::Styling, "textAlign"),
    (Namespace::Styling, "textDecoration"),
    (Namespace::Styling, "textOutline"),
    (Namespace::Styling, "textShadow"),
    (Namespace::Styling, "visibility"),
    (Namespace::Styling, "wrapOption"),
    (Namespace::Styling, "writingMode"),
    (Namespace::Styling, "forcedDisplay"),
];

/// The name of an attribute that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    pub namespace: Namespace,
    pub local: &'static str,
}

impl Attribute {
    /// By namespace and local name.
    pub fn of(namespace: Namespace, local: &str) -> Option<Self> {
        let known = ATTRIBUTES.iter().find(|known| known.0 == namespace && known.1 == local);
        known.map(|&(namespace, local)| Self { namespace, local })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_customary_prefixes_name_their_namespace() {
        for (address, expected) in [
            ("http://www.w3.org/XML/1998/namespace", Namespace::Xml),
            ("http://www.smpte-ra.org/schemas/2052-1/2010/smpte-tt", Namespace::Smpte),
            ("urn:ebu:tt:style", Namespace::Styling),
            ("urn:ebu:tt:parameters", Namespace::Parameter),
            ("urn:ebu:tt:metadata", Namespace::Foreign),
            ("http://www.w3.org/ns/ttml", Namespace::Core),
            ("http://www.w3.org/2006/10/ttaf1", Namespace::Core),
            ("http://www.w3.org/ns/ttml#", Namespace::Core),
            ("http://www.w3.org/ns/ttml#styling", Namespace::Styling),
            ("http://www.w3.org/2006/04/ttaf1#style", Namespace::Styling),
            ("http://www.w3.org/ns/ttml#parameter", Namespace::Parameter),
            ("http://www.w3.org/ns/ttml#metadata", Namespace::Foreign),
            ("http://www.w3.org/1999/xhtml", Namespace::Foreign),
            ("http://example.com/ttml", Namespace::Foreign),
        ] {
            assert_eq!(Namespace::of(address), expected, "{address}");
        }
    }
}
