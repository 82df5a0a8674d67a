//! The films of the demo catalogue. Data only: how they become pictures and sound is in `film`.

use super::film::{Edges, Film, Format, Melody};

/// All films, longest work first, so that two threads finish at about the same time.
pub(super) fn films() -> Vec<Film> {
    vec![
        night_train_north(),
        infinite_coast(),
        colony_nine(),
        slow_light(),
        rule_thirty(),
        carpet_maker(),
        broadcast_hour(),
    ]
}

/// Two strips, each drawn once and then moved: stars over hills slowly, lit windows fast.
const NIGHT_TRAIN: &str = "color=black:s=854x240:r=FPS:d=0.04,format=gbrp,geq=\
    r='if(lt(Y,140+14*sin(4*PI*X/W)+7*sin(14*PI*X/W+1)),14+70*pow(Y/140,3)+if(gt(random(0),0.9985),120,0),9)':\
    g='if(lt(Y,140+14*sin(4*PI*X/W)+7*sin(14*PI*X/W+1)),14+38*pow(Y/140,2)+if(gt(random(1),0.9985),120,0),11)':\
    b='if(lt(Y,140+14*sin(4*PI*X/W)+7*sin(14*PI*X/W+1)),34+62*Y/140+if(gt(random(2),0.9985),120,0),20)',\
    loop=loop=-1:size=1:start=0,setpts=N/(FRAME_RATE*TB),scroll=horizontal=0.0012,crop=427:240:0:0[far];\
    color=black:s=854x240:r=FPS:d=0.04,format=gbrp,geq=\
    r='st(0,mod(abs(sin(floor(X/14)*127.1+floor(Y/12)*311.7))*43758.5,1));\
    255*gt(Y,167)*gt(ld(0),0.86)*lt(hypot(mod(X,14)-7,mod(Y,12)-6),1.5+Y/90)':\
    g='st(0,mod(abs(sin(floor(X/14)*127.1+floor(Y/12)*311.7))*43758.5,1));\
    (120+900*(ld(0)-0.86))*gt(Y,167)*gt(ld(0),0.86)*lt(hypot(mod(X,14)-7,mod(Y,12)-6),1.5+Y/90)':\
    b='st(0,mod(abs(sin(floor(X/14)*127.1+floor(Y/12)*311.7))*43758.5,1));\
    (30+1500*pow(ld(0)-0.86,1.1))*gt(Y,167)*gt(ld(0),0.86)*lt(hypot(mod(X,14)-7,mod(Y,12)-6),1.5+Y/90)',\
    avgblur=sizeX=3:sizeY=1,loop=loop=-1:size=1:start=0,setpts=N/(FRAME_RATE*TB),scroll=horizontal=0.0094,\
    crop=427:240:0:0[near];[far][near]blend=all_mode=screen";

fn night_train_north() -> Film {
    Film {
        id: super::LONG_TITLE,
        title: "Night Train North",
        description: "Ten unhurried minutes at the window of the last train, with the lights of a sleeping country going by.",
        year: 2024,
        genres: &["Slow television", "Travel"],
        fps: 24,
        seconds: 600,
        format: Format::Small,
        picture: NIGHT_TRAIN,
        edges: Edges::Soft,
        melody: Melody { root: 110.0, notes: [0, 7, 12, 7], chords: [0, -4, 3, -2] },
        lines: &[
            ("Is this seat taken?", "Cette place est prise ?"),
            ("No. It has been free since the border.", "Non. Elle est libre depuis la frontière."),
            ("You can see the harbour from the next bend.", "On voit le port au prochain virage."),
            ("I always wake up just after it.", "Je me réveille toujours juste après."),
            ("Then I will tell you what you missed.", "Alors je vous raconterai."),
        ],
    }
}

fn infinite_coast() -> Film {
    Film {
        id: "infinite-coast",
        title: "The Infinite Coast",
        description: "How long is a shoreline? A cartographer's question leads ever closer to an edge that never becomes simple.",
        year: 2025,
        genres: &["Documentary", "Nature"],
        fps: 24,
        seconds: 24,
        format: Format::Full,
        picture: "mandelbrot=s=640x360:r=FPS:start_scale=2.2:end_scale=0.00012:end_pts=576:maxiter=900,hue=h=90+5*t:s=0.55,eq=gamma=0.85",
        edges: Edges::Soft,
        melody: Melody { root: 146.83, notes: [0, 4, 7, 11], chords: [0, 5, -3, 2] },
        lines: &[
            ("From the air, the bay is a single curve.", "Vue du ciel, la baie n'est qu'une courbe."),
            ("Come closer, and it breaks into a hundred.", "De plus près, elle se brise en cent."),
            ("We measured it again.", "Nous l'avons mesurée de nouveau."),
            ("It was longer.", "Elle était plus longue."),
        ],
    }
}

