//! The drawn titles of the demo catalogue: what is known about each, and how its scenes become a film.

mod films;
mod nature;
mod score;
mod series;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use kinora_art::Scene;

use super::super::{
    About, AgeRecord, ChapterRecord, Drawn, DrawnScene, Effort, Job, Kind, Ladder, MarksRecord, Metadata, Person,
    Request, Rung, Source, Still, Window, Words,
};
use super::REVISION;
use score::Mood;

/// Seconds of the opening titles.
const OPENING: u32 = 6;
/// Seconds for which a line of the subtitles is shown.
const LINE: u64 = 5;

/// Requests for all drawn titles, longest work first. A series comes before its episodes.
pub(super) fn requests() -> Vec<Request> {
    let mut films: Vec<Request> = films::all().into_iter().chain(nature::all()).map(|film| film.request()).collect();
    films.extend(series::requests());
    films.push(films::trailer());
    films
}

/// A film or an episode.
#[derive(Debug, Clone)]
struct Film {
    id: &'static str,
    name: &'static str,
    /// Language tag and name in the original language.
    original: Option<(&'static str, &'static str)>,
    french: &'static str,
    /// Two paragraphs.
    description: &'static str,
    year: u16,
    genres: &'static [&'static str],
    /// Label and age.
    age: (&'static str, u8),
    people: &'static [(&'static str, Job, Option<&'static str>)],
    /// Chapters: name, seconds after which the pictures repeat, and number of times.
    chapters: &'static [(&'static str, u32, u32)],
    /// Years from and until whose begin it can be played; everywhere.
    window: Option<(i16, i16)>,
    /// A scene for each chapter.
    looks: Vec<Scene>,
    /// Chapter and moment of poster and key art.
    face: (usize, f32),
    mood: Mood,
    /// Narration, English and French.
    lines: &'static [(&'static str, &'static str)],
}

impl Film {
    fn request(&self) -> Request {
        let scenes = self.scenes(Vec::new(), self.opening_line(), 8);
        self.finish(scenes, About { kind: Kind::Film, ..self.about() }, ladder())
    }

    /// The line below the name in the opening titles.
    fn opening_line(&self) -> String {
        let director = self.people.iter().find(|person| person.1 == Job::Director).map_or("", |person| person.0);
        match self.original {
            Some((_, original)) => format!("{original}   ·   {director}"),
            None => format!("a film by {director}"),
        }
    }

    /// What was before, the opening, the chapters and the closing credits.
    fn scenes(&self, before: Vec<DrawnScene>, small: String, credits: u32) -> Vec<DrawnScene> {
        let mut scenes = before;
        let scene = |scene: &Scene, seconds, times, words| DrawnScene { scene: scene.clone(), seconds, times, words };
        if let Some(first) = self.looks.first() {
            let title = Words::Title(self.name.to_owned(), small);
            scenes.push(scene(&first.clone().shaded(0.5), OPENING, 1, title));
        }
        for (look, &(_, seconds, times)) in self.looks.iter().zip(self.chapters) {
            scenes.push(scene(look, seconds, times, Words::None));
        }
        if let Some(last) = self.looks.last() {
            scenes.push(scene(&last.clone().shaded(0.75), credits, 1, Words::Credits(self.credits())));
        }
        scenes
    }

    fn credits(&self) -> Vec<String> {
        let mut lines = vec![self.name.to_owned(), String::new()];
        for (name, job, character) in self.people {
            let work = match (job, character) {
                (Job::Actor, Some(character)) => (*character).to_owned(),
                (Job::Actor, None) => "Narrator".to_owned(),
                (Job::Director, _) => "Directed by".to_owned(),
                (Job::Writer, _) => "Written by".to_owned(),
                (Job::Composer, _) => "Music by".to_owned(),
            };
            lines.extend([work, (*name).to_owned(), String::new()]);
        }
        lines.push("Drawn by arithmetic.".to_owned());
        lines
    }

    fn about(&self) -> About {
        let mut names = BTreeMap::from([("fr".to_owned(), self.french.to_owned())]);
        if let Some((language, name)) = self.original {
            names.insert(language.to_owned(), name.to_owned());
        }
        let person = |&(name, job, character): &(&str, Job, Option<&str>)| Person {
            name: name.to_owned(),
            job,
            character: character.map(str::to_owned),
        };
        About {
            original_name: self.original.map(|(_, name)| name.to_owned()),
            names,
            cast: self.people.iter().map(person).collect(),
            ratings: vec![rating(self.age)],
            availability: self
                .window
                .map(|(from, until)| Window { regions: Vec::new(), from: begin_of(from), until: begin_of(until) })
                .into_iter()
                .collect(),
            ..About::default()
        }
    }

