//! Facts about a title beside its texts and its media, as far as they hold: by region, by time, within its length. Pure.
//!
//! A record may be wrong: a chapter after the end, an intro that ends before it begins. The title is offered without such a fact,
//! and a warning names it.

use kinora_api::{AgeRating, Chapter, Credit, Job, Marks, Span, TitleKind, UnixMillis};
use kinora_media::{About, AgeRecord, ChapterRecord, Job as RecordedJob, Kind, MarksRecord, PartOf, Person, Window};

/// Place and time for which facts hold.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Region (ISO 3166-1 alpha-2) of the deployment; `None`: only rules without regions hold.
    pub region: Option<String>,
    /// Time.
    pub now: UnixMillis,
}

impl Setting {
    /// Returns true if a rule for some regions holds here; one without regions holds everywhere.
    fn is_in(&self, regions: &[String]) -> bool {
        regions.is_empty()
            || self.region.as_ref().is_some_and(|here| regions.iter().any(|region| region.eq_ignore_ascii_case(here)))
    }
}

/// Time within which a title can be played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// True if it can be played now.
    pub is_open: bool,
    /// End of that, if there is one.
    pub until: Option<UnixMillis>,
    /// Next time at which that changes, or its end; `None` if it never does.
    pub next: Option<UnixMillis>,
    /// Latest time up to now at which that changed.
    pub last: Option<UnixMillis>,
}

impl Opening {
    /// Without a window a title can be played everywhere and always.
    fn of(windows: &[Window], setting: &Setting) -> Self {
        if windows.is_empty() {
            return Self { is_open: true, ..Self::default() };
        }
        let times = |window: &Window| {
            let from = window.from.map_or(i64::MIN, |from| from.as_millisecond());
            (from, window.until.map_or(i64::MAX, |until| until.as_millisecond()))
        };
        let here: Vec<(i64, i64)> =
            windows.iter().filter(|window| setting.is_in(&window.regions)).map(times).filter(|(a, b)| a < b).collect();
        let open = here.iter().filter(|(from, until)| (*from..*until).contains(&setting.now));
        let until = open.map(|(_, until)| *until).max();
        let borders =
            || here.iter().flat_map(|(from, until)| [*from, *until]).filter(|at| ![i64::MIN, i64::MAX].contains(at));
        Self {
            is_open: until.is_some(),
            until: until.filter(|until| *until != i64::MAX),
            next: borders().filter(|at| *at > setting.now).min(),
            last: borders().filter(|at| *at <= setting.now).max(),
        }
    }
}

/// Facts that hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Kind of title.
    pub kind: TitleKind,
    /// Title that it belongs to.
    pub part_of: Option<PartOf>,
    /// Age from which it is suitable, by its own rating.
    pub rating: Option<AgeRating>,
    /// Time within which it can be played.
    pub opening: Opening,
    /// People who made it.
    pub cast: Vec<Credit>,
    /// Chapters.
    pub chapters: Vec<Chapter>,
    /// Parts that viewers skip.
    pub marks: Marks,
}

impl Facts {
    /// Reads what a record has about a title of this length, and calls `warn` for what it leaves out.
    pub fn of(about: &About, duration_ms: u64, setting: &Setting, warn: &mut impl FnMut(String)) -> Self {
        for window in &about.availability {
            if window.from.zip(window.until).is_some_and(|(from, until)| from >= until) {
                warn("a window of its availability ends before it begins, and never holds".to_owned());
            }
        }
        let kind = match about.kind {
            Kind::Film => TitleKind::Film,
            Kind::Series => TitleKind::Series,
            Kind::Episode => TitleKind::Episode,
            Kind::Trailer => TitleKind::Trailer,
        };
        let is_played = kind != TitleKind::Series;
        Self {
            kind,
            part_of: about.part_of.clone(),
            rating: about.ratings.iter().find(|rule| setting.is_in(&rule.regions)).map(rating),
            opening: Opening::of(&about.availability, setting),
            cast: about.cast.iter().filter(|person| !person.name.trim().is_empty()).map(credit).collect(),
            chapters: if is_played { chapters(&about.chapters, duration_ms, warn) } else { Vec::new() },
            marks: if is_played { marks(&about.marks, duration_ms, warn) } else { Marks::default() },
        }
    }
}

