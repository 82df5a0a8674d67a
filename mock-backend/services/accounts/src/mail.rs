//! Mail: what is sent, and the folder that stands for its delivery.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use kinora_kit::http::conditional::format_http_date;
use uuid::Uuid;

/// A mail to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Address, as [`mailable`](crate::domain::mailable) returns it.
    pub to: String,
    /// Subject, ASCII.
    pub subject: &'static str,
    /// Text; lines end with `\n`.
    pub text: String,
    /// Time of sending, milliseconds since the Unix epoch.
    pub at: i64,
}

/// A way for mail. It is called on a thread that may block.
pub trait Mailer: Send + Sync {
    /// Sends a mail; it is safe when this returns.
    ///
    /// # Errors
    /// When it was not taken.
    fn send(&self, mail: &Mail) -> io::Result<()>;

    /// Deletes what is kept of mails to an address, if anything is.
    ///
    /// # Errors
    /// When something is left.
    fn erase(&self, address: &str) -> io::Result<()>;
}

/// A folder with a file for each mail (`.eml`, RFC 5322). Files are readable by their owner only, and appear whole.
#[derive(Clone, Debug)]
pub struct Mailbox(PathBuf);

impl Mailbox {
    /// Uses a folder, which is made with the first mail.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }
}

impl Mailer for Mailbox {
    fn send(&self, mail: &Mail) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let id = Uuid::now_v7();
        let path = self.0.join(format!("{id}.eml"));
        let draft = path.with_extension("draft");
        let written = write_private(&draft, message(mail, id).as_bytes())
            .and_then(|()| fs::rename(&draft, &path))
            .and_then(|()| fs::File::open(&self.0)?.sync_all());
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
    }

    fn erase(&self, address: &str) -> io::Result<()> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        let line = format!("To: {address}");
        for entry in entries {
            let path = entry?.path();
            let text = match fs::read_to_string(&path) {
                // Another erasure was quicker.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                text => text?,
            };
            if text.lines().take_while(|header| !header.is_empty()).any(|header| header == line) {
                fs::remove_file(&path)?;
            }
        }
        fs::File::open(&self.0)?.sync_all()
    }
}

fn message(mail: &Mail, id: Uuid) -> String {
    let date = format_http_date(mail.at.div_euclid(1000)).unwrap_or_default().replace("GMT", "+0000");
    let text = mail.text.replace('\n', "\r\n");
    format!(
        "From: Kinora <no-reply@kinora.example>\r\nTo: {}\r\nSubject: {}\r\nDate: {date}\r\nMessage-ID: <{id}@kinora.example>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}",
        mail.to, mail.subject
    )
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{Mail, Mailbox, Mailer as _};

    fn mail(to: &str) -> Mail {
        Mail { to: to.to_owned(), subject: "Your code", text: "one\ntwo\n".to_owned(), at: 784_111_777_000 }
    }

    #[test]
    fn a_mail_is_a_file_that_goes_with_its_address() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mailbox = Mailbox::new(dir.path().join("mailbox"));
        mailbox.erase("a@kinora.example").expect("nothing to erase");
        mailbox.send(&mail("a@kinora.example")).expect("sent");
        mailbox.send(&mail("aa@kinora.example")).expect("sent");
        let files = || -> Vec<String> {
            let entries = std::fs::read_dir(dir.path().join("mailbox")).expect("the folder is there");
            entries.map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("text")).collect()
        };
        assert_eq!(files().len(), 2);
        mailbox.erase("a@kinora.example").expect("erased");
        let left = files();
        assert_eq!(left.len(), 1);
        assert!(left[0].contains("To: aa@kinora.example\r\n"), "{}", left[0]);
        assert!(left[0].contains("\r\nDate: Sun, 06 Nov 1994 08:49:37 +0000\r\n"), "{}", left[0]);
        assert!(left[0].ends_with("\r\n\r\none\r\ntwo\r\n"), "{}", left[0]);
    }
}
