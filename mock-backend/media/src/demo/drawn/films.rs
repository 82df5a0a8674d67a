//! Films that tell of people, and a trailer.

use kinora_art::films;

use super::super::super::{About, DrawnScene, Job, Kind, PartOf, Request, Words};
use super::{Film, Mood, ladder};

pub(super) fn all() -> Vec<Film> {
    vec![lindengasse(), salt_road(), far_noon(), paper_valley()]
}

fn lindengasse() -> Film {
    Film {
        id: "lights-on-lindengasse",
        name: "Lights on Lindengasse",
        original: Some(("de", "Licht in der Lindengasse")),
        french: "Les Lumières de la Lindengasse",
        description: "For eleven years Ada Morgner has looked across the street at the same forty windows. Tonight one of them, dark since the war of the landlords, is lit.\n\nA quiet mystery in four hours of one night: a concertina that nobody plays, a train that stops where there is no station, and a neighbour who has kept a list of everyone else's lamps.",
        year: 2025,
        genres: &["Mystery", "Drama"],
        age: ("12", 12),
        people: &[
            ("Ottilie Brandauer-Voss", Job::Director, None),
            ("Jaro Penzlin", Job::Writer, None),
            ("Henrike Salvador-Moll", Job::Actor, Some("Ada Morgner")),
            ("Tadeo Wirtz", Job::Actor, Some("The man with the list")),
            ("Mirko Aldenhof", Job::Actor, Some("The conductor")),
            ("Lene Karsavin-Ott", Job::Composer, None),
        ],
        chapters: &[("Blue hour", 8, 9), ("The train", 10, 7), ("Rain on the glass", 8, 9), ("First light", 8, 6)],
        window: None,
        looks: films::lindengasse(),
        face: (0, 0.2),
        mood: Mood::Tender(21),
        lines: &[
            ("There are forty windows. I know them all.", "Il y a quarante fenêtres. Je les connais toutes."),
            (
                "The third from the left is the baker. He never sleeps.",
                "La troisième à gauche, c'est le boulanger. Il ne dort jamais.",
            ),
            ("Tonight there are forty-one.", "Ce soir, il y en a quarante et une."),
            ("The night train does not stop here.", "Le train de nuit ne s'arrête pas ici."),
            ("It stopped.", "Il s'est arrêté."),
            (
                "He wrote down our lamps, each evening, for years.",
                "Il a noté nos lampes, chaque soir, pendant des années.",
            ),
            ("So that someone would know that we were home.", "Pour que quelqu'un sache que nous étions là."),
            ("When it is light you cannot see who is awake.", "Quand il fait jour, on ne voit plus qui veille."),
        ],
    }
}

fn salt_road() -> Film {
    Film {
        id: "the-salt-road",
        name: "The Salt Road",
        original: Some(("pt", "A estrada de sal")),
        french: "La Route du sel",
        description: "Four days from Porto Velado to the Grey Point with a hold full of salt and a captain who refuses to look back.\n\nJoana has never been to sea. By the second evening she can read the water; by the third she wishes that she could not. A story about what a coast looks like to those who leave it.",
        year: 2024,
        genres: &["Adventure", "Drama"],
        age: ("6", 6),
        people: &[
            ("Benedita Quintarelha", Job::Director, None),
            ("Duarte Almendrosa", Job::Writer, None),
            ("Iria Fontemor", Job::Actor, Some("Joana")),
            ("Zeferino Calado Reis", Job::Actor, Some("The captain")),
            ("Oriana Vasqueiro", Job::Composer, None),
        ],
        chapters: &[("Leaving", 8, 8), ("Open sea", 8, 10), ("The storm", 8, 8), ("Grey Point", 8, 7)],
        window: None,
        looks: films::salt_road(),
        face: (0, 0.45),
        mood: Mood::Wide(34),
        lines: &[
            ("The captain says: do not wave.", "Le capitaine dit : ne fais pas signe."),
            ("Who waves is still ashore.", "Qui fait signe est encore à terre."),
            (
                "On the second day the sea has only one colour, and no name for it.",
                "Le deuxième jour, la mer n'a qu'une couleur, et pas de nom pour elle.",
            ),
            ("Three gulls. That means land, or bread.", "Trois mouettes. C'est la terre, ou du pain."),
            ("Hold on to something that floats.", "Tiens-toi à quelque chose qui flotte."),
            ("Count. The seventh wave is the one.", "Compte. C'est la septième vague."),
            ("There: once in eight seconds.", "Là : une fois toutes les huit secondes."),
            ("Somebody up there is turning a light for us.", "Là-haut, quelqu'un tourne une lampe pour nous."),
        ],
    }
}