fn rating(rule: &AgeRecord) -> AgeRating {
    AgeRating { label: rule.label.clone(), min_age: rule.min_age }
}

fn credit(person: &Person) -> Credit {
    let job = match person.job {
        RecordedJob::Actor => Job::Actor,
        RecordedJob::Director => Job::Director,
        RecordedJob::Writer => Job::Writer,
        RecordedJob::Composer => Job::Composer,
    };
    Credit { name: person.name.clone(), job, character: person.character.clone() }
}

fn chapters(recorded: &[ChapterRecord], duration_ms: u64, warn: &mut impl FnMut(String)) -> Vec<Chapter> {
    let mut chapters: Vec<Chapter> = Vec::new();
    for ChapterRecord { start_ms, name } in recorded {
        if *start_ms >= duration_ms {
            warn(format!("the chapter {name:?} begins after the end"));
        } else if chapters.last().is_some_and(|last| last.start_ms >= *start_ms) {
            warn(format!("the chapter {name:?} begins before the one before it"));
        } else {
            chapters.push(Chapter { start_ms: *start_ms, name: name.clone() });
        }
    }
    if chapters.first().is_some_and(|first| first.start_ms > 0) {
        warn("the first chapter does not begin at 0".to_owned());
        chapters.clear();
    }
    chapters
}

fn marks(recorded: &MarksRecord, duration_ms: u64, warn: &mut impl FnMut(String)) -> Marks {
    let mut span = |name: &str, span: Option<(u64, u64)>| {
        let (start_ms, end_ms) = span?;
        if start_ms < end_ms && end_ms <= duration_ms {
            return Some(Span { start_ms, end_ms });
        }
        warn(format!("the {name} from {start_ms} to {end_ms} ms is no part of its {duration_ms} ms"));
        None
    };
    let (intro, recap) = (span("intro", recorded.intro), span("recap", recorded.recap));
    let credits_from_ms = recorded.credits_from_ms.filter(|from| (1..duration_ms).contains(from));
    if credits_from_ms != recorded.credits_from_ms {
        warn(format!("the credits do not begin within its {duration_ms} ms"));
    }
    Marks { intro, recap, credits_from_ms }
}

