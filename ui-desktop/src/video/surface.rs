//! The textures and the program on the graphics card, and the paint callback that uses them.

use std::sync::{Arc, Mutex, PoisonError};

use egui::Rect;
use egui_glow::glow::{self, HasContext as _};
use player_core::render::{FrameSlot, PixelLayout, VideoFrame};

use super::colour::transform;
use super::fit::{Fit, fit};
use super::planes::{PlaneUpload, Texel, uploads};
use super::shader::Dialect;

/// Draws the newest picture of a slot.
#[derive(Clone, Default)]
pub struct VideoSurface {
    gpu: Arc<Mutex<Gpu>>,
}

/// What is on the card. Everything is made on the first paint, because only then a context is current.
#[derive(Default)]
enum Gpu {
    /// Nothing yet.
    #[default]
    New,
    /// Ready to draw.
    Ready(Box<Resources>),
    /// The driver cannot do it; said once in the log.
    Unable,
}

/// The display's OpenGL is older than 3.3, or than ES 3.0.
#[derive(Debug, thiserror::Error)]
#[error("OpenGL 3.3 or ES 3.0 is needed, and this driver speaks GLSL {0}")]
pub struct TooOld(String);

/// Checks that video can be drawn. To be called once, with the context current.
///
/// # Errors
/// The driver is too old.
#[expect(unsafe_code, reason = "OpenGL is called directly")]
pub fn supported(gl: &glow::Context) -> Result<(), TooOld> {
    // SAFETY: the caller has the context current; only a constant string is read.
    let version = unsafe { gl.get_parameter_string(glow::SHADING_LANGUAGE_VERSION) };
    Dialect::of(&version).map(drop).ok_or(TooOld(version))
}

struct Resources {
    dialect: Dialect,
    program: glow::Program,
    vertices: glow::VertexArray,
    textures: [glow::Texture; 3],
    shapes: [Option<(u32, u32, Texel)>; 3],
    uniforms: Uniforms,
    /// The picture on the card: its number, and its memory, because numbers begin anew with each player.
    shown: Option<(u64, usize)>,
}

struct Uniforms {
    corners: Option<glow::UniformLocation>,
    interleaved: Option<glow::UniformLocation>,
    weight: Option<glow::UniformLocation>,
    chroma_shift: Option<glow::UniformLocation>,
    matrix: Option<glow::UniformLocation>,
    offset: Option<glow::UniformLocation>,
}

impl VideoSurface {
    /// A surface with nothing on the card yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the newest picture to what is painted, as large as fits into `area`; the bars around it are left as they
    /// are. Answers where the picture is.
    pub fn paint(&self, painter: &egui::Painter, area: Rect, slot: &FrameSlot) -> Option<Rect> {
        let frame = slot.latest()?;
        let fit = fit(area, frame.width, frame.height, frame.pixel_aspect, frame.rotation);
        if !fit.rect.is_positive() {
            return None;
        }
        let gpu = Arc::clone(&self.gpu);
        let callback = egui_glow::CallbackFn::new(move |_info, painter| {
            let mut gpu = gpu.lock().unwrap_or_else(PoisonError::into_inner);
            gpu.draw(painter.gl(), &frame, fit);
        });
        painter.add(egui::PaintCallback { rect: fit.rect, callback: Arc::new(callback) });
        Some(fit.rect)
    }

    /// Lets everything on the card go. To be called with the context current, before it is destroyed.
    pub fn destroy(&self, gl: &glow::Context) {
        let mut gpu = self.gpu.lock().unwrap_or_else(PoisonError::into_inner);
        if let Gpu::Ready(resources) = std::mem::take(&mut *gpu) {
            resources.destroy(gl);
        }
    }
}

impl Gpu {
    fn draw(&mut self, gl: &glow::Context, frame: &VideoFrame, fit: Fit) {
        if let Self::New = self {
            *self = match Resources::new(gl) {
                Ok(resources) => Self::Ready(Box::new(resources)),
                Err(reason) => {
                    tracing::error!(reason, "video cannot be drawn");
                    Self::Unable
                }
            };
        }
        if let Self::Ready(resources) = self {
            resources.draw(gl, frame, fit);
        }
    }
}

