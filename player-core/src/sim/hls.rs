//! The HLS playlists of a virtual film.

use std::fmt::Write as _;

use super::captions::Captions;
use super::film::{Film, LockKind};
use super::packaging::Addressing;

impl Film {
    pub(super) fn master(&self) -> String {
        let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
        if let Some(start) = self.authored_start {
            let _ = writeln!(text, "#EXT-X-START:TIME-OFFSET={start}");
        }
        if self.steering.is_some() {
            let first = self.pathways.first().map(String::as_str).unwrap_or_default();
            let _ = writeln!(text, "#EXT-X-CONTENT-STEERING:SERVER-URI=\"orders.json\",PATHWAY-ID=\"{first}\"");
        }
        if self.pathways.is_empty() {
            let root = self.rendition_host.as_ref().map(|host| format!("http://{host}/film/")).unwrap_or_default();
            self.renditions(&mut text, "aud", &root);
            self.variants(&mut text, "aud", "", "");
        }
        for host in &self.pathways {
            let (group, root) = (format!("aud-{host}"), format!("http://{host}/film/"));
            self.renditions(&mut text, &group, &root);
            self.variants(&mut text, &group, &root, &format!(",PATHWAY-ID=\"{host}\""));
        }
        text
    }

    fn renditions(&self, text: &mut String, group: &str, root: &str) {
        self.voice_renditions(text, group, root);
        for language in &self.subtitles {
            let _ = writeln!(
                text,
                "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"sub\",NAME=\"{language}\",LANGUAGE=\"{language}\",\
                 DEFAULT=NO,AUTOSELECT=YES,URI=\"{root}t/{language}/index.m3u8\""
            );
        }
        if let Captions::Announced(language) = &self.captions {
            let _ = writeln!(
                text,
                "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"{language}\",LANGUAGE=\"{language}\",\
                 AUTOSELECT=YES,INSTREAM-ID=\"CC1\""
            );
        }
    }

    fn variants(&self, text: &mut String, group: &str, root: &str, more: &str) {
        for rung in &self.ladder {
            let closed = match self.captions {
                Captions::None | Captions::Unannounced => "",
                Captions::Announced(_) => ",CLOSED-CAPTIONS=\"cc\"",
                Captions::Denied => ",CLOSED-CAPTIONS=NONE",
            };
            let subtitles = if self.subtitles.is_empty() { "" } else { ",SUBTITLES=\"sub\"" };
            let has_audio = !self.voices.is_empty() || self.muxed.is_some();
            let codecs = if has_audio { "avc1.4d401f,mp4a.40.2" } else { "avc1.4d401f" };
            let (width, height) = rung.size;
            for (audio, sound) in self.groups_of(&rung.id, group) {
                let rate = rung.bitrate + sound;
                let stable =
                    if self.stable_ids { format!(",STABLE-VARIANT-ID=\"s-{}\"", rung.id) } else { String::new() };
                let _ = writeln!(
                    text,
                    "#EXT-X-STREAM-INF:BANDWIDTH={rate},AVERAGE-BANDWIDTH={rate},RESOLUTION={width}x{height},\
                     CODECS=\"{codecs}\"{audio}{subtitles}{closed}{}{stable}{more}\n{root}v/{}/index.m3u8",
                    self.hdcp_level(&rung.id),
                    rung.id
                );
            }
        }
    }

    pub(super) fn playlist(&self, group: &str, name: &str) -> String {
        let removed = self.relisting.removed_segments;
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{}\n#EXT-X-PLAYLIST-TYPE:VOD\n\
             #EXT-X-MEDIA-SEQUENCE:{}\n",
            self.longest(group),
            self.first_number(group) + removed
        );
        if let Some(start) = self.media_start {
            let _ = writeln!(text, "#EXT-X-START:TIME-OFFSET={start}");
        }
        if self.shape.opening_discontinuity {
            text.push_str("#EXT-X-DISCONTINUITY-SEQUENCE:4294967299\n");
        }
        let ranged = self.addressing(group) != Addressing::Files;
        let map = if ranged { self.file_map(group, name) } else { None };
        if group != "t" {
            text.push_str(&self.map_tag(map.as_ref()));
        }
        if self.shape.opening_discontinuity {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let extension = if group == "t" { "vtt" } else { "m4s" };
        let rung = self.ladder.iter().find(|rung| group == "v" && rung.id == name && !ranged);
        for number in removed..self.segments() {
            if group != "t" && self.is_gap(name, number) {
                text.push_str("#EXT-X-GAP\n");
            }
            let (begin, end) = self.span_of(group, number);
            if let Some(rung) = rung.filter(|_| self.shape.announced_from.is_some_and(|from| from <= number)) {
                let _ = writeln!(text, "#EXT-X-BITRATE:{}", self.segment_rate(rung.bitrate, number) / 1000);
            }
            if group != "t" {
                // The key of the first segment that is listed may have come with one that is not.
                let listed = self.lock(number).filter(|_| number == removed).map_or(number, |lock| lock.first);
                text.push_str(&self.key_tag(listed));
            }
            let _ = writeln!(text, "#EXTINF:{}.000,", end - begin);
            match &map {
                Some(map) => text.push_str(&self.range_lines(map, number)),
                None => {
                    let _ = writeln!(text, "{number}.{extension}");
                }
            }
        }
        text.push_str("#EXT-X-ENDLIST\n");
        text
    }

    /// The tags of the keys in force from a segment on. Keys of other formats stay in force until there is none at all.
    fn key_tag(&self, number: u64) -> String {
        let Some(lock) = self.locks.iter().find(|lock| lock.first == number) else { return String::new() };
        let uri = format!("/film/key/{}.bin", lock.id());
        let before = number.checked_sub(1).and_then(|before| self.lock(before));
        let opens = before.is_none_or(|before| before.kind != lock.kind);
        let (before, after) = match lock.kind {
            LockKind::Segments | LockKind::Samples if opens && self.shape.other_key_formats => {
                let method = if lock.kind == LockKind::Segments { "AES-128" } else { "SAMPLE-AES-CTR" };
                let other = |format: &str| {
                    format!(
                        "#EXT-X-KEY:METHOD={method},URI=\"skd://x\",KEYFORMAT=\"{format}\",KEYFORMATVERSIONS=\"1\"\n"
                    )
                };
                (other("com.apple.streamingkeydelivery"), other("urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"))
            }
            _ => (String::new(), String::new()),
        };
        let tag = match lock.kind {
            LockKind::Nothing => "#EXT-X-KEY:METHOD=NONE\n".to_owned(),
            LockKind::Segments => format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{uri}\"\n"),
            LockKind::Samples => format!("#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"{uri}\"\n"),
            LockKind::Foreign => format!(
                "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\",KEYID=0x{}\n",
                lock.id()
            ),
        };
        before + &tag + &after
    }
}
