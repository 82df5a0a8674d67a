//! Sockets that are handed to processes. Each belongs to the name of a replica. It is closed while its process is stopped, so that
//! clients learn it at once, and is bound to the same port again afterwards: others were started with that address.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use tokio::net::TcpSocket;

/// Connections that the kernel completes and keeps until they are accepted.
const BACKLOG: u32 = 4096;

/// Sockets by the name of a replica.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    bound: BTreeMap<String, TcpListener>,
    /// Port that each replica has, or had.
    ports: BTreeMap<String, u16>,
}

impl Sockets {
    /// Returns the socket of a replica as a standard input, and its port; binds it the first time, to a free port for 0, and after
    /// [`Sockets::close`] to the port of before.
    ///
    /// # Errors
    /// When the port is taken.
    pub(super) fn hand(&mut self, name: &str, port: u16) -> io::Result<(Stdio, u16)> {
        if !self.bound.contains_key(name) {
            let port = self.ports.get(name).copied().unwrap_or(port);
            let socket = bind(port)?;
            self.ports.insert(name.to_owned(), socket.local_addr()?.port());
            self.bound.insert(name.to_owned(), socket);
        }
        let socket = self.bound.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok((Stdio::from(OwnedFd::from(socket.try_clone()?)), socket.local_addr()?.port()))
    }

    /// Returns the address of a socket, also of one that is closed.
    pub(super) fn url(&self, name: &str) -> Option<String> {
        self.ports.get(name).map(|port| format!("http://{}:{port}", Ipv4Addr::LOCALHOST))
    }

    /// Returns true if clients can connect.
    pub(super) fn is_bound(&self, name: &str) -> bool {
        self.bound.contains_key(name)
    }

    /// Closes the socket of a replica that is stopped.
    pub(super) fn close(&mut self, name: &str) {
        self.bound.remove(name);
    }
}

fn bind(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(BACKLOG)?.into_std()
}

#[cfg(test)]
mod tests {
    use super::Sockets;

    #[tokio::test]
    async fn a_socket_that_was_closed_comes_back_at_its_port() {
        let mut sockets = Sockets::default();
        let port = sockets.hand("film", 0).expect("a free port").1;
        assert_eq!(sockets.hand("film", 0).expect("the same").1, port);
        let url = format!("http://127.0.0.1:{port}");
        assert_eq!(sockets.url("film"), Some(url.clone()));
        sockets.close("film");
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "nobody listens");
        assert_eq!(sockets.url("film"), Some(url));
        assert_eq!(sockets.hand("film", 0).expect("its port").1, port);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        sockets.close("film");
        let other = std::net::TcpListener::bind(("127.0.0.1", port)).expect("it is free");
        assert!(sockets.hand("film", 0).is_err(), "another process has the port");
        drop(other);
        assert_eq!(sockets.hand("film", 0).expect("its port").1, port);
        assert_eq!(sockets.url("other"), None);
    }
}
