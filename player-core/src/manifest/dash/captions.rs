//! Captions inside the video, as `Accessibility` descriptors announce them (ANSI/SCTE 214-1 §7.2, DASH-IF IOP §6.4.3.3).

use crate::manifest::languages;
use crate::manifest::xml::Element;
use crate::model::{CaptionService, CaptionTrack, TrackId};

const CEA_608: &str = "urn:scte:dash:cc:cea-608:2015";
const CEA_708: &str = "urn:scte:dash:cc:cea-708:2015";
/// Tracks of a period; there are four channels and sixty-three services.
const MOST: usize = 67;

/// Adds the captions of a set of video; those that another set announced are known.
pub(super) fn read(set: &Element, out: &mut Vec<CaptionTrack>) {
    for descriptor in set.all("Accessibility") {
        let scheme = descriptor.attr("schemeIdUri").unwrap_or_default();
        let value = descriptor.attr("value").unwrap_or_default();
        let services: Vec<(CaptionService, Option<String>)> = if scheme.eq_ignore_ascii_case(CEA_608) {
            cea_608(value)
        } else if scheme.eq_ignore_ascii_case(CEA_708) {
            cea_708(value)
        } else {
            continue;
        };
        for (service, language) in services {
            if out.len() < MOST && out.iter().all(|known| known.service != service) {
                out.push(track(service, language));
            }
        }
    }
}

fn track(service: CaptionService, language: Option<String>) -> CaptionTrack {
    let id = match service {
        CaptionService::Cea608(channel) => format!("cc{channel}"),
        CaptionService::Cea708(number) => format!("service{number}"),
    };
    CaptionTrack { id: TrackId(id), service, language, label: None, default: false, autoselect: false }
}

/// `CC1=eng;CC3=swe`, or languages alone, which stand for channels 1 and 3; nothing at all is channel 1.
fn cea_608(value: &str) -> Vec<(CaptionService, Option<String>)> {
    let mut unnumbered = [1, 3, 2, 4].into_iter();
    let mut service = |entry: &str| {
        let (channel, language) = match entry.split_once('=') {
            Some((channel, language)) => (channel.trim().strip_prefix("CC")?.parse().ok()?, language),
            None => (unnumbered.next()?, entry),
        };
        (1..=4).contains(&channel).then(|| (CaptionService::Cea608(channel), languages::canonical(language)))
    };
    value.split(';').filter_map(&mut service).collect()
}

/// `1=lang:eng;2=lang:deu,war:1,er:1`, or languages alone, which stand for services in order.
fn cea_708(value: &str) -> Vec<(CaptionService, Option<String>)> {
    let mut unnumbered = 1_u8..=63;
    let mut service = |entry: &str| {
        let (number, parameters) = match entry.split_once('=') {
            Some((number, parameters)) => (number.trim().parse().ok()?, parameters),
            None => (unnumbered.next()?, entry),
        };
        let told = parameters.split(',').find_map(|parameter| parameter.trim().strip_prefix("lang:"));
        let language = told.or_else(|| (!parameters.contains(':')).then_some(parameters));
        let language = language.and_then(languages::canonical);
        (1..=63).contains(&number).then_some((CaptionService::Cea708(number), language))
    };
    value.split(';').filter_map(&mut service).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(services: Vec<(CaptionService, Option<String>)>) -> String {
        let word = |(service, language): (CaptionService, Option<String>)| {
            let (kind, number) = match service {
                CaptionService::Cea608(number) => ("cc", number),
                CaptionService::Cea708(number) => ("s", number),
            };
            format!("{kind}{number}={}", language.as_deref().unwrap_or("-"))
        };
        services.into_iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn channels_and_services_with_and_without_numbers() {
        assert_eq!(words(cea_608("CC1=eng;CC3=swe")), "cc1=en cc3=sv");
        assert_eq!(words(cea_608("eng;deu")), "cc1=en cc3=de");
        assert_eq!(words(cea_608("")), "cc1=-");
        assert_eq!(words(cea_608("CC9=eng;DD=x;CC2=")), "cc2=-");
        assert_eq!(words(cea_708("1=lang:eng;2=lang:deu,war:1,er:1")), "s1=en s2=de");
        assert_eq!(words(cea_708("eng;fra")), "s1=en s2=fr");
        assert_eq!(words(cea_708("99=lang:eng;3=er:1")), "s3=-");
        assert_eq!(words(cea_608("CC0=ita;CC1=eng;CC2=deu;CC3=swe;CC4=fra;CC5=spa")), "cc1=en cc2=de cc3=sv cc4=fr");
        assert_eq!(words(cea_608("eng;deu;swe;fra;spa")), "cc1=en cc3=de cc2=sv cc4=fr", "there are four");
        assert_eq!(words(cea_708("0=lang:ita;1=lang:eng;63=lang:fra;64=lang:spa")), "s1=en s63=fr");
    }
}
