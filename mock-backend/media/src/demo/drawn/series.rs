//! A series of two seasons: the series itself, which has pictures and no media, and its episodes.

use std::collections::BTreeMap;

use kinora_art::{Scene, films};

use super::super::super::{
    About, Drawn, DrawnScene, Effort, Job, Kind, Metadata, PartOf, Request, Source, Still, Words,
};
use super::super::REVISION;
use super::{Film, Mood, OPENING, ladder, rating};

const ID: &str = "balloon-post";
const NAME: &str = "Balloon Post";
const GENRES: &[&str] = &["Adventure", "Family", "Animation"];
/// Seconds of what happened before.
const RECAP: u32 = 2;
const PEOPLE: &[(&str, Job, Option<&str>)] = &[
    ("Marjolijn Achterberg-Roe", Job::Director, None),
    ("Fenwick Adebayo-Stone", Job::Writer, None),
    ("Pippa Hollingdrake", Job::Actor, Some("Clementine, postmistress")),
    ("Ulises Barrowclough", Job::Actor, Some("Gust, the balloon")),
    ("Saskia Thornquist-Lee", Job::Composer, None),
];

/// An episode: id, name, name in French, season, number, year, description, and the lines.
struct Episode {
    id: &'static str,
    name: &'static str,
    french: &'static str,
    place: (u16, u16),
    year: u16,
    description: &'static str,
    chapters: &'static [(&'static str, u32, u32)],
    lines: &'static [(&'static str, &'static str)],
}

const EPISODES: [Episode; 6] = [
    Episode {
        id: "balloon-post-1-1",
        name: "The Letter Without a Stamp",
        french: "La Lettre sans timbre",
        place: (1, 1),
        year: 2024,
        description: "Clementine's first morning as postmistress, and already there is a letter that nobody paid for. It is addressed to the wind.\n\nGust says that the wind has no house. Clementine says that they had better start early, then.",
        chapters: &[("Nine o'clock", 6, 14), ("Above the clouds", 6, 13)],
        lines: &[
            ("No stamp. No street. It only says: to the wind.", "Pas de timbre. Pas de rue. Seulement : au vent."),
            ("The wind has no letter box.", "Le vent n'a pas de boîte aux lettres."),
            ("Then we must hand it over in person.", "Alors il faudra la remettre en main propre."),
            ("Higher. It does not hear well down here.", "Plus haut. Il entend mal, ici-bas."),
        ],
    },
    Episode {
        id: "balloon-post-1-2",
        name: "Fog over Marrow Hill",
        french: "Brouillard sur la colline",
        place: (1, 2),
        year: 2024,
        description: "Forty parcels for Marrow Hill, and no Marrow Hill to be seen.\n\nGust has to find the way by the smell of bread. It is a good plan until there are two bakers.",
        chapters: &[("Grey", 6, 13), ("Above the woods", 6, 13)],
        lines: &[
            ("I can see my own rope. That is all.", "Je vois ma propre corde. C'est tout."),
            ("Left. I smell rye.", "À gauche. Ça sent le seigle."),
            ("I smell rye on the right, too.", "À droite aussi, ça sent le seigle."),
            ("Then we deliver half and half.", "Alors on livre moitié-moitié."),
        ],
    },
    Episode {
        id: "balloon-post-1-3",
        name: "Nine Villages by Noon",
        french: "Neuf villages avant midi",
        place: (1, 3),
        year: 2024,
        description: "It is election day in the nine villages, every ballot has to be there by noon, and it is ten past eleven.\n\nThe last village votes for the balloon.",
        chapters: &[("Ten past eleven", 6, 14), ("Over the pass", 6, 13)],
        lines: &[
            ("Nine villages. Fifty minutes.", "Neuf villages. Cinquante minutes."),
            ("Do not land. Just lean out.", "Ne te pose pas. Penche-toi."),
            ("Eight. One to go, behind the blue hills.", "Huit. Plus qu'un, derrière les collines bleues."),
            ("They have voted for me.", "Ils ont voté pour moi."),
        ],
    },
    Episode {
        id: "balloon-post-2-1",
        name: "Salt in the Ropes",
        french: "Du sel dans les cordes",
        place: (2, 1),
        year: 2026,
        description: "The post has a new route: across the water, to islands that have been writing for years and have never had an answer.\n\nGust has never been over the sea, and finds that it has no trees to ask the way.",
        chapters: &[("The bay", 6, 14), ("Wind from the west", 6, 13)],
        lines: &[
            ("It is only a very large puddle.", "Ce n'est qu'une très grande flaque."),
            ("It goes all the way to the edge.", "Elle va jusqu'au bord."),
            ("Hold the bag. Hold the bag!", "Tiens le sac. Tiens le sac !"),
            ("I can taste the ropes.", "Je sens le goût des cordes."),
        ],
    },
    Episode {
        id: "balloon-post-2-2",
        name: "The Keeper's Daughter",
        french: "La Fille du gardien",
        place: (2, 2),
        year: 2026,
        description: "On the smallest island a girl has been answering letters that were meant for somebody else. She has done it very well.\n\nClementine has to decide what a postmistress does with two hundred happy strangers.",
        chapters: &[("Evening at the rock", 6, 13), ("Once in eight seconds", 6, 14)],
        lines: &[
            ("You opened them?", "Tu les as ouvertes ?"),
            ("They came to us. We are somebody.", "Elles sont venues chez nous. Nous sommes quelqu'un."),
            ("And you answered.", "Et tu as répondu."),
            (
                "Every night. There is light enough, once in eight seconds.",
                "Chaque nuit. Il y a de la lumière, une fois toutes les huit secondes.",
            ),
        ],
    },
    Episode {
        id: "balloon-post-2-3",
        name: "Home by Lantern Light",
        french: "Retour aux lanternes",
        place: (2, 3),
        year: 2026,
        description: "The last flight before winter, and the bag is empty for the first time. Everybody has an answer.\n\nThen lights begin to rise from the islands, one for each letter.",
        chapters: &[("The harbour", 6, 14), ("Home", 6, 14)],
        lines: &[
            ("The bag is empty.", "Le sac est vide."),
            ("I do not know how to fly with an empty bag.", "Je ne sais pas voler avec un sac vide."),
            ("Look down.", "Regarde en bas."),
            ("That is a great many stamps.", "Ça en fait, des timbres."),
        ],
    },
];

