//! The program that makes colours of planes, in the two dialects that are met: GLSL 3.30 and GLSL ES 3.00.

/// Whether the context is OpenGL ES, and which GLSL it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OpenGL 3.3 or later.
    Desktop,
    /// OpenGL ES 3.0 or later, WebGL 2.
    Embedded,
}

impl Dialect {
    /// By what the driver says of its shading language; `None` when it is too old.
    pub fn of(shading_language_version: &str) -> Option<Self> {
        let text = shading_language_version;
        let at = text.find(|c: char| c.is_ascii_digit())?;
        let mut numbers = text[at..].split(|c: char| !c.is_ascii_digit());
        let major: u32 = numbers.next()?.parse().ok()?;
        let minor: u32 = numbers.next().and_then(|minor| minor.parse().ok()).unwrap_or(0);
        if text[..at].contains("ES") {
            (major >= 3).then_some(Self::Embedded)
        } else {
            (major > 3 || (major == 3 && minor >= 30)).then_some(Self::Desktop)
        }
    }

    const fn header(self) -> &'static str {
        match self {
            Self::Desktop => "#version 330\n",
            Self::Embedded => "#version 300 es\nprecision highp float;\nprecision highp sampler2D;\n",
        }
    }

    /// The vertex shader: four corners from `gl_VertexID`, no buffer.
    pub fn vertex(self) -> String {
        format!("{}{VERTEX}", self.header())
    }

    /// The fragment shader.
    pub fn fragment(self) -> String {
        format!("{}{FRAGMENT}", self.header())
    }
}

const VERTEX: &str = r"
uniform vec2 u_corners[4];
out vec2 v_place;
void main() {
    vec2 corner = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1));
    v_place = u_corners[gl_VertexID];
    gl_Position = vec4(corner.x * 2.0 - 1.0, 1.0 - corner.y * 2.0, 0.0, 1.0);
}
";

/// `u_weight` turns the channels of a texel into one number: (1, 0) for one channel, and for 16 bits in two channels
/// of 8 the weights of the low and the high byte. `u_chroma_shift` moves chroma to where MPEG puts it: half a luma
/// pixel to the left of the middle between two (ITU-T H.264 figure 6-1).
const FRAGMENT: &str = r"
uniform sampler2D u_y;
uniform sampler2D u_u;
uniform sampler2D u_v;
uniform bool u_interleaved;
uniform vec2 u_weight;
uniform float u_chroma_shift;
uniform mat3 u_matrix;
uniform vec3 u_offset;
in vec2 v_place;
out vec4 f_color;
void main() {
    vec2 chroma = v_place + vec2(u_chroma_shift, 0.0);
    float y = dot(texture(u_y, v_place).rg, u_weight);
    vec2 uv;
    if (u_interleaved) {
        uv = texture(u_u, chroma).rg;
    } else {
        uv = vec2(dot(texture(u_u, chroma).rg, u_weight), dot(texture(u_v, chroma).rg, u_weight));
    }
    f_color = vec4(clamp(u_matrix * vec3(y, uv) + u_offset, 0.0, 1.0), 1.0);
}
";

#[cfg(test)]
mod tests {
    use super::Dialect;

    #[test]
    fn dialects_are_told_by_the_drivers_own_words() {
        assert_eq!(Dialect::of("4.50"), Some(Dialect::Desktop));
        assert_eq!(Dialect::of("3.30 NVIDIA via Cg compiler"), Some(Dialect::Desktop));
        assert_eq!(Dialect::of("OpenGL ES GLSL ES 3.20"), Some(Dialect::Embedded));
        assert_eq!(Dialect::of("WebGL GLSL ES 3.00 (OpenGL ES GLSL ES 3.0 Chromium)"), Some(Dialect::Embedded));
        assert_eq!(Dialect::of("1.20"), None);
        assert_eq!(Dialect::of("OpenGL ES GLSL ES 1.00"), None);
        assert_eq!(Dialect::of(""), None);
    }
}
