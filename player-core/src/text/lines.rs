//! Lines of text files, however they end.

/// Lines that end with LF, CR or both. One line can be given back.
#[derive(Clone, Debug)]
pub(super) struct Lines<'a> {
    rest: Option<&'a str>,
    returned: Option<&'a str>,
}

impl<'a> Lines<'a> {
    /// The lines of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { rest: Some(text), returned: None }
    }

    /// Makes `line` the next one.
    pub fn give_back(&mut self, line: &'a str) {
        self.returned = Some(line);
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if let Some(line) = self.returned.take() {
            return Some(line);
        }
        let rest = self.rest?;
        let Some(end) = rest.find(['\n', '\r']) else {
            self.rest = None;
            return Some(rest);
        };
        let (line, tail) = rest.split_at(end);
        self.rest = tail.strip_prefix("\r\n").or_else(|| tail.get(1..));
        Some(line)
    }
}