fn colony_nine() -> Film {
    Film {
        id: "colony-nine",
        title: "Colony Nine",
        description: "Three rules, no gardener. On the ninth dish something begins to plan ahead.",
        year: 2026,
        genres: &["Science fiction", "Thriller"],
        fps: 25,
        seconds: 24,
        format: Format::Full,
        picture: "life=s=240x135:r=FPS/2:ratio=0.14:seed=9:mold=24:life_color=0xd8ff8a:death_color=0x1c7a5a:mold_color=0x06121c,fps=FPS",
        edges: Edges::Hard,
        melody: Melody { root: 98.0, notes: [0, 3, 6, 10], chords: [0, 1, 0, -2] },
        lines: &[
            ("Dish nine is awake.", "La boîte neuf est réveillée."),
            ("It was awake yesterday.", "Elle l'était déjà hier."),
            ("Yesterday it did not answer.", "Hier, elle ne répondait pas."),
        ],
    }
}

fn slow_light() -> Film {
    Film {
        id: "slow-light",
        title: "Slow Light",
        description: "An evening in five colours, played at the speed at which it happened. For tired eyes and large screens.",
        year: 2023,
        genres: &["Ambient", "Art"],
        fps: 25,
        seconds: 25,
        format: Format::Full,
        picture: "gradients=s=480x270:r=FPS:type=spiral:n=5:c0=0x1b1035:c1=0xb5305f:c2=0xff9b54:c3=0xffe3a3:c4=0x274690:\
                  x0=150:y0=190:x1=330:y1=60:seed=5:speed=0.012,format=gbrp,noise=alls=5:allf=t",
        edges: Edges::Soft,
        melody: Melody { root: 130.81, notes: [0, 7, 14, 16], chords: [0, 5, 7, 5] },
        lines: &[("Nothing is going to happen.", "Il ne va rien se passer."), ("Stay anyway.", "Restez quand même.")],
    }
}

fn rule_thirty() -> Film {
    Film {
        id: "rule-thirty",
        title: "Rule Thirty",
        description: "A locksmith finds a pattern that opens every door in the city, and learns who drew it.",
        year: 2025,
        genres: &["Thriller", "Mystery"],
        fps: 24,
        seconds: 24,
        format: Format::Full,
        picture: "cellauto=s=192x108:r=FPS:rule=30:seed=30:ratio=0.5,format=gbrp,\
                  lutrgb=r='if(gt(val,0),232,18)':g='if(gt(val,0),60,12)':b='if(gt(val,0),52,28)',hue=h='25*sin(t/3)'",
        edges: Edges::Hard,
        melody: Melody { root: 87.31, notes: [0, 1, 7, 8], chords: [0, 0, -1, -4] },
        lines: &[
            ("It looks like noise.", "On dirait du bruit."),
            ("It looks like noise to a lock.", "Du bruit, pour une serrure."),
            ("Who gave you the first row?", "Qui vous a donné la première ligne ?"),
        ],
    }
}

fn carpet_maker() -> Film {
    Film {
        id: "the-carpet-maker",
        title: "The Carpet Maker",
        description: "In a workshop where every square holds eight smaller ones, a daughter looks for the thread her father left out.",
        year: 2022,
        genres: &["Drama", "Family"],
        fps: 30,
        seconds: 20,
        format: Format::Full,
        picture: "sierpinski=s=320x180:r=FPS:type=carpet:jump=6:seed=11,format=gbrp,hue=h=35*t:s=0.8,\
                  colorchannelmixer=rr=1:rg=0.25:gg=0.75:bb=0.6:br=0.2",
        edges: Edges::Soft,
        melody: Melody { root: 123.47, notes: [0, 3, 7, 12], chords: [0, -4, -2, 3] },
        lines: &[
            ("He never finished one.", "Il n'en a jamais fini un seul."),
            ("He said a finished carpet stops growing.", "Il disait qu'un tapis fini cesse de grandir."),
            ("Then where does this one end?", "Alors, où finit celui-ci ?"),
        ],
    }
}

fn broadcast_hour() -> Film {
    Film {
        id: "broadcast-hour",
        title: "Broadcast Hour",
        description: "The night shift of a small television station has one job: keep the test card on the air. It goes wrong at once.",
        year: 2021,
        genres: &["Comedy", "Workplace"],
        fps: 25,
        seconds: 22,
        format: Format::Full,
        picture: "testsrc2=s=960x540:r=FPS",
        edges: Edges::Soft,
        melody: Melody { root: 164.81, notes: [0, 4, 7, 9], chords: [0, 5, 7, 0] },
        lines: &[
            ("Are we on?", "On est à l'antenne ?"),
            ("We are always on.", "On est toujours à l'antenne."),
            ("Then who is holding the card?", "Alors, qui tient la mire ?"),
        ],
    }
}