    /// The request for scenes: chapters, marks and subtitles follow from them.
    fn finish(&self, scenes: Vec<DrawnScene>, about: About, ladder: Ladder) -> Request {
        let marks = marks(&scenes);
        let about = About { chapters: self.chapter_records(&scenes), marks, ..about };
        let face = |shade: f32| Still { scene: self.looks[self.face.0].clone().shaded(shade), phase: self.face.1 };
        let drawn = Drawn {
            poster: face(0.0),
            key_art: face(0.42),
            music: self.mood.score(),
            language: "zxx".to_owned(),
            text: vec![
                ("en".to_owned(), self.subtitles(&scenes, false)),
                ("fr".to_owned(), self.subtitles(&scenes, true)),
            ],
            scenes,
        };
        Request {
            id: Some(self.id.to_owned()),
            metadata: Metadata {
                title: self.name.to_owned(),
                description: self.description.to_owned(),
                year: Some(self.year),
                genres: self.genres.iter().map(|&genre| genre.to_owned()).collect(),
                about,
            },
            ladder,
            effort: Effort::Fast,
            replace: true,
            demo_revision: REVISION,
            ..Request::new(Source::Drawn(Box::new(drawn)))
        }
    }

    /// A chapter begins with the first of its scenes; what is before the first chapter belongs to it.
    fn chapter_records(&self, scenes: &[DrawnScene]) -> Vec<ChapterRecord> {
        let mut begin = 0;
        let mut names = self.chapters.iter().map(|chapter| chapter.0);
        let mut records = Vec::new();
        for scene in scenes {
            if scene.words == Words::None
                && let Some(name) = names.next()
            {
                let start_ms = if records.is_empty() { 0 } else { begin };
                records.push(ChapterRecord { start_ms, name: name.to_owned() });
            }
            begin += scene.duration_ms();
        }
        records
    }

    /// The lines, spread over what is between the opening and the credits.
    fn subtitles(&self, scenes: &[DrawnScene], is_french: bool) -> String {
        let marks = marks(scenes);
        let from = marks.intro.map_or(0, |intro| intro.1);
        let until = marks.credits_from_ms.unwrap_or(from);
        let step = (until - from) / self.lines.len().max(1) as u64;
        let mut vtt = String::from("WEBVTT\n");
        for (index, (english, french)) in (0..).zip(self.lines) {
            let begin = (from + index * step) / 1000 + 2;
            let line = if is_french { french } else { english };
            // Appending to a `String` cannot fail.
            let _ = write!(vtt, "\n{}\n{} --> {}\n{line}\n", index + 1, clock(begin), clock(begin + LINE));
        }
        vtt
    }
}

/// The parts that viewers skip, as the words on the scenes say.
fn marks(scenes: &[DrawnScene]) -> MarksRecord {
    let mut marks = MarksRecord::default();
    let mut begin = 0;
    for scene in scenes {
        let end = begin + scene.duration_ms();
        match &scene.words {
            Words::None => {}
            Words::Title(..) => marks.intro = Some((begin, end)),
            Words::Credits(_) => marks.credits_from_ms = Some(begin),
            Words::Corner(_) => marks.recap = Some((marks.recap.map_or(begin, |recap| recap.0), end)),
        }
        begin = end;
    }
    marks
}

