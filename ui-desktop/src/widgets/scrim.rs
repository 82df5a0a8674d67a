//! Gradients that keep text readable over pictures.

use egui::epaint::{Mesh, Vertex, WHITE_UV};
use egui::{Color32, Painter, Pos2, Rect, Shape};

/// Steps of a gradient; more than one, because the blending eases in and out.
const STEPS: u32 = 12;

/// From one colour at the top to another at the bottom.
pub fn gradient_vertical(painter: &Painter, rect: Rect, top: Color32, bottom: Color32) {
    let edge = |share: f32| {
        let y = rect.top() + rect.height() * share;
        [Pos2::new(rect.left(), y), Pos2::new(rect.right(), y)]
    };
    gradient(painter, edge, top, bottom);
}

/// From one colour on the left to another on the right.
pub fn gradient_horizontal(painter: &Painter, rect: Rect, left: Color32, right: Color32) {
    let edge = |share: f32| {
        let x = rect.left() + rect.width() * share;
        [Pos2::new(x, rect.top()), Pos2::new(x, rect.bottom())]
    };
    gradient(painter, edge, left, right);
}

fn gradient(painter: &Painter, edge: impl Fn(f32) -> [Pos2; 2], from: Color32, to: Color32) {
    let mut mesh = Mesh::default();
    for step in 0..=STEPS {
        let share = step as f32 / STEPS as f32;
        let eased = share * share * (3.0 - 2.0 * share);
        let color = from.lerp_to_gamma(to, eased);
        mesh.vertices.extend(edge(share).map(|pos| Vertex { pos, uv: WHITE_UV, color }));
        if step > 0 {
            let first = (step - 1) * 2;
            mesh.add_triangle(first, first + 1, first + 2);
            mesh.add_triangle(first + 1, first + 2, first + 3);
        }
    }
    painter.add(Shape::mesh(mesh));
}
