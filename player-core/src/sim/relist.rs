//! The same film, described otherwise: manifests that list the same things in another order, without their oldest
//! periods and segments, or without ids.

/// Differences of a manifest from the simplest one that describe the same film.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relisting {
    /// Seed of the order of sets and representations, variants and renditions; `None` is the order of the film.
    pub order: Option<u64>,
    /// Segments that HLS playlists no longer list at their beginning.
    pub removed_segments: u64,
    /// Periods that a DASH manifest no longer lists at its beginning.
    pub removed_periods: u32,
    /// Periods and sets of a DASH manifest have no ids.
    pub is_nameless: bool,
}

impl Relisting {
    /// Returns an MPD with the same meaning.
    pub(super) fn mpd(&self, text: String) -> String {
        let text = if self.is_nameless { without_ids(&text) } else { text };
        let Some(mut seed) = self.order else { return text };
        let (head, periods, _) = split(&text, "<Period", None);
        let periods = periods.iter().map(|period| {
            let (head, sets, tail) = split(period, "<AdaptationSet", Some("</Period>"));
            let sets = sets.iter().map(|set| {
                let (head, reps, tail) = split(set, "<Representation ", Some("</AdaptationSet>"));
                head + &shuffled(reps, &mut seed) + &tail
            });
            let sets = sets.collect();
            head + &shuffled(sets, &mut seed) + &tail
        });
        head + &periods.collect::<String>()
    }

    /// Returns a multivariant playlist with the same meaning.
    pub(super) fn multivariant(&self, text: String) -> String {
        let Some(mut seed) = self.order else { return text };
        let (mut head, mut entries) = (String::new(), Vec::new());
        let mut lines = text.split_inclusive('\n');
        while let Some(line) = lines.next() {
            match line {
                _ if line.starts_with("#EXT-X-MEDIA:") => entries.push(line.to_owned()),
                _ if line.starts_with("#EXT-X-STREAM-INF:") => {
                    entries.push(line.to_owned() + lines.next().unwrap_or_default());
                }
                _ => head.push_str(line),
            }
        }
        head + &shuffled(entries, &mut seed)
    }
}

/// Returns the text in front of the first of some elements, the elements, and the text after them.
fn split(text: &str, start: &str, end: Option<&str>) -> (String, Vec<String>, String) {
    let tail = end.and_then(|end| text.rfind(end)).unwrap_or(text.len());
    let (body, tail) = text.split_at(tail);
    let mut places: Vec<usize> = body.match_indices(start).map(|(at, _)| at).collect();
    let head = body.get(..places.first().copied().unwrap_or(body.len())).unwrap_or_default();
    places.push(body.len());
    let elements = places.windows(2).filter_map(|pair| body.get(pair[0]..pair[1])).map(str::to_owned);
    (head.to_owned(), elements.collect(), tail.to_owned())
}

/// Puts elements in an order that follows from a seed, which moves on.
fn shuffled(mut elements: Vec<String>, seed: &mut u64) -> String {
    for last in (1..elements.len()).rev() {
        // Constants of Knuth's MMIX.
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        elements.swap(last, (*seed >> 33) as usize % (last + 1));
    }
    elements.concat()
}

fn without_ids(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let named = ["<Period id=\"", "<AdaptationSet id=\""].into_iter().find(|start| line.starts_with(start));
        let rest = named.and_then(|start| Some((start, line.get(start.len()..)?.split_once('"')?.1)));
        rest.map_or_else(|| line.to_owned(), |(start, rest)| format!("{}{rest}", start.trim_end_matches(" id=\"")))
    });
    lines.collect()
}
