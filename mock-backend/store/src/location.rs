//! Where the stores of a backend are: from one URL to the file, the memory or the schema of each service.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::schema::{Schema, StoreError};

/// Where the stores of a backend are.
#[derive(Clone, Debug)]
pub enum Location {
    /// A file; services but the first have one of their own, named after it: `kinora.db` and `kinora.playback.db`.
    File(Box<SqliteConnectOptions>),
    /// Memory of this process.
    Memory,
    /// A database of PostgreSQL, with a schema for each service.
    Postgres(Box<PgConnectOptions>),
}

impl Location {
    /// Reads a URL: `sqlite:FILE`, `sqlite::memory:` or `postgres://…`; `None` stands for `kinora.db` in the data directory.
    ///
    /// # Errors
    /// For a URL of another kind.
    pub fn parse(url: Option<&str>, data: &Path) -> Result<Self, StoreError> {
        match url {
            None => Ok(Self::file(&data.join("kinora.db"))),
            Some(url) if url.starts_with("postgres:") || url.starts_with("postgresql:") => {
                // The parser's words may repeat a part of the URL, which may be the password.
                let options = PgConnectOptions::from_str(url).map_err(|_| StoreError::Url("this one".to_owned()))?;
                Ok(Self::Postgres(Box::new(options)))
            }
            Some(url) if url.starts_with("sqlite:") => {
                if url.contains(":memory:") || url.contains("mode=memory") {
                    return Ok(Self::Memory);
                }
                Ok(Self::File(Box::new(SqliteConnectOptions::from_str(url).map_err(StoreError::Open)?)))
            }
            // The rest may hold a password: only the scheme is repeated.
            Some(url) => Err(StoreError::Url(url.split(':').next().unwrap_or_default().to_owned())),
        }
    }

    /// A file of SQLite.
    pub fn file(path: &Path) -> Self {
        Self::File(Box::new(SqliteConnectOptions::new().filename(path)))
    }

    /// Returns the file of a service; `None` if it has none.
    pub fn path(&self, schema: &Schema) -> Option<PathBuf> {
        let Self::File(options) = self else { return None };
        let base = options.get_filename();
        if schema.is_first {
            return Some(base.to_owned());
        }
        let (stem, extension) = (base.file_stem().unwrap_or_default(), base.extension());
        let mut name = stem.to_owned();
        name.push(".");
        name.push(schema.name);
        if let Some(extension) = extension {
            name.push(".");
            name.push(extension);
        }
        Some(base.with_file_name(name))
    }
}

#[cfg(test)]
mod tests {
    use super::Location;
    use crate::schema::Schema;
    use std::path::{Path, PathBuf};

    #[test]
    fn other_databases_are_named_and_passwords_are_not_repeated() {
        let refused = |url| Location::parse(Some(url), Path::new(".")).expect_err("no database").to_string();
        let error = refused("mysql://u:secret@db/x");
        assert!(error.starts_with("mysql is not") && !error.contains("secret"), "{error}");
        let error = refused("postgres://u:secret@db:port/x");
        assert!(error.contains("is not the URL of a database") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn each_service_has_a_file_named_after_the_first() {
        let first = Schema { name: "accounts", is_first: true, tables: &[], migrations: &[] };
        let other = Schema { name: "playback", is_first: false, tables: &[], migrations: &[] };
        let data = Location::parse(None, Path::new("/data")).expect("a file");
        assert_eq!(data.path(&first), Some(PathBuf::from("/data/kinora.db")));
        assert_eq!(data.path(&other), Some(PathBuf::from("/data/kinora.playback.db")));
        let plain = Location::parse(Some("sqlite:/x/base"), Path::new("/data")).expect("a file");
        assert_eq!(plain.path(&other), Some(PathBuf::from("/x/base.playback")));
        let memory = Location::parse(Some("sqlite::memory:"), Path::new("/data")).expect("memory");
        assert_eq!(memory.path(&first), None);
    }
}
