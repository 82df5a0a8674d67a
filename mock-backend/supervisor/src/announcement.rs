//! The lines by which a process announces its address.

use serde_json::{Map, Value};
use url::Url;

use crate::topology::ReadyLine;

/// Beginning of the line with the address.
const LISTENING: &str = "listening on ";

/// Reads the lines of a process until it has announced itself.
#[derive(Clone, Debug)]
pub struct Announcing {
    awaited: ReadyLine,
    address: Option<(String, u16)>,
}

/// A complete announcement.
#[derive(Clone, Debug, PartialEq)]
pub struct Announced {
    /// Base address without a slash at its end.
    pub url: String,
    /// Port of the address.
    pub port: u16,
    /// Fields of the JSON line; empty where none is awaited.
    pub fields: Map<String, Value>,
}

/// The meaning of a line.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// It belongs to the log.
    Log,
    /// A part of the announcement; more is to come.
    Part,
    /// The last part.
    Complete(Announced),
}

impl Announcing {
    /// Awaits the lines of a kind.
    pub fn new(awaited: ReadyLine) -> Self {
        Self { awaited, address: None }
    }

    /// Reads a line without its end.
    pub fn read(&mut self, line: &str) -> Line {
        if let Some(address) = line.strip_prefix(LISTENING).and_then(|url| address(url.trim_end())) {
            return match self.awaited {
                ReadyLine::Address => complete(address, Map::new()),
                ReadyLine::Json => {
                    self.address = Some(address);
                    Line::Part
                }
            };
        }
        if self.awaited == ReadyLine::Json
            && line.starts_with('{')
            && let Ok(fields) = serde_json::from_str::<Map<String, Value>>(line)
        {
            let named = ["backend", "url"].into_iter().find_map(|key| address(fields.get(key)?.as_str()?));
            if let Some(address) = self.address.take().or(named) {
                return complete(address, fields);
            }
        }
        Line::Log
    }
}

fn complete((url, port): (String, u16), fields: Map<String, Value>) -> Line {
    Line::Complete(Announced { url, port, fields })
}

/// Reads a base address: plain HTTP, a host, a port, and nothing else.
fn address(text: &str) -> Option<(String, u16)> {
    let url = Url::parse(text).ok()?;
    let is_base = url.scheme() == "http" && url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let port = url.port_or_known_default()?;
    let is_plain = url.username().is_empty() && url.password().is_none() && port != 0;
    (is_base && is_plain).then(|| (url.as_str().trim_end_matches('/').to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::{Announced, Announcing, Line};
    use crate::topology::ReadyLine;
    use serde_json::{Map, json};

    fn url(line: &Line) -> Option<(&str, u16)> {
        match line {
            Line::Complete(Announced { url, port, .. }) => Some((url, *port)),
            Line::Log | Line::Part => None,
        }
    }

    #[test]
    fn an_address_is_plain_http_and_nothing_else() {
        let read = |line: &str| Announcing::new(ReadyLine::Address).read(line);
        assert_eq!(url(&read("listening on http://127.0.0.1:8080")), Some(("http://127.0.0.1:8080", 8080)));
        assert_eq!(url(&read("listening on http://[::1]:1/\r")), Some(("http://[::1]:1", 1)));
        for line in [
            "",
            "listening on",
            "listening on https://127.0.0.1:1",
            "listening on http://127.0.0.1:0",
            "listening on http://a:b@127.0.0.1:1",
            "listening on http://127.0.0.1:1/path",
            "listening on http://127.0.0.1:1?query",
            "is listening on http://127.0.0.1:1",
            "{\"backend\":\"http://127.0.0.1:1\"}",
        ] {
            assert_eq!(read(line), Line::Log, "{line}");
        }
    }

    #[test]
    fn a_json_line_completes_or_replaces_the_address() {
        let mut both = Announcing::new(ReadyLine::Json);
        assert_eq!(both.read("{}"), Line::Log);
        assert_eq!(both.read("listening on http://127.0.0.1:5"), Line::Part);
        assert_eq!(both.read("{ broken"), Line::Log);
        let fields = Map::from_iter([("email".to_owned(), json!("a@b"))]);
        let announced = Announced { url: "http://127.0.0.1:5".to_owned(), port: 5, fields };
        assert_eq!(both.read("{\"email\":\"a@b\"}"), Line::Complete(announced));
        let mut alone = Announcing::new(ReadyLine::Json);
        assert_eq!(url(&alone.read("{\"backend\":\"http://127.0.0.1:6\"}")), Some(("http://127.0.0.1:6", 6)));
    }
}
