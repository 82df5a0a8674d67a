//! Films about animals, plants and the sky.

use kinora_art::films;

use super::super::super::Job;
use super::{Film, Mood};

pub(super) fn all() -> Vec<Film> {
    vec![green_hours(), deep(), seven_carp(), wednesday_tree()]
}

fn green_hours() -> Film {
    Film {
        id: "the-green-hours",
        name: "The Green Hours",
        original: Some(("no", "De grønne timene")),
        french: "Les Heures vertes",
        description: "A hundred nights at seventy degrees north, waiting with a camera, a thermos flask and a reindeer that does not wish to be filmed.\n\nThen the sky begins. No commentary explains the northern lights; those who live below them say what they think of when they look up.",
        year: 2025,
        genres: &["Documentary", "Nature"],
        age: ("ALL", 0),
        people: &[
            ("Ragna Tveitholm", Job::Director, None),
            ("Aslak Mienna-Berg", Job::Actor, None),
            ("Jorunn Skarvik", Job::Composer, None),
        ],
        chapters: &[
            ("Dusk", 8, 8),
            ("The first arc", 8, 12),
            ("Curtains", 8, 14),
            ("A village looks up", 8, 10),
            ("Morning mist", 8, 9),
        ],
        window: Some((2026, 2046)),
        looks: films::green_hours(),
        face: (2, 0.3),
        mood: Mood::Wide(13),
        lines: &[
            (
                "You wait for the colour to leave. Then you wait again.",
                "On attend que la couleur s'en aille. Puis on attend encore.",
            ),
            ("My grandmother forbade us to whistle at it.", "Ma grand-mère nous interdisait de siffler vers elle."),
            ("It is not silent. It is only too far away.", "Elle n'est pas silencieuse. Elle est seulement trop loin."),
            ("The lake sees it first.", "Le lac la voit le premier."),
            ("Now. Put the camera down.", "Maintenant. Pose la caméra."),
            (
                "Somebody in the village has switched off a lamp. Then another does.",
                "Au village, quelqu'un a éteint une lampe. Puis un autre.",
            ),
            ("Nobody says anything. That is how you know.", "Personne ne dit rien. C'est à cela qu'on le sait."),
            ("In the morning you are not sure.", "Au matin, on n'est plus sûr."),
        ],
    }
}

fn deep() -> Film {
    Film {
        id: "what-the-deep-keeps",
        name: "What the Deep Keeps",
        original: None,
        french: "Ce que garde l'abîme",
        description: "The research station Halcyon stopped sending at 03:12. The boat that goes down to look for it has air for nine hours and a crew that has agreed not to talk about the last one.\n\nThe deeper they come, the more light there is. A thriller that keeps its voice down.",
        year: 2026,
        genres: &["Science fiction", "Mystery"],
        age: ("16", 16),
        people: &[
            ("Ione Castellane", Job::Director, None),
            ("Rufus Marchetti-Dale", Job::Writer, None),
            ("Thandiwe Osei-Crane", Job::Actor, Some("The pilot")),
            ("Gerrit Solvang", Job::Actor, Some("The doctor")),
            ("Hesper Lindqvist-Roy", Job::Composer, None),
        ],
        chapters: &[("Surface", 8, 8), ("The forest", 8, 10), ("The field", 8, 10), ("Below", 8, 10)],
        window: None,
        looks: films::deep(),
        face: (2, 0.55),
        mood: Mood::Dark(66),
        lines: &[
            ("Halcyon, this is the boat. We see your buoy.", "Halcyon, ici le bateau. Nous voyons votre bouée."),
            ("Two hundred metres. Still green.", "Deux cents mètres. Toujours vert."),
            ("That forest is not on the chart.", "Cette forêt n'est pas sur la carte."),
            ("Switch off the lamps. All of them.", "Éteignez les lampes. Toutes."),
            ("They follow the hum of the pumps.", "Elles suivent le bruit des pompes."),
            ("Then they have been following Halcyon for a year.", "Alors elles suivent Halcyon depuis un an."),
            ("I can see the station. It is lit.", "Je vois la station. Elle est éclairée."),
            ("Those are not our lamps.", "Ce ne sont pas nos lampes."),
        ],
    }
}

