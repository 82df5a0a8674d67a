//! Date ranges (RFC 8216bis §4.4.5.1).

use std::time::Duration;

use super::attributes::TagWriter;
use crate::error::check_characters;
use crate::{DateTime, Layout, ManifestError};

/// Attributes of `EXT-X-DATERANGE`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DateRange {
    /// `ID`.
    pub id: String,
    /// `CLASS`.
    pub class: Option<String>,
    /// `START-DATE`; absent only in a tag that adds to another of the same id.
    pub start_date: Option<DateTime>,
    /// `CUE`: `PRE`, `POST` or `ONCE`, in any combination but the first two.
    pub cue: Vec<Cue>,
    /// `END-DATE`; not before `start_date`.
    pub end_date: Option<DateTime>,
    /// `DURATION`.
    pub duration: Option<Duration>,
    /// `PLANNED-DURATION`.
    pub planned_duration: Option<Duration>,
    /// Attributes of the author's whose names begin with `X-`.
    pub client_attributes: Vec<(String, ClientValue)>,
    /// `SCTE35-CMD`: a splice_info_section.
    pub scte35_cmd: Option<Vec<u8>>,
    /// `SCTE35-OUT`.
    pub scte35_out: Option<Vec<u8>>,
    /// `SCTE35-IN`.
    pub scte35_in: Option<Vec<u8>>,
    /// `END-ON-NEXT`: it ends where the next of its class begins; the attribute is absent if false.
    pub end_on_next: bool,
}

/// Time at which the action of a date range is due if not at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cue {
    /// Before playback.
    Pre,
    /// After playback.
    Post,
    /// Once only.
    Once,
}

/// Value of an attribute of the author's.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientValue {
    /// A quoted-string.
    Text(String),
    /// A hexadecimal-sequence.
    Bytes(Vec<u8>),
    /// A decimal-floating-point, rounded to three decimals.
    Number(f64),
}

impl DateRange {
    pub(super) fn to_line(&self, layout: Layout) -> Result<String, ManifestError> {
        self.check()?;
        let mut tag = TagWriter::new("EXT-X-DATERANGE");
        tag.quoted("ID", &self.id)?;
        if let Some(class) = &self.class {
            tag.quoted("CLASS", class)?;
        }
        if let Some(date) = self.start_date {
            tag.quoted("START-DATE", &date.to_string())?;
        }
        if !self.cue.is_empty() {
            let names = self.cue.iter().map(|cue| match cue {
                Cue::Pre => "PRE".to_owned(),
                Cue::Post => "POST".to_owned(),
                Cue::Once => "ONCE".to_owned(),
            });
            tag.quoted_list("CUE", &names.collect::<Vec<_>>(), ',')?;
        }
        if let Some(date) = self.end_date {
            tag.quoted("END-DATE", &date.to_string())?;
        }
        for (name, span) in [("DURATION", self.duration), ("PLANNED-DURATION", self.planned_duration)] {
            if let Some(span) = span {
                tag.seconds(name, span, layout);
            }
        }
        for (name, value) in &self.client_attributes {
            tag.client(name, value)?;
        }
        let sections =
            [("SCTE35-CMD", &self.scte35_cmd), ("SCTE35-OUT", &self.scte35_out), ("SCTE35-IN", &self.scte35_in)];
        for (name, section) in sections {
            if let Some(section) = section {
                tag.hexadecimal(name, section);
            }
        }
        if self.end_on_next {
            tag.yes_or_no("END-ON-NEXT", true);
        }
        Ok(tag.finish())
    }

    fn check(&self) -> Result<(), ManifestError> {
        let contradiction = |place, reason| Err(ManifestError::Contradiction { place, reason });
        if self.end_date.zip(self.start_date).is_some_and(|(end, start)| end < start) {
            return contradiction("END-DATE", "it lies before START-DATE");
        }
        if self.end_on_next && self.class.is_none() {
            return contradiction("END-ON-NEXT", "CLASS is absent");
        }
        if self.end_on_next && (self.duration.is_some() || self.end_date.is_some()) {
            return contradiction("END-ON-NEXT", "the end is stated too");
        }
        if self.cue.contains(&Cue::Pre) && self.cue.contains(&Cue::Post) {
            return contradiction("CUE", "PRE and POST");
        }
        Ok(())
    }
}

impl TagWriter {
    /// Adds an attribute of the author's.
    fn client(&mut self, name: &str, value: &ClientValue) -> Result<(), ManifestError> {
        const PLACE: &str = "client attribute";
        check_characters(PLACE, name, |character| {
            character.is_ascii_uppercase() || character.is_ascii_digit() || character == '-'
        })?;
        if !name.starts_with("X-") {
            return Err(ManifestError::Contradiction { place: PLACE, reason: "its name does not begin with X-" });
        }
        match value {
            ClientValue::Text(text) => self.named_text(PLACE, name, text),
            ClientValue::Bytes(bytes) => {
                self.hexadecimal(name, bytes);
                Ok(())
            }
            ClientValue::Number(number) => self.named_decimal(PLACE, name, *number),
        }
    }
}