#[cfg(test)]
mod tests {
    use kinora_api::{Span, UnixMillis};
    use kinora_media::About;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Facts, Opening, Setting};

    const DAY: i64 = 86_400_000;

    fn setting(region: Option<&str>, now: UnixMillis) -> Setting {
        Setting { region: region.map(str::to_owned), now }
    }

    fn facts(about: Value, setting: &Setting) -> (Facts, Vec<String>) {
        let about: About = serde_json::from_value(about).expect("facts of a record");
        let mut warnings = Vec::new();
        let facts = Facts::of(&about, 100_000, setting, &mut |warning| warnings.push(warning));
        (facts, warnings)
    }

    #[test]
    fn the_first_rating_that_holds_in_the_region_counts() {
        let about = json!({ "ratings": [
            { "regions": ["DE", "AT"], "label": "FSK 12", "min_age": 12 },
            { "regions": ["US"], "label": "PG-13", "min_age": 13 },
            { "label": "15", "min_age": 15 },
            { "regions": ["SE"], "label": "11", "min_age": 11 },
        ] });
        let label = |region| facts(about.clone(), &setting(region, 0)).0.rating.map(|rating| rating.label);
        assert_eq!(label(Some("at")).as_deref(), Some("FSK 12"));
        assert_eq!(label(Some("US")).as_deref(), Some("PG-13"));
        assert_eq!(label(Some("SE")).as_deref(), Some("15"), "the rule before it holds everywhere");
        assert_eq!(label(None).as_deref(), Some("15"));
        let only = json!({ "ratings": [{ "regions": ["US"], "label": "PG", "min_age": 8 }] });
        assert_eq!(facts(only, &setting(None, 0)).0.rating, None);
    }

    #[test]
    fn a_title_can_be_played_within_its_windows_only() {
        let about = json!({ "availability": [
            { "regions": ["SE"], "from": "1970-01-02T00:00:00Z", "until": "1970-01-03T00:00:00Z" },
            { "regions": ["NO"] },
            { "from": "1970-01-11T00:00:00Z" },
            { "from": "1970-01-09T00:00:00Z", "until": "1970-01-08T00:00:00Z" },
        ] });
        let opening = |region, now| facts(about.clone(), &setting(region, now)).0.opening;
        let shut = Opening { next: Some(DAY), ..Opening::default() };
        assert_eq!(opening(Some("SE"), DAY - 1), shut);
        let open = Opening { is_open: true, until: Some(2 * DAY), next: Some(2 * DAY), last: Some(DAY) };
        assert_eq!(opening(Some("SE"), DAY), open);
        assert!(!opening(Some("SE"), 2 * DAY).is_open);
        assert_eq!(opening(Some("SE"), 2 * DAY).next, Some(10 * DAY));
        assert_eq!(opening(None, 20 * DAY), Opening { is_open: true, last: Some(10 * DAY), ..Opening::default() });
        assert!(opening(Some("NO"), 0).is_open && !opening(None, 0).is_open);
        assert_eq!(facts(about, &setting(None, 0)).1.len(), 1, "the fourth window never holds");
        assert!(facts(json!({}), &setting(None, 0)).0.opening.is_open);
    }

    #[test]
    fn marks_and_chapters_outside_the_title_are_left_out_with_a_warning() {
        let about = json!({
            "chapters": [
                { "start_ms": 0, "name": "One" }, { "start_ms": 9_000, "name": "Two" },
                { "start_ms": 8_000, "name": "Early" }, { "start_ms": 100_000, "name": "Late" },
            ],
            "marks": { "intro": [5_000, 4_000], "recap": [0, 100_000], "credits_from_ms": 100_000 },
            "cast": [{ "name": " " }, { "name": "A. Person", "job": "director" }],
        });
        let (found, warnings) = facts(about, &setting(None, 0));
        let names: Vec<&str> = found.chapters.iter().map(|chapter| chapter.name.as_str()).collect();
        assert_eq!(names, ["One", "Two"]);
        assert_eq!(found.marks.recap, Some(Span { start_ms: 0, end_ms: 100_000 }));
        assert!(found.marks.intro.is_none() && found.marks.credits_from_ms.is_none());
        assert_eq!((found.cast.len(), warnings.len()), (1, 4), "{warnings:?}");
        let (late, warnings) = facts(json!({ "chapters": [{ "start_ms": 1, "name": "One" }] }), &setting(None, 0));
        assert!(late.chapters.is_empty() && warnings.len() == 1);
    }

    proptest! {
        #[test]
        fn between_two_borders_nothing_opens_or_ends(
            windows in prop::collection::vec((prop::option::of(0_i64..40), prop::option::of(0_i64..40)), 0..5), now in 0_i64..40,
        ) {
            let windows: Vec<kinora_media::Window> = windows
                .into_iter()
                .map(|(from, until)| kinora_media::Window {
                    from: from.and_then(|at| jiff::Timestamp::from_millisecond(at).ok()),
                    until: until.and_then(|at| jiff::Timestamp::from_millisecond(at).ok()),
                    ..Default::default()
                })
                .collect();
            let at = |now| Opening::of(&windows, &setting(None, now));
            let here = at(now);
            for other in here.last.unwrap_or(0)..here.next.unwrap_or(41) {
                prop_assert_eq!(at(other).is_open, here.is_open);
                prop_assert_eq!(at(other).until, here.until);
            }
        }
    }
}