fn seven_carp() -> Film {
    Film {
        id: "seven-carp",
        name: "Seven Carp",
        original: Some(("cs", "Sedm kaprů")),
        french: "Sept Carpes",
        description: "In a garden behind a library there is a pond, and in the pond there are seven carp. One of them is older than the library.\n\nA slow film for small children and for everybody who has ever looked into water for longer than was planned.",
        year: 2022,
        genres: &["Nature", "Family", "Documentary"],
        age: ("ALL", 0),
        people: &[
            ("Květa Halasová-Lind", Job::Director, None),
            ("Radim Ošlejšek", Job::Actor, None),
            ("Bohdana Vrbická", Job::Composer, None),
        ],
        chapters: &[("Morning", 12, 5), ("Petals", 12, 4), ("Rain", 12, 4), ("Lanterns", 12, 5)],
        window: None,
        looks: films::seven_carp(),
        face: (0, 0.3),
        mood: Mood::Playful(4),
        lines: &[
            (
                "Count them. Everyone gets six the first time.",
                "Compte-les. La première fois, tout le monde en trouve six.",
            ),
            ("The orange one is called Librarian.", "L'orange s'appelle Bibliothécaire."),
            ("They know your shadow. They do not know your face.", "Elles connaissent ton ombre. Pas ton visage."),
            (
                "For one week in spring the sky is pink and edible.",
                "Une semaine au printemps, le ciel est rose et se mange.",
            ),
            ("When it rains they come up to see who is knocking.", "Quand il pleut, elles montent voir qui frappe."),
            ("At night the pond has stars of its own.", "La nuit, l'étang a ses propres étoiles."),
            ("There. That was the seventh.", "Là. C'était la septième."),
        ],
    }
}

fn wednesday_tree() -> Film {
    Film {
        id: "a-tree-called-wednesday",
        name: "A Tree Called Wednesday",
        original: None,
        french: "Un arbre nommé Mercredi",
        description: "It was planted on a Wednesday by someone who had to leave on Thursday. Since then it has stood alone on its hill and waited, which trees are good at.\n\nSpring, summer, autumn and winter with one tree, told by the wind.",
        year: 2024,
        genres: &["Animation", "Family"],
        age: ("ALL", 0),
        people: &[
            ("Wilhelmina Ashgrove-Tan", Job::Director, None),
            ("Cosmo Threlfall-Ngata", Job::Writer, None),
            ("Odette Farrowby", Job::Actor, Some("The wind")),
            ("Ignatz Quillfeather", Job::Composer, None),
        ],
        chapters: &[("Spring", 8, 7), ("Summer", 8, 6), ("Autumn", 8, 7), ("Winter", 8, 6)],
        window: None,
        looks: films::wednesday_tree(),
        face: (2, 0.4),
        mood: Mood::Warm(17),
        lines: &[
            ("I have known this tree since it was a stick.", "Je connais cet arbre depuis qu'il était un bâton."),
            ("In spring it tells me everything at once.", "Au printemps, il me raconte tout à la fois."),
            ("In summer it only says: shade.", "En été, il ne dit que : ombre."),
            ("A bird asked what it was waiting for.", "Un oiseau lui a demandé ce qu'il attendait."),
            (
                "In autumn it gives me all its letters, and I deliver them.",
                "En automne, il me donne toutes ses lettres, et je les distribue.",
            ),
            (
                "In winter we do not talk. We are old friends.",
                "En hiver, nous ne parlons pas. Nous sommes de vieux amis.",
            ),
            ("On a Thursday somebody came up the hill.", "Un jeudi, quelqu'un a monté la colline."),
        ],
    }
}