#[expect(unsafe_code, reason = "OpenGL is called directly: the only way to fill and draw planes in egui's context")]
impl Resources {
    fn new(gl: &glow::Context) -> Result<Self, String> {
        // SAFETY: called inside the paint callback, where the context is current; only objects made here are used.
        unsafe {
            let version = gl.get_parameter_string(glow::SHADING_LANGUAGE_VERSION);
            let dialect = Dialect::of(&version).ok_or_else(|| format!("GLSL {version} is too old"))?;
            let program = link(gl, &dialect.vertex(), &dialect.fragment())?;
            let vertices = gl.create_vertex_array()?;
            let textures = [gl.create_texture()?, gl.create_texture()?, gl.create_texture()?];
            let place = |name: &str| gl.get_uniform_location(program, name);
            let uniforms = Uniforms {
                corners: place("u_corners"),
                interleaved: place("u_interleaved"),
                weight: place("u_weight"),
                chroma_shift: place("u_chroma_shift"),
                matrix: place("u_matrix"),
                offset: place("u_offset"),
            };
            gl.use_program(Some(program));
            for (unit, name) in ["u_y", "u_u", "u_v"].into_iter().enumerate() {
                gl.uniform_1_i32(place(name).as_ref(), unit as i32);
            }
            Ok(Self { dialect, program, vertices, textures, shapes: [None; 3], uniforms, shown: None })
        }
    }

    fn draw(&mut self, gl: &glow::Context, frame: &VideoFrame, fit: Fit) {
        let memory = frame.planes.first().map_or(0, |plane| plane.bytes().as_ptr().addr());
        if self.shown != Some((frame.serial, memory)) {
            let Some(planes) = uploads(frame) else { return };
            for (index, plane) in planes.iter().enumerate().take(self.textures.len()) {
                self.upload(gl, index, plane);
            }
            self.shown = Some((frame.serial, memory));
        }
        let colours = transform(frame.colorimetry, frame.layout, frame.height);
        let corners = fit.corners().map(|corner| [corner.x, corner.y]);
        let interleaved = frame.layout == PixelLayout::Nv12;
        let weight = weight(frame.layout, self.dialect);
        let shift = 0.25 / frame.width.div_ceil(2).max(1) as f32;
        // SAFETY: called inside the paint callback, where the context is current; the objects were made by `new` in
        // the same context. egui restores program, vertex array, blending and viewport after the callback; texture
        // units other than the first are left unbound.
        unsafe {
            gl.use_program(Some(self.program));
            gl.bind_vertex_array(Some(self.vertices));
            gl.disable(glow::BLEND);
            for (unit, texture) in self.textures.iter().enumerate() {
                gl.active_texture(glow::TEXTURE0 + unit as u32);
                gl.bind_texture(glow::TEXTURE_2D, Some(*texture));
            }
            gl.uniform_2_f32_slice(self.uniforms.corners.as_ref(), corners.as_flattened());
            gl.uniform_1_i32(self.uniforms.interleaved.as_ref(), i32::from(interleaved));
            gl.uniform_2_f32(self.uniforms.weight.as_ref(), weight[0], weight[1]);
            gl.uniform_1_f32(self.uniforms.chroma_shift.as_ref(), shift);
            gl.uniform_matrix_3_f32_slice(self.uniforms.matrix.as_ref(), false, &colours.columns());
            let [red, green, blue] = colours.offset;
            gl.uniform_3_f32(self.uniforms.offset.as_ref(), red, green, blue);
            gl.draw_arrays(glow::TRIANGLE_STRIP, 0, 4);
            for unit in (0..self.textures.len()).rev() {
                gl.active_texture(glow::TEXTURE0 + unit as u32);
                gl.bind_texture(glow::TEXTURE_2D, None);
            }
            gl.enable(glow::BLEND);
        }
    }

