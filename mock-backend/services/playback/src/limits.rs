//! Representations that a device can play. Pure.

use kinora_api::internal::Offer;
use kinora_api::{Capabilities, ErrorCode};
use kinora_kit::filter::{ManifestFilter, VideoTraits};
use kinora_kit::http::problem::Problem;

/// Maximum number of codecs of a device that are read.
const MAX_CODECS: usize = 64;

/// Returns the filter of manifests for a device, as it is kept; empty if it plays every representation of the title.
///
/// # Errors
/// 7030 when it plays no representation of video, or no audio of a title that has some.
pub(crate) fn filter(device: &Capabilities, offer: &Offer) -> Result<String, Problem> {
    let codecs = &device.codecs[..device.codecs.len().min(MAX_CODECS)];
    let filter = ManifestFilter::new(device.max_height, device.max_bitrate, codecs).map_err(|_| nothing(device))?;
    let video = offer.video.iter().map(|video| VideoTraits {
        height: Some(video.height),
        bandwidth: Some(video.bandwidth),
        codec: Some(&video.codec),
    });
    let video: Vec<VideoTraits<'_>> = video.collect();
    let audio: Vec<&str> = offer.audio_codecs.iter().map(String::as_str).collect();
    let plays_video = video.is_empty() || video.iter().any(|video| filter.allows_video(*video));
    if !plays_video || !(audio.is_empty() || audio.iter().any(|codec| filter.allows_codec(codec))) {
        return Err(nothing(device));
    }
    Ok(filter.reduced(&video, &audio).text())
}

fn nothing(device: &Capabilities) -> Problem {
    let height = device.max_height.map(|lines| format!("{lines} lines"));
    let bitrate = device.max_bitrate.map(|bits| format!("{bits} bits per second"));
    let codecs = (!device.codecs.is_empty()).then(|| "its codecs".to_owned());
    let limits: Vec<String> = height.into_iter().chain(bitrate).chain(codecs).collect();
    let message = format!("the title has no representation within the limits of the device: {}", limits.join(", "));
    Problem::new(ErrorCode::NothingPlayable, message)
}

#[cfg(test)]
mod tests {
    use super::filter;
    use kinora_api::internal::{Offer, OfferedVideo};
    use kinora_api::{Capabilities, ErrorCode};

    fn offer() -> Offer {
        let video = |height, bandwidth| OfferedVideo { height, bandwidth, codec: "avc1.64001e".to_owned() };
        Offer {
            video: vec![video(240, 400_000), video(480, 1_500_000), video(1080, 5_400_000)],
            audio_codecs: vec!["mp4a.40.2".to_owned()],
        }
    }

    fn of(max_height: Option<u32>, max_bitrate: Option<u64>, codecs: &[&str]) -> Result<String, Option<ErrorCode>> {
        let codecs = codecs.iter().map(|codec| (*codec).to_owned()).collect();
        let device = Capabilities { codecs, max_height, max_bitrate, ..Capabilities::default() };
        filter(&device, &offer()).map_err(|problem| problem.error().kind())
    }

    #[test]
    fn limits_leave_what_the_device_plays() {
        assert_eq!(of(None, None, &[]).as_deref(), Ok(""));
        assert_eq!(of(Some(576), None, &["avc1", "mp4a"]).as_deref(), Ok("h480"));
        assert_eq!(of(None, Some(6_000_000), &["avc1.640028"]).as_deref(), Ok("b5000"));
        assert_eq!(of(Some(2160), Some(8_000_000), &["avc1", "hvc1", "mp4a", "ec-3"]).as_deref(), Ok(""));
    }

    #[test]
    fn a_device_that_plays_nothing_of_a_title_is_refused() {
        let nothing = Err(Some(ErrorCode::NothingPlayable));
        assert_eq!(of(Some(100), None, &[]), nothing);
        assert_eq!(of(Some(144), None, &[]), nothing);
        assert_eq!(of(None, Some(300_000), &[]), nothing);
        assert_eq!(of(None, None, &["hvc1"]), nothing);
        assert_eq!(of(None, None, &["avc1", "opus"]), nothing);
    }
}
