//! Sockets that are handed to processes. Each belongs to the name of a replica, and stays bound for as long as the supervisor runs.

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
pub(super) struct Sockets(BTreeMap<String, TcpListener>);

impl Sockets {
    /// Returns the socket of a replica as a standard input, and its port; binds it the first time, to a free port for 0.
    ///
    /// # Errors
    /// When the port is taken.
    pub(super) fn hand(&mut self, name: &str, port: u16) -> io::Result<(Stdio, u16)> {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), bind(port)?);
        }
        let socket = self.0.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok((Stdio::from(OwnedFd::from(socket.try_clone()?)), socket.local_addr()?.port()))
    }

    /// Returns the address of a socket that is bound.
    pub(super) fn url(&self, name: &str) -> Option<String> {
        Some(format!("http://{}", self.0.get(name)?.local_addr().ok()?))
    }

    /// Closes the socket of a replica that no longer exists.
    pub(super) fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }
}

fn bind(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(BACKLOG)?.into_std()
}
