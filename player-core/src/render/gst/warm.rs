//! Loads the plugins of usual media before they are needed, on another thread.
//!
//! The decoders' plugin brings about 180 shared libraries with it, which take 50 ms and more to link: that is most of the
//! time to the first picture of a process. Here it passes while the manifest and the first bytes travel.

use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use tracing::debug;

use super::decoders::{candidates, parser_name};
use super::exit;
use crate::container::Codec;

/// Elements of every pipeline. They are loaded first, because libraries are linked one after the other in a process and a
/// pipeline can be built while the decoders are linked.
const ELEMENTS: [&str; 6] = ["queue", "videoconvert", "audioconvert", "audioresample", "capsfilter", "volume"];

/// Pause before decoders are linked. Linking holds a lock, not a fair one, that a new thread needs when it first uses
/// thread-local storage: without the pause the player's threads of a program that has just begun often got it only when all was
/// linked, and the manifest was requested 30 ms later.
const HEAD_START: Duration = Duration::from_millis(1);

static BEGUN: Once = Once::new();

/// Begins to load the usual plugins, once a process, and returns at once. GStreamer must have been initialised.
pub(super) fn begin() {
    BEGUN.call_once(|| {
        // Without it everything is loaded when it is needed.
        if let Err(error) = std::thread::Builder::new().name("render-warm".to_owned()).spawn(load) {
            debug!(%error, "no thread to load plugins on");
        }
    });
}

/// Loads the elements of every pipeline, and parsers and best decoders of H.264 and AAC.
fn load() {
    let usual = usual_codecs();
    for name in ELEMENTS.into_iter().chain(usual.iter().filter_map(parser_name)) {
        if let Some(factory) = gst::ElementFactory::find(name) {
            load_plugin(&factory);
        }
    }
    std::thread::park_timeout(HEAD_START);
    for codec in &usual {
        if let Some(factory) = candidates(codec).first() {
            load_decoder(factory);
        }
    }
}

fn load_plugin(factory: &gst::ElementFactory) {
    if let Some(Err(error)) = exit::unless_ending(|| factory.load()) {
        debug!(%error, element = %factory.name(), "a plugin cannot be loaded");
    }
}

/// Loads the plugin of a decoder unless it is loaded, and before it the libraries that it needs. Whoever makes a decoder
/// calls it first: two threads that link the same libraries at once take longer than one, and one that leaves the order to
/// the linker takes half as long again.
pub(super) fn load_decoder(factory: &gst::ElementFactory) {
    static LINKING: Mutex<()> = Mutex::new(());
    let _alone = LINKING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(plugin) = factory.plugin().filter(|plugin| !plugin.is_loaded()) else { return };
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    if let Some(path) = plugin.filename() {
        super::libraries::open_needed_by(&path);
    }
    load_plugin(factory);
}

fn usual_codecs() -> [Codec; 2] {
    [Codec::H264 { avcc: bytes::Bytes::new(), in_band: false }, Codec::Aac { asc: bytes::Bytes::new() }]
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn usual_media_finds_its_plugins_loaded() {
        gst::init().unwrap();
        load();
        for name in ELEMENTS.into_iter().chain(["h264parse", "aacparse"]) {
            assert!(is_loaded(&gst::ElementFactory::find(name).unwrap()), "{name}");
        }
        for codec in usual_codecs() {
            assert!(is_loaded(candidates(&codec).first().unwrap()), "{codec:?}");
        }
    }

    fn is_loaded(factory: &gst::ElementFactory) -> bool {
        factory.plugin().is_some_and(|plugin| plugin.is_loaded())
    }
}
