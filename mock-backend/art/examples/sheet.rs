//! Writes one picture of each scene of the demo catalogue into a folder, as PPM: `sheet FOLDER [WIDTH [PHASE]]`.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use kinora_art::{Clock, Painter, Scene, films};

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().unwrap_or_else(|| "sheet".to_owned()));
    let width: usize = args.next().and_then(|text| text.parse().ok()).unwrap_or(640);
    let phase: f32 = args.next().and_then(|text| text.parse().ok()).unwrap_or(0.3);
    fs::create_dir_all(&folder)?;
    let all: Vec<(&str, Vec<Scene>)> = vec![
        ("valley", films::paper_valley()),
        ("carp", films::seven_carp()),
        ("green", films::green_hours()),
        ("linden", films::lindengasse()),
        ("salt", films::salt_road()),
        ("noon", films::far_noon()),
        ("tree", films::wednesday_tree()),
        ("deep", films::deep()),
        ("post", films::balloon_post().into_iter().flatten().collect()),
    ];
    let height = width * 9 / 16;
    let mut bytes = Vec::new();
    for (name, scenes) in all {
        for (index, scene) in scenes.iter().enumerate() {
            let mut painter = Painter::new(scene, width, height);
            painter.draw(Clock { phase, seconds: 10.0 }, &mut bytes);
            let mut file = File::create(folder.join(format!("{name}-{index}.ppm")))?;
            writeln!(file, "P6 {width} {height} 255")?;
            file.write_all(&bytes)?;
        }
    }
    Ok(())
}
