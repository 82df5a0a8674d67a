//! Descriptors: properties of a set or a representation by scheme (ISO/IEC 23009-1 §5.8). Nothing is chosen here.

use crate::manifest::document::{Warnings, clip};
use crate::manifest::xml::Element;
use crate::model::{Role, VideoRange};

/// Sets with this property show the main content sparsely, for trick play (DASH-IF IOP §3.2.9).
const TRICK_MODE: &str = "http://dashif.org/guidelines/trickmode";
/// Pictures that hold several thumbnails, `columns x rows` (DASH-IF IOP §6.2.6).
const THUMBNAIL_TILE: &str = "http://dashif.org/guidelines/thumbnail_tile";
/// The forerunner of the former.
const THUMBNAIL_TILE_DRAFT: &str = "http://dashif.org/thumbnail_tile";

/// Properties that change nothing for a player that decodes all of its input (ISO/IEC 23091, colour and layout).
const HARMLESS: &[&str] = &[
    "urn:mpeg:mpegb:cicp:",
    "urn:dvb:dash:fontdownload:",
    "urn:dvb:dash:highest_quality",
    "urn:mpeg:dash:adaptation-set-switching:2016",
    "http://dashif.org/guidelines/last-segment-number",
];

/// Purpose of a set or a representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Media to be presented.
    Normal,
    /// Fast playback and scrubbing only.
    TrickPlay,
    /// Pictures for the seek bar, in this number of tiles side by side and above each other.
    Thumbnails(u32, u32),
}

/// Returns the purpose of an element; `None`, with a warning, if it must not be used: because it carries an
/// `EssentialProperty` that is not known (§5.8.4.8), depends on something else, or is not here.
pub(super) fn purpose(element: &Element, warnings: &mut Warnings) -> Option<Purpose> {
    let name = &element.name;
    let mut purpose = Purpose::Normal;
    for property in &element.children {
        let essential = match &*property.name {
            "EssentialProperty" => true,
            "SupplementalProperty" => false,
            _ => continue,
        };
        let scheme = property.attr("schemeIdUri").unwrap_or_default();
        let lower = scheme.to_ascii_lowercase();
        if lower.starts_with(TRICK_MODE) {
            purpose = Purpose::TrickPlay;
        } else if lower == THUMBNAIL_TILE || lower == THUMBNAIL_TILE_DRAFT {
            let (columns, rows) = tiles(property);
            purpose = Purpose::Thumbnails(columns, rows);
        } else if essential && !HARMLESS.iter().any(|known| lower.starts_with(known)) {
            let scheme = clip(scheme);
            let message = format!("{name} skipped: it demands the property {scheme}, which is not supported");
            warnings.push(property.line, message);
            return None;
        }
    }
    if element.attr("dependencyId").is_some() {
        warnings.push(element.line, format!("{name} skipped: it depends on another one, which is not supported"));
        return None;
    }
    if &**name == "AdaptationSet" && element.any_attr("href").is_some() && element.first("Representation").is_none() {
        warnings.push(element.line, "AdaptationSet skipped: it lies in another document, which is not here");
        return None;
    }
    Some(purpose)
}

/// `10x5`; a value that makes no sense is one tile.
fn tiles(property: &Element) -> (u32, u32) {
    let value = property.attr("value").unwrap_or_default();
    let sides = value.split_once(['x', 'X']).unwrap_or((value, "1"));
    let side = |text: &str| text.trim().parse::<u32>().ok().filter(|side| (1..=1000).contains(side));
    side(sides.0).zip(side(sides.1)).unwrap_or((1, 1))
}

/// Returns the dynamic range of the video (ISO/IEC 23091-2 §8.2, transfer characteristics).
pub(super) fn video_range(element: &Element) -> Option<VideoRange> {
    let mut properties = element.children.iter().filter(|child| child.name.ends_with("Property"));
    let value = properties.find_map(|property| {
        let scheme = property.attr("schemeIdUri")?.to_ascii_lowercase();
        scheme.ends_with(":transfercharacteristics").then(|| property.attr("value"))?
    })?;
    Some(match value {
        "16" => VideoRange::Pq,
        "18" => VideoRange::Hlg,
        _ => VideoRange::Sdr,
    })
}

