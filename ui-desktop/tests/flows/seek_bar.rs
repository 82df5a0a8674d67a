//! Pictures over the seek bar.

use egui_kittest::kittest::Queryable as _;
use ui_desktop::api::{Companion, Picture, Reply, Request, Sprites};

use super::support::{card, detail, settle};
use super::{playing, show_controls};

const INDEX: &str = "WEBVTT\n\n00:00.000 --> 05:00.000\nsheet.jpg#xywh=0,0,160,90\n\n\
                     05:00.000 --> 10:00.000\nsheet.jpg#xywh=160,0,160,90\n";

#[test]
fn the_picture_under_the_pointer_is_fetched_and_shown_while_hovering_and_dragging() {
    let (mut window, outside) = playing();
    let sprites = Sprites::read(INDEX.as_bytes(), "/v1/images/hero/thumbs/thumbs.vtt");
    let companion = Companion { detail: detail(card("hero", "Night Train North")), sprites };
    outside.reply(Reply::Companion("hero".into(), Box::new(companion)));
    settle(&mut window);
    let sheet = "/v1/images/hero/thumbs/sheet.jpg".to_owned();
    assert!(!outside.with(|world| world.asked.contains(&Request::Image(sheet.clone()))), "not before it is needed");
    show_controls(&mut window);
    let bar = window.get_by_label("Position in seconds").rect();
    window.hover_at(bar.center());
    settle(&mut window);
    assert!(outside.with(|world| world.asked.contains(&Request::Image(sheet.clone()))));
    let picture = Picture { width: 320, height: 90, source: (320, 90), rgba: vec![200; 320 * 90 * 4] };
    outside.reply(Reply::Image { path: sheet, picture: Some(picture) });
    settle(&mut window);
    window.get_by_label("Picture at 5:00");
    window.drag_at(bar.center());
    window.hover_at(bar.left_center() + egui::vec2(bar.width() / 4.0, 0.0));
    settle(&mut window);
    let shown = window.get_by_label("Picture at 2:30").rect();
    assert!(shown.bottom() < bar.top() && shown.left() >= bar.left(), "{shown:?}");
    window.drop_at(bar.center());
    window.hover_at(egui::pos2(640.0, 200.0));
    settle(&mut window);
    assert!(window.query_by_label_contains("Picture at").is_none());
}
