//! Delivery directives of live playlists (RFC 8216bis §6.2.5): the part of a query that an edge hands on, in one spelling. Pure.

/// Returns the directives of a query; `None` if there are none. Everything else in it is left out, and so is what is no number.
pub fn directives(query: &str) -> Option<String> {
    let value = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(own, _)| *own == name).map(|(_, value)| value).next()
    };
    let number = |name: &str| {
        let value = value(name).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some(format!("{name}={}", value.parse::<u64>().ok()?))
    };
    let skip = value("_HLS_skip").filter(|value| matches!(*value, "YES" | "v2"));
    let parts = [number("_HLS_msn"), number("_HLS_part"), skip.map(|skip| format!("_HLS_skip={skip}"))];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join("&");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::directives;

    #[test]
    fn directives_have_one_spelling() {
        for (query, known) in [
            ("_HLS_msn=7&_HLS_part=2", Some("_HLS_msn=7&_HLS_part=2")),
            ("_HLS_part=02&x=1&_HLS_msn=007", Some("_HLS_msn=7&_HLS_part=2")),
            ("_HLS_skip=YES&_HLS_msn=7", Some("_HLS_msn=7&_HLS_skip=YES")),
            ("_HLS_skip=v2", Some("_HLS_skip=v2")),
            ("_HLS_skip=NO&_HLS_msn=-1&CMCD=bl%3D1", None),
            ("_HLS_msn=99999999999999999999", None),
            ("_HLS_msn=", None),
            ("", None),
        ] {
            assert_eq!(directives(query).as_deref(), known, "{query}");
        }
    }
}