    fn upload(&mut self, gl: &glow::Context, index: usize, plane: &PlaneUpload<'_>) {
        let (internal, format, kind) = match (plane.texel, self.dialect) {
            (Texel::R8, _) => (glow::R8, glow::RED, glow::UNSIGNED_BYTE),
            (Texel::Rg8, _) | (Texel::R16, Dialect::Embedded) => (glow::RG8, glow::RG, glow::UNSIGNED_BYTE),
            (Texel::R16, Dialect::Desktop) => (glow::R16, glow::RED, glow::UNSIGNED_SHORT),
        };
        let shape = (plane.width, plane.height, plane.texel);
        let (width, height) = (plane.width as i32, plane.height as i32);
        let data = glow::PixelUnpackData::Slice(Some(plane.bytes));
        // SAFETY: the context is current. `planes::uploads` made sure that the slice holds `height` lines of
        // `row_length` texels, the last one at least `width`, which is all that the driver reads.
        unsafe {
            gl.bind_texture(glow::TEXTURE_2D, Some(self.textures[index]));
            gl.pixel_store_i32(glow::UNPACK_ALIGNMENT, 1);
            gl.pixel_store_i32(glow::UNPACK_ROW_LENGTH, plane.row_length as i32);
            if self.shapes[index] == Some(shape) {
                gl.tex_sub_image_2d(glow::TEXTURE_2D, 0, 0, 0, width, height, format, kind, data);
            } else {
                gl.tex_image_2d(glow::TEXTURE_2D, 0, internal as i32, width, height, 0, format, kind, data);
                for (name, value) in [
                    (glow::TEXTURE_MIN_FILTER, glow::LINEAR),
                    (glow::TEXTURE_MAG_FILTER, glow::LINEAR),
                    (glow::TEXTURE_WRAP_S, glow::CLAMP_TO_EDGE),
                    (glow::TEXTURE_WRAP_T, glow::CLAMP_TO_EDGE),
                ] {
                    gl.tex_parameter_i32(glow::TEXTURE_2D, name, value as i32);
                }
                self.shapes[index] = Some(shape);
            }
            gl.pixel_store_i32(glow::UNPACK_ROW_LENGTH, 0);
            gl.pixel_store_i32(glow::UNPACK_ALIGNMENT, 4);
            gl.bind_texture(glow::TEXTURE_2D, None);
        }
    }

    fn destroy(self, gl: &glow::Context) {
        // SAFETY: the caller has the context current; the objects were made in it and are not used afterwards.
        unsafe {
            gl.delete_program(self.program);
            gl.delete_vertex_array(self.vertices);
            for texture in self.textures {
                gl.delete_texture(texture);
            }
        }
    }
}

/// What turns the channels of a texel into a number of 0–1 by the picture's own depth.
fn weight(layout: PixelLayout, dialect: Dialect) -> [f32; 2] {
    match (layout, dialect) {
        (PixelLayout::I420P10, Dialect::Desktop) => [65_535.0 / 1023.0, 0.0],
        (PixelLayout::I420P10, Dialect::Embedded) => [255.0 / 1023.0, 255.0 * 256.0 / 1023.0],
        _ => [1.0, 0.0],
    }
}

#[expect(unsafe_code, reason = "OpenGL is called directly")]
fn link(gl: &glow::Context, vertex: &str, fragment: &str) -> Result<glow::Program, String> {
    // SAFETY: called with the context current; the shaders are deleted after linking, as OpenGL allows.
    unsafe {
        let program = gl.create_program()?;
        let mut shaders = Vec::new();
        for (kind, source) in [(glow::VERTEX_SHADER, vertex), (glow::FRAGMENT_SHADER, fragment)] {
            let shader = gl.create_shader(kind)?;
            gl.shader_source(shader, source);
            gl.compile_shader(shader);
            if !gl.get_shader_compile_status(shader) {
                return Err(gl.get_shader_info_log(shader));
            }
            gl.attach_shader(program, shader);
            shaders.push(shader);
        }
        gl.link_program(program);
        for shader in shaders {
            gl.detach_shader(program, shader);
            gl.delete_shader(shader);
        }
        if gl.get_program_link_status(program) { Ok(program) } else { Err(gl.get_program_info_log(program)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_bits_span_the_same_range_in_both_dialects() {
        // The number 1023 is 65535/1023 of a 16-bit texel's unit, and bytes 255 (low) and 3 (high).
        let [desktop, _] = weight(PixelLayout::I420P10, Dialect::Desktop);
        assert!((1023.0 / 65_535.0 * desktop - 1.0).abs() < 1e-5);
        let [low, high] = weight(PixelLayout::I420P10, Dialect::Embedded);
        assert!((255.0 / 255.0 * low + 3.0 / 255.0 * high - 1.0).abs() < 1e-5);
    }
}