/// The name of a set for menus.
pub(super) fn label(set: &Element) -> Option<String> {
    set.first("Label").map(|label| label.text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The ids of the sets that this one may be switched with (§5.3.3.5).
pub(super) fn switchable_with(set: &Element) -> impl Iterator<Item = &str> {
    let scheme = Some("urn:mpeg:dash:adaptation-set-switching:2016");
    let properties = set.children.iter().filter(move |child| {
        child.attr("schemeIdUri") == scheme && matches!(&*child.name, "SupplementalProperty" | "EssentialProperty")
    });
    let values = properties.filter_map(|property| property.attr("value"));
    values.flat_map(|value| value.split([',', ' '])).filter(|id| !id.is_empty())
}

/// DASH-IF IOP §4.4.3.6: the number of the last segment, where duration and segments do not match.
pub(super) fn last_number(element: &Element) -> Option<u64> {
    let scheme = Some("http://dashif.org/guidelines/last-segment-number");
    element.all("SupplementalProperty").find(|property| property.attr("schemeIdUri") == scheme)?.number("value")
}

/// `AudioChannelConfiguration` (§5.8.5.4): a plain number, or the mask of Dolby's scheme.
pub(super) fn channels(element: &Element) -> Option<u32> {
    let configuration = element.first("AudioChannelConfiguration")?;
    let value = configuration.attr("value")?;
    let scheme = configuration.attr("schemeIdUri")?;
    if scheme.contains("23003:3") {
        return value.parse().ok();
    }
    if scheme.contains("CodingIndependent") || scheme.contains("cicp:ChannelConfiguration") {
        // ISO/IEC 23091-3, channel configurations 1 to 7 and 12.
        return match value.parse::<u32>().ok()? {
            count @ 1..=6 => Some(count),
            7 | 12 => Some(8),
            _ => None,
        };
    }
    if scheme.starts_with("tag:dolby.com,2014") {
        return dolby_channels(u16::from_str_radix(value, 16).ok()?);
    }
    None
}

/// ETSI TS 102 366 §E.1.3.1.8: one bit a channel from the highest down; some bits stand for a pair.
fn dolby_channels(mask: u16) -> Option<u32> {
    /// Lc/Rc, Lrs/Rrs, Lsd/Rsd, Lw/Rw, Lvh/Rvh and Lts/Rts.
    const PAIRS: u16 = 0x0674;
    let count = mask.count_ones() + (mask & PAIRS).count_ones();
    (count > 0).then_some(count)
}

pub(super) fn role_word(roles: &[Role]) -> Option<&str> {
    roles.iter().find_map(|role| match role {
        Role::Main | Role::Subtitle => None,
        Role::Alternate => Some("alternate"),
        Role::Description => Some("description"),
        Role::Dub => Some("dub"),
        Role::Commentary => Some("commentary"),
        Role::ForcedSubtitle => Some("forced"),
        Role::Caption => Some("caption"),
        Role::Other(word) => Some(word),
    })
}

/// ISO/IEC 23009-1 §5.8.5.5, and the accessibility scheme of DVB for audio description.
pub(super) fn roles(element: &Element) -> Vec<Role> {
    let mut roles: Vec<Role> = Vec::new();
    let mut add = |role: Role| {
        if !roles.contains(&role) && roles.len() < 8 {
            roles.push(role);
        }
    };
    for role in element.all("Role") {
        match role.attr("value").unwrap_or_default() {
            "" => {}
            "main" => add(Role::Main),
            "alternate" => add(Role::Alternate),
            "description" => add(Role::Description),
            "dub" => add(Role::Dub),
            "commentary" => add(Role::Commentary),
            "forced-subtitle" | "forced_subtitle" => add(Role::ForcedSubtitle),
            "caption" => add(Role::Caption),
            "subtitle" => add(Role::Subtitle),
            other => add(Role::Other(other.to_owned())),
        }
    }
    for accessibility in element.all("Accessibility") {
        let scheme = accessibility.attr("schemeIdUri").unwrap_or_default();
        match (scheme, accessibility.attr("value").unwrap_or_default()) {
            ("urn:tva:metadata:cs:AudioPurposeCS:2007", "1") | ("urn:mpeg:dash:role:2011", "description") => {
                add(Role::Description);
            }
            ("urn:tva:metadata:cs:AudioPurposeCS:2007", "2") | ("urn:mpeg:dash:role:2011", "caption") => {
                add(Role::Caption);
            }
            _ => {}
        }
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_counted_by_the_mask_of_dolby() {
        for (mask, count) in
            [(0xf801, Some(6)), (0xa000, Some(2)), (0x4000, Some(1)), (0xfa01, Some(8)), (0x0200, Some(2))]
        {
            assert_eq!(dolby_channels(mask), count, "{mask:#06x}");
        }
        assert_eq!(dolby_channels(0), None);
    }

    fn element(inner: &str) -> Element {
        crate::manifest::xml::parse(&format!("<AdaptationSet>{inner}</AdaptationSet>")).expect("well-formed")
    }

    #[test]
    fn transfer_characteristics_name_the_dynamic_range() {
        for (value, range) in [("16", VideoRange::Pq), ("18", VideoRange::Hlg), ("1", VideoRange::Sdr)] {
            let scheme = "urn:mpeg:mpegB:cicp:TransferCharacteristics";
            for property in ["EssentialProperty", "SupplementalProperty"] {
                let found = video_range(&element(&format!("<{property} schemeIdUri='{scheme}' value='{value}'/>")));
                assert_eq!(found, Some(range), "{property} {value}");
            }
        }
        assert_eq!(video_range(&element("<EssentialProperty schemeIdUri='urn:x' value='16'/>")), None);
    }

    #[test]
    fn trick_play_is_named_by_either_property_and_unknown_demands_skip_a_set() {
        let of = |inner: &str| {
            let mut warnings = Warnings::default();
            (purpose(&element(inner), &mut warnings), warnings.into_list().len())
        };
        for property in ["EssentialProperty", "SupplementalProperty"] {
            let trick = format!("<{property} schemeIdUri='http://dashif.org/guidelines/trickmode' value='1'/>");
            assert_eq!(of(&trick), (Some(Purpose::TrickPlay), 0), "{property}");
        }
        assert_eq!(of("<SupplementalProperty schemeIdUri='urn:x'/>"), (Some(Purpose::Normal), 0));
        assert_eq!(of("<EssentialProperty schemeIdUri='urn:x'/>"), (None, 1));
    }

    #[test]
    fn accessibility_is_a_role_by_the_schemes_of_tv_anytime_and_dash() {
        for (scheme, value, role) in [
            ("urn:tva:metadata:cs:AudioPurposeCS:2007", "1", Some(Role::Description)),
            ("urn:tva:metadata:cs:AudioPurposeCS:2007", "2", Some(Role::Caption)),
            ("urn:tva:metadata:cs:AudioPurposeCS:2007", "3", None),
            ("urn:mpeg:dash:role:2011", "description", Some(Role::Description)),
            ("urn:mpeg:dash:role:2011", "caption", Some(Role::Caption)),
            ("urn:x", "1", None),
        ] {
            let found = roles(&element(&format!("<Accessibility schemeIdUri='{scheme}' value='{value}'/>")));
            assert_eq!(found, Vec::from_iter(role), "{scheme} {value}");
        }
    }

    #[test]
    fn channel_configurations_are_read_by_their_scheme() {
        let cicp = "urn:mpeg:mpegB:cicp:ChannelConfiguration";
        let table = [
            (cicp, "1", Some(1)),
            (cicp, "6", Some(6)),
            (cicp, "7", Some(8)),
            (cicp, "12", Some(8)),
            (cicp, "13", None),
            (cicp, "0", None),
            ("urn:mpeg:dash:23003:3:audio_channel_configuration:2011", "2", Some(2)),
            ("tag:dolby.com,2014:dash:audio_channel_configuration:2011", "F801", Some(6)),
            ("urn:example", "2", None),
        ];
        for (scheme, value, count) in table {
            let text = format!("<A><AudioChannelConfiguration schemeIdUri='{scheme}' value='{value}'/></A>");
            let element = crate::manifest::xml::parse(&text).expect("well-formed");
            assert_eq!(channels(&element), count, "{scheme} {value}");
        }
    }
}
