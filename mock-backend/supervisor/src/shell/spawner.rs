//! The thread that forks. The parent-death signal of Linux follows the thread that started a child, not its process (prctl(2)), and
//! threads of a runtime come and go; so one thread starts all children and lives as long as its [`Spawner`].

use std::io;
use std::process::Stdio;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Starts processes that do not outlive it.
#[derive(Debug)]
pub(super) struct Spawner(SyncSender<Job>);

struct Job {
    command: Command,
    reply: oneshot::Sender<io::Result<Child>>,
}

impl Spawner {
    /// Starts the thread; called on a runtime.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(super) fn new() -> io::Result<Self> {
        let (sender, jobs) = sync_channel::<Job>(1);
        let runtime = Handle::current();
        thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            for mut job in jobs {
                let _guard = runtime.enter();
                // Without a receiver the child is dropped, and killed by that.
                drop(job.reply.send(job.command.spawn()));
            }
        })?;
        Ok(Self(sender))
    }

    /// Starts a process that leads a process group, has pipes for its outputs, and is killed when this process or the spawner ends.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub(super) async fn spawn(&self, mut command: Command, input: Stdio) -> io::Result<Child> {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).process_group(0);
        die_with_parent(&mut command);
        let (reply, child) = oneshot::channel();
        let gone = |_| io::Error::other("the thread that starts processes is gone");
        // One job is under way at a time, so there is room.
        self.0.try_send(Job { command, reply }).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => gone(()),
        })?;
        child.await.map_err(|_| gone(()))?
    }
}

/// Lets the system kill the child when the thread that starts it ends.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "the standard library has no parent-death signal, and code between fork and exec is unsafe"
)]
fn die_with_parent(command: &mut Command) {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
    let parent = getpid();
    // SAFETY: the closure runs in the child between fork and exec. It makes two system calls without libc and allocates nothing, as
    // signal-safety(7) demands.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // A parent that died before the call above sends no signal.
            if getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
        });
    }
}

/// Elsewhere the end of the standard input is the only sign.
#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command) {}