/// The begin of a year, in UTC.
fn begin_of(year: i16) -> Option<Timestamp> {
    jiff::civil::date(year, 1, 1).to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn rating((label, min_age): (&str, u8)) -> AgeRecord {
    AgeRecord { regions: Vec::new(), label: label.to_owned(), min_age }
}

/// The ladder of a drawn title; calm pictures stay far below its rates.
fn ladder() -> Ladder {
    let rates = [(240, 400_000), (480, 1_200_000), (720, 2_800_000)];
    let rung = |&(height, video_bps): &(u32, u32)| Rung {
        name: format!("{height}p"),
        height,
        video_bps,
        max_bps: video_bps / 4 * 5,
    };
    Ladder { audio_bps: 56_000, rungs: rates.iter().map(rung).collect() }
}

fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}.000", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::super::slug;
    use super::*;

    fn drawn(request: &Request) -> &Drawn {
        let Source::Drawn(drawn) = &request.source else { panic!("it is drawn") };
        drawn
    }

    fn of_kind(kind: Kind) -> Vec<Request> {
        requests().into_iter().filter(|request| request.metadata.about.kind == kind).collect()
    }

    #[test]
    fn the_catalogue_has_what_a_home_screen_needs() {
        let films = of_kind(Kind::Film);
        assert_eq!(films.len(), 8);
        for film in &films {
            let (metadata, minutes) = (&film.metadata, drawn(film).duration_ms() / 60_000);
            assert!((3..12).contains(&minutes), "{} lasts {minutes} minutes", metadata.title);
            assert_eq!(metadata.description.matches("\n\n").count(), 1, "{}", metadata.title);
            assert!(metadata.about.cast.iter().any(|person| person.job == Job::Director), "{}", metadata.title);
            assert!(metadata.about.chapters.len() >= 4, "{}", metadata.title);
            film.ladder.check().unwrap();
        }
        let ages: Vec<u8> = films.iter().map(|film| film.metadata.about.ratings[0].min_age).collect();
        assert!([0, 6, 12, 16].iter().all(|age| ages.contains(age)), "{ages:?}");
        assert!(ages.iter().filter(|age| **age == 0).count() >= 3, "{ages:?}");
        let of_genre = |genre: &String| films.iter().filter(|film| film.metadata.genres.contains(genre)).count();
        for film in &films {
            assert!(film.metadata.genres.iter().all(|genre| of_genre(genre) >= 2), "{:?}", film.metadata.genres);
        }
        let now = begin_of(2027).unwrap();
        let windows: Vec<_> = films.iter().flat_map(|film| &film.metadata.about.availability).collect();
        assert_eq!(windows.len(), 1);
        assert!(windows[0].from.unwrap() < now && now < windows[0].until.unwrap());
    }

    #[test]
    fn the_series_is_complete() {
        let series = of_kind(Kind::Series);
        assert_eq!(series.len(), 1);
        assert!(drawn(&series[0]).scenes.is_empty());
        let id = series[0].id.clone().unwrap();
        let mut places = Vec::new();
        for episode in of_kind(Kind::Episode) {
            let part_of = episode.metadata.about.part_of.clone().unwrap();
            assert_eq!(part_of.title, id);
            let marks = episode.metadata.about.marks;
            assert_eq!(marks.recap.is_some(), (part_of.season, part_of.number) != (1, 1));
            assert!(marks.intro.is_some() && marks.credits_from_ms.is_some());
            places.push((part_of.season, part_of.number));
        }
        assert_eq!(places, [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]);
        let ids: Vec<_> = requests().into_iter().map(|request| request.id.unwrap()).collect();
        for trailer in of_kind(Kind::Trailer) {
            assert!(ids.contains(&trailer.metadata.about.part_of.unwrap().title));
        }
    }

    #[test]
    fn marks_chapters_and_subtitles_are_within_the_film_and_true_of_its_scenes() {
        for request in requests().iter().filter(|request| !drawn(request).scenes.is_empty()) {
            let id = request.id.as_deref().unwrap();
            assert!(slug::is_valid(id), "{id}");
            let (drawn, about) = (drawn(request), &request.metadata.about);
            let total = drawn.duration_ms();
            let words = |ms: u64| &drawn.scenes[drawn.at(ms).unwrap().0].words;
            if let Some((from, to)) = about.marks.intro {
                assert!(matches!(words(from), Words::Title(..)) && matches!(words(to - 1), Words::Title(..)), "{id}");
                assert!(!matches!(words(to), Words::Title(..)), "{id}");
            }
            if let Some((from, to)) = about.marks.recap {
                assert!(matches!(words(from), Words::Corner(_)) && matches!(words(to - 1), Words::Corner(_)), "{id}");
                assert_eq!(about.marks.intro.map(|intro| intro.0), Some(to), "{id}");
            }
            if let Some(from) = about.marks.credits_from_ms {
                assert!(
                    matches!(words(from), Words::Credits(_)) && matches!(words(total - 1), Words::Credits(_)),
                    "{id}"
                );
                assert!(!matches!(words(from - 1), Words::Credits(_)), "{id}");
            }
            let starts: Vec<u64> = about.chapters.iter().map(|chapter| chapter.start_ms).collect();
            assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "{id}: {starts:?}");
            assert!(
                starts.first().is_none_or(|first| *first == 0) && starts.iter().all(|start| *start < total),
                "{id}"
            );
            for start in starts.iter().skip(1) {
                assert_ne!(
                    drawn.at(*start).unwrap().0,
                    drawn.at(start - 1).unwrap().0,
                    "{id}: a chapter begins with a scene"
                );
            }
            let cues = |text: &str| text.matches("-->").count();
            assert_eq!(cues(&drawn.text[0].1), cues(&drawn.text[1].1), "{id}");
            assert!(drawn.at(total).is_none(), "{id}");
        }
    }
}
