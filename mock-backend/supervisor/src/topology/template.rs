//! Arguments with placeholders, such as `--port={port}`.

/// A text with places to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

/// A part of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// The data directory.
    Data,
    /// The folder of files that belong to this run of the supervisor.
    Run,
    /// The name of the replica.
    Name,
    /// The port to listen on, 0 for a free one.
    Port,
    /// The file with the addresses of all that is ready.
    Addresses,
    /// The address of the first replica of a process.
    Url(String),
    /// The addresses of all replicas of a process, separated by commas.
    Urls(String),
}

impl Template {
    /// Reads a template; `None` for an unknown placeholder or a brace without its pair.
    pub fn parse(text: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else {
                let (name, after) = from.strip_prefix('{')?.split_once('}')?;
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(placeholder(name)?);
                rest = after;
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Some(Self(pieces))
    }

    /// Returns the text with every placeholder replaced by what `value` answers for it.
    pub fn fill(&self, mut value: impl FnMut(&Piece) -> String) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                other => value(other),
            })
            .collect()
    }

    /// Returns the names of processes whose addresses it contains.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Url(name) | Piece::Urls(name) => Some(name.as_str()),
            Piece::Text(_) | Piece::Data | Piece::Run | Piece::Name | Piece::Port | Piece::Addresses => None,
        })
    }
}

fn placeholder(name: &str) -> Option<Piece> {
    Some(match name {
        "data" => Piece::Data,
        "run" => Piece::Run,
        "name" => Piece::Name,
        "port" => Piece::Port,
        "addresses" => Piece::Addresses,
        _ => match name.split_once(':')? {
            ("url", process) => Piece::Url(process.to_owned()),
            ("urls", process) => Piece::Urls(process.to_owned()),
            _ => return None,
        },
    })
}