/// Requests for the series and its episodes.
pub(super) fn requests() -> Vec<Request> {
    let looks = films::balloon_post();
    let episodes = EPISODES.iter().enumerate().map(|(index, episode)| {
        let before = index.checked_sub(1).map(|before| &looks[before]);
        episode.request(looks[index].to_vec(), before)
    });
    [series(&looks[0][0])].into_iter().chain(episodes).collect()
}

fn series(look: &Scene) -> Request {
    let face = |shade: f32| Still { scene: look.clone().shaded(shade), phase: 0.2 };
    let seasons = [(1, "West Wind"), (2, "The Far Islands")];
    let drawn = Drawn {
        scenes: Vec::new(),
        poster: face(0.0),
        key_art: face(0.42),
        music: Mood::Playful(1).score(),
        language: "zxx".to_owned(),
        text: Vec::new(),
    };
    Request {
        id: Some(ID.to_owned()),
        metadata: Metadata {
            title: NAME.to_owned(),
            description: "A village post office has one employee, one balloon and no roads.\n\nTwo seasons about letters, weather and the people who wait for both. Clementine steers; Gust, the balloon, has opinions.".to_owned(),
            year: Some(2024),
            genres: GENRES.iter().map(|&genre| genre.to_owned()).collect(),
            about: About {
                kind: Kind::Series,
                season_names: seasons.map(|(number, name)| (number, name.to_owned())).into(),
                names: BTreeMap::from([
                    ("fr".to_owned(), "La Poste en ballon".to_owned()),
                    ("nl".to_owned(), "Ballonpost".to_owned()),
                ]),
                original_name: Some("Ballonpost".to_owned()),
                ..Episode::film(&EPISODES[0], Vec::new()).about()
            },
        },
        ladder: ladder(),
        effort: Effort::Fast,
        replace: true,
        demo_revision: REVISION,
        ..Request::new(Source::Drawn(Box::new(drawn)))
    }
}

impl Episode {
    fn film(&self, looks: Vec<Scene>) -> Film {
        let (season, number) = self.place;
        Film {
            id: self.id,
            name: self.name,
            original: None,
            french: self.french,
            description: self.description,
            year: self.year,
            genres: GENRES,
            age: ("6", 6),
            people: PEOPLE,
            chapters: self.chapters,
            window: None,
            looks,
            face: (0, 0.2 + 0.1 * f32::from(number)),
            mood: Mood::Playful(u32::from(season * 10 + number)),
            lines: self.lines,
        }
    }

    fn request(&self, looks: Vec<Scene>, before: Option<&[Scene; 2]>) -> Request {
        let film = self.film(looks);
        let (season, number) = self.place;
        let recap = before.into_iter().flatten().map(|scene| DrawnScene {
            scene: scene.clone(),
            seconds: RECAP,
            times: 1,
            words: Words::Corner("Earlier".to_owned()),
        });
        let scenes = film.scenes(recap.collect(), format!("{NAME}   ·   {season}.{number}"), OPENING);
        let part_of = Some(PartOf { title: ID.to_owned(), season, number });
        let about = About { kind: Kind::Episode, part_of, ratings: vec![rating(("6", 6))], ..film.about() };
        film.finish(scenes, about, ladder())
    }
}
