//! MPEG-2 video (ITU-T H.262 §6.2) and MPEG-4 visual (ISO/IEC 14496-2 §6.2): no decoder here takes them, so their
//! pictures are only counted, for reports.

use super::{NalRole, Syntax};
use crate::container::bits::Bits;
use crate::container::{Codec, CodecConfig};

/// Generation of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    Two,
    /// MPEG-4 part 2, and H.263 in its clothes.
    Four,
}

/// Reads the start codes of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Mpeg {
    generation: Generation,
    told: bool,
    /// Parity of the field before, if that was the first field of a frame.
    field: Option<u32>,
    /// The last picture header has not been followed by its extension yet.
    fresh: bool,
}

impl Mpeg {
    /// Returns a reader of this generation.
    pub const fn new(generation: Generation) -> Self {
        Self { generation, told: false, field: None, fresh: false }
    }

    fn read_two(&mut self, unit: &[u8], within: bool) -> NalRole {
        let mut role = NalRole::default();
        match unit.first() {
            Some(0x00) => {
                role.picture = true;
                // A second field belongs to the frame of the first one.
                role.starts_unit = within && self.field.is_none();
                role.key = number(unit, 10, 3) == Some(1) && (role.starts_unit || !within);
                self.fresh = true;
            }
            Some(0xb3 | 0xb8) => role.starts_unit = within,
            Some(0xb5) if self.fresh && number(unit, 0, 4) == Some(8) => {
                self.fresh = false;
                let structure = number(unit, 22, 2).filter(|structure| matches!(structure, 1 | 2));
                self.field = if self.field.is_some() { None } else { structure };
            }
            _ => {}
        }
        role
    }
}

/// A number of `count` bits, `skip` bits after the start code.
fn number(unit: &[u8], skip: usize, count: u32) -> Option<u32> {
    let mut bits = Bits::new(unit.get(1..)?);
    bits.skip(skip)?;
    bits.take(count)
}

fn read_four(unit: &[u8], within: bool) -> NalRole {
    let mut role = NalRole::default();
    match unit.first() {
        Some(0xb6) => {
            role.picture = true;
            role.starts_unit = within;
            role.key = number(unit, 0, 2) == Some(0);
        }
        Some(0x00..=0x2f | 0xb0 | 0xb3 | 0xb5) => role.starts_unit = within,
        _ => {}
    }
    role
}

impl Syntax for Mpeg {
    fn read(&mut self, nal: &[u8], within: bool) -> NalRole {
        match self.generation {
            Generation::Two => self.read_two(nal, within),
            Generation::Four => read_four(nal, within),
        }
    }

    fn new_config(&mut self) -> Option<CodecConfig> {
        let name = match self.generation {
            Generation::Two => "mp4v.61",
            Generation::Four => "mp4v.20",
        };
        (!std::mem::replace(&mut self.told, true)).then(|| CodecConfig {
            codec: Codec::Other(*b"mp4v"),
            codec_string: name.to_owned(),
            width: None,
            height: None,
            pixel_aspect: None,
            rotation: 0,
            sample_rate: None,
            channels: None,
            protection_scheme: None,
        })
    }

    fn boxed_clone(&self) -> Box<dyn Syntax> {
        Box::new(self.clone())
    }

    fn picture_ticks(&self) -> Option<u32> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture header with its coding type: 1 is an intra picture.
    fn picture(kind: u8) -> [u8; 5] {
        [0x00, 0, kind << 3, 0, 0]
    }

    /// A picture coding extension with its structure: 1 and 2 are fields, 3 is a frame.
    fn extension(structure: u8) -> [u8; 6] {
        [0xb5, 0x80, 0, structure, 0, 0]
    }

    fn role(starts_unit: bool, picture: bool, key: bool) -> NalRole {
        NalRole { starts_unit, picture, key }
    }

    #[test]
    fn a_second_field_belongs_to_the_frame_of_the_first() {
        let mut reader = Mpeg::new(Generation::Two);
        assert_eq!(reader.picture_ticks(), None, "time stamps alone give durations");
        let mut read = |unit: &[u8], within| reader.read(unit, within);
        assert_eq!(read(&[0xb3, 0], true), role(true, false, false));
        assert_eq!(read(&[0xb8, 0], false), NalRole::default(), "nothing to end");
        assert_eq!(read(&picture(1), false), role(false, true, true), "the first of all");
        read(&extension(3), true);
        assert_eq!(read(&picture(1), true), role(true, true, true));
        read(&extension(1), true);
        // An intra field may have a predicted one after it: the frame stays a key frame by its first field.
        assert_eq!(read(&picture(1), true), role(false, true, false), "its second field");
        read(&extension(2), true);
        assert_eq!(read(&picture(2), true), role(true, true, false), "another frame");
        // Only the first extension after a picture header, and only that of picture coding, counts.
        read(&[0xb5, 0x10, 0, 1, 0, 0], true);
        read(&extension(3), true);
        read(&extension(1), true);
        assert_eq!(read(&picture(2), true), role(true, true, false));
        read(&extension(2), true);
        assert_eq!(read(&picture(2), true), role(false, true, false), "a bottom field may come first");
        assert_eq!(read(&[0x01, 0], true), NalRole::default(), "a slice");
    }

    #[test]
    fn pictures_of_mpeg_4_begin_units_and_intra_ones_are_keys() {
        let mut reader = Mpeg::new(Generation::Four);
        assert_eq!(reader.read(&[0xb6, 0x00], true), role(true, true, true));
        assert_eq!(reader.read(&[0xb6, 0x40], false), role(false, true, false));
        for unit in [0x00, 0x2f, 0xb0, 0xb3, 0xb5] {
            assert_eq!(reader.read(&[unit, 0], true), role(true, false, false), "{unit:#x}");
        }
        for unit in [0x30, 0xaf, 0xb1] {
            assert_eq!(reader.read(&[unit, 0], true), NalRole::default(), "{unit:#x}");
        }
    }

    #[test]
    fn a_configuration_is_given_once() {
        for (generation, name) in [(Generation::Two, "mp4v.61"), (Generation::Four, "mp4v.20")] {
            let mut reader = Mpeg::new(generation);
            assert_eq!(reader.new_config().map(|config| config.codec_string).as_deref(), Some(name));
            assert_eq!(reader.new_config(), None);
            assert_eq!(reader.boxed_clone().new_config(), None);
        }
    }
}