fn far_noon() -> Film {
    Film {
        id: "far-side-of-noon",
        name: "The Far Side of Noon",
        original: None,
        french: "L'Autre Côté de midi",
        description: "The survey ship Marginalia has been away for so long that its crew measures time in languages forgotten.\n\nThen the ringed planet answers a question that was asked two generations ago, and the navigator must choose between the reply and the way home. A film about distance, with very little talking.",
        year: 2026,
        genres: &["Science fiction", "Adventure"],
        age: ("12", 12),
        people: &[
            ("Sunniva Okonjo-Lind", Job::Director, None),
            ("Pell Ravindale", Job::Writer, None),
            ("Amaury Tchen-Bell", Job::Actor, Some("The navigator")),
            ("Noor Haldane-Iyer", Job::Actor, Some("The ship")),
            ("Casimir Uhl", Job::Composer, None),
        ],
        chapters: &[("The giant", 8, 9), ("Inner worlds", 12, 6), ("A camp", 8, 8), ("The way home", 8, 8)],
        window: None,
        looks: films::far_noon(),
        face: (0, 0.1),
        mood: Mood::Wide(55),
        lines: &[
            ("Day nine thousand. The rings are still there.", "Jour neuf mille. Les anneaux sont toujours là."),
            ("We asked it who drew them.", "Nous lui avons demandé qui les avait tracés."),
            ("Nobody expected to be here for the answer.", "Personne ne pensait être là pour la réponse."),
            (
                "Four worlds. One of them has weather that we would recognise.",
                "Quatre mondes. L'un d'eux a un temps que nous reconnaîtrions.",
            ),
            ("We slept on the ground, because we could.", "Nous avons dormi par terre, parce que c'était possible."),
            ("That band of light is everyone else.", "Cette bande de lumière, c'est tous les autres."),
            ("It is smaller than I was told.", "Elle est plus petite qu'on ne me l'avait dit."),
            ("It is bluer, too.", "Elle est plus bleue, aussi."),
        ],
    }
}

fn paper_valley() -> Film {
    Film {
        id: "the-paper-valley",
        name: "The Paper Valley",
        original: Some(("fr", "La Vallée de papier")),
        french: "La Vallée de papier",
        description: "Somewhere between two pages lies a valley that was cut out with very small scissors. Every day its hills are put up again, the farthest first.\n\nOne day from dawn to night, for those who are about to fall asleep and for those who have to sit beside them.",
        year: 2023,
        genres: &["Animation", "Family"],
        age: ("ALL", 0),
        people: &[
            ("Solange Merlette", Job::Director, None),
            ("Achille Brandefer", Job::Writer, None),
            ("Philippine Ourson-Day", Job::Actor, None),
            ("Bastien Lavoile", Job::Composer, None),
        ],
        chapters: &[("Dawn", 8, 8), ("Noon", 8, 9), ("Evening", 8, 8), ("Night", 8, 8)],
        window: None,
        looks: films::paper_valley(),
        face: (2, 0.6),
        mood: Mood::Warm(8),
        lines: &[
            (
                "First the farthest hill, because it takes longest to get there.",
                "D'abord la colline la plus lointaine, car il faut le plus de temps pour y aller.",
            ),
            ("Then the mist. It is torn, not cut.", "Puis la brume. On la déchire, on ne la coupe pas."),
            ("At noon the birds are let out. There are seven.", "À midi, on lâche les oiseaux. Il y en a sept."),
            ("Every tree has two sides, and we see only one.", "Chaque arbre a deux côtés, et nous n'en voyons qu'un."),
            (
                "In the evening everything is red, so that blue is not used up.",
                "Le soir, tout est rouge, pour ne pas user le bleu.",
            ),
            ("The sun is folded and put behind the hill.", "On plie le soleil et on le range derrière la colline."),
            (
                "Eleven houses. In one of them somebody is reading this.",
                "Onze maisons. Dans l'une d'elles, quelqu'un lit ceci.",
            ),
            ("Good night.", "Bonne nuit."),
        ],
    }
}

/// A trailer of a film: a part of each of its scenes.
pub(super) fn trailer() -> Request {
    let film = Film {
        id: "far-side-of-noon-trailer",
        name: "The Far Side of Noon: Trailer",
        description: "Two generations ago they asked a question.",
        lines: &[],
        chapters: &[],
        ..far_noon()
    };
    let scene =
        |index: usize, seconds, words| DrawnScene { scene: film.looks[index].clone(), seconds, times: 1, words };
    let scenes = vec![
        scene(2, 4, Words::None),
        scene(1, 4, Words::None),
        scene(3, 4, Words::None),
        scene(0, 4, Words::Title("The Far Side of Noon".to_owned(), "You will be told".to_owned())),
    ];
    let part_of = Some(PartOf { title: "far-side-of-noon".to_owned(), season: 0, number: 1 });
    let mut request = film.finish(scenes, About { kind: Kind::Trailer, part_of, ..film.about() }, ladder());
    // A trailer has no opening that one would skip.
    request.metadata.about.marks = super::super::super::MarksRecord::default();
    request
}
