//! Identifiers in templates that are the same for every segment (ISO/IEC 23009-1 §5.3.9.4.4). Those that change
//! with the segment are filled by the model.

/// Replaces `$RepresentationID$` and `$Bandwidth$`; `$$` and everything else stay as they are, so that the result
/// is a template again.
pub(super) fn with_representation(template: &str, id: &str, bandwidth: u64) -> String {
    expand(template, |name, width| match name {
        "RepresentationID" => Some(id.replace('$', "$$")),
        "Bandwidth" => Some(format!("{bandwidth:0width$}")),
        _ => None,
    })
}

/// The result of a template that no segment fills in: `$$` becomes `$`.
pub(super) fn finished(template: &str) -> String {
    expand(template, |name, _| name.is_empty().then(|| "$".to_owned()))
}

/// True when the template differs from segment to segment.
pub(super) fn is_per_segment(template: &str) -> bool {
    let mut found = false;
    expand(template, |name, _| {
        found |= matches!(name, "Number" | "Time" | "SubNumber");
        None
    });
    found
}

fn expand(template: &str, mut value: impl FnMut(&str, usize) -> Option<String>) -> String {
    let mut out = String::with_capacity(template.len() + 16);
    let mut parts = template.split('$');
    out.push_str(parts.next().unwrap_or_default());
    while let Some(inside) = parts.next() {
        let Some(after) = parts.next() else {
            // A dollar without a partner.
            out.push('$');
            out.push_str(inside);
            break;
        };
        let (name, width) = match inside.split_once('%') {
            Some((name, format)) => (name, format.trim_end_matches(['d', 'u']).parse().unwrap_or(1_usize).min(32)),
            None => (inside, 1),
        };
        match value(name, width) {
            Some(value) => out.push_str(&value),
            None => {
                out.push('$');
                out.push_str(inside);
                out.push('$');
            }
        }
        out.push_str(after);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_identifiers_are_replaced_and_the_rest_stays_a_template() {
        let template = "$RepresentationID$/$Bandwidth%08d$-$Number%05d$-$$.m4s";
        let filled = with_representation(template, "a$b", 500);
        assert_eq!(filled, "a$$b/00000500-$Number%05d$-$$.m4s");
        assert!(is_per_segment(&filled));
        assert_eq!(finished(&with_representation("$$-$RepresentationID$-$Foo$", "x$y", 1)), "$-x$y-$Foo$");
        assert!(!is_per_segment("$$Number$$"));
        assert_eq!(with_representation("a$Number", "x", 1), "a$Number");
    }
}
