//! A PostgreSQL server for tests: one for each test process, from the packages of the system, in a temporary directory, behind a
//! Unix socket. It ends with the process, also when that is killed.

#![warn(missing_docs)]

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Folder in which Debian keeps the programs, by version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Maximum time until the server accepts connections. Only a guard against hanging.
const PATIENCE: Duration = Duration::from_secs(120);
/// Ends the server, and removes its directory, when the standard input ends.
const KEEPER: &str = r#"dir=$1; shift
"$@" >"$dir/log" 2>&1 </dev/null & pid=$!
read -r _
kill -INT "$pid"; wait "$pid"; rm -rf "$dir""#;

static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    directory: PathBuf,
    /// The keeper ends the server when this is closed.
    _keeper: (Child, ChildStdin),
}

/// User that the server runs as, because it refuses to be root.
#[derive(Clone, Copy, Debug)]
struct User {
    uid: u32,
    gid: u32,
}

/// Returns the URL of a new, empty database of the process's server, which is started if it does not run; or the reason why there
/// is none, after counting the test as skipped.
///
/// # Errors
/// The reason, if the packages are missing.
///
/// # Panics
/// If the packages are there and the server does not start or makes no database.
pub fn database(test: &str) -> Result<String, String> {
    let server = SERVER.get_or_init(|| {
        let programs = programs()?;
        Ok(Server::start(programs).unwrap_or_else(|error| panic!("PostgreSQL does not start: {error}")))
    });
    match server {
        Ok(server) => Ok(server.new_database().unwrap_or_else(|error| panic!("PostgreSQL makes no database: {error}"))),
        Err(reason) => {
            skip(test, reason);
            Err(reason.clone())
        }
    }
}

/// Says that a test is skipped, on standard error and in the list that `./test` counts.
pub fn skip(test: &str, reason: &str) {
    eprintln!("skipped {test}: {reason}");
    if let Some(log) = std::env::var_os("KINORA_SKIP_LOG") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(log);
        let written = file.and_then(|mut file| writeln!(file, "{test}: {reason}"));
        written.unwrap_or_else(|error| panic!("the list of skips cannot be written: {error}"));
    }
}

/// The folder of the newest installed version.
fn programs() -> Result<PathBuf, String> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            (programs.join("postgres").exists() && programs.join("initdb").exists()).then_some((version, programs))
        })
        .collect();
    versions.sort();
    versions.pop().map(|(_, path)| path).ok_or_else(|| "PostgreSQL is not installed (package postgresql)".to_owned())
}

impl Server {
    fn start(programs: PathBuf) -> io::Result<Self> {
        let user = user()?;
        let name = format!("kinora-postgres-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory)?;
        if let Some(User { uid, gid }) = user {
            chown(&directory, Some(uid), Some(gid))?;
        }
        let data = directory.join("data");
        let mut initdb = Command::new(programs.join("initdb"));
        initdb.args(["--no-sync", "--auth=trust", "--username=kinora", "--encoding=UTF8", "--locale=C", "--pgdata"]);
        run(as_user(initdb.arg(&data), user), &directory)?;

        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "sh"]).arg(&directory).arg(programs.join("postgres")).arg("-D").arg(&data);
        // What the tests are about is who sees what when, not what survives a failure of the power.
        for setting in ["fsync=off", "listen_addresses=", "max_connections=300", "shared_buffers=16MB"] {
            keeper.args(["-c", setting]);
        }
        let mut socket = OsString::from("unix_socket_directories=");
        socket.push(&directory);
        keeper.arg("-c").arg(socket);
        keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut keeper = as_user(&mut keeper, user).current_dir(&directory).spawn()?;
        let input = keeper.stdin.take().ok_or_else(|| io::Error::other("the keeper has no standard input"))?;
        let server = Self { programs, directory, _keeper: (keeper, input) };
        let begun = Instant::now();
        while let Err(error) = server.sql("SELECT 1") {
            if begun.elapsed() > PATIENCE {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    fn new_database(&self) -> io::Result<String> {
        let name = format!("test{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("CREATE DATABASE {name} STRATEGY file_copy"))?;
        Ok(format!("postgres://kinora@localhost/{name}?host={}", self.directory.display()))
    }

    fn sql(&self, statement: &str) -> io::Result<()> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.arg("--host").arg(&self.directory).args(["--username=kinora", "--dbname=postgres", "--no-psqlrc"]);
        run(psql.args(["--quiet", "--command", statement]), &self.directory)
    }
}

/// The user to become: none unless this process is root.
fn user() -> io::Result<Option<User>> {
    let id = |arguments: &[&str]| -> io::Result<u32> {
        let output = Command::new("id").args(arguments).output()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().map_err(io::Error::other)
    };
    if id(&["-u"])? != 0 {
        return Ok(None);
    }
    let name = if id(&["-u", "postgres"]).is_ok() { "postgres" } else { "nobody" };
    Ok(Some(User { uid: id(&["-u", name])?, gid: id(&["-g", name])? }))
}

fn as_user(command: &mut Command, user: Option<User>) -> &mut Command {
    match user {
        Some(User { uid, gid }) => command.gid(gid).uid(uid),
        None => command,
    }
}

/// Runs a program to its end in a directory that it may read.
fn run(command: &mut Command, directory: &Path) -> io::Result<()> {
    let output = command.current_dir(directory).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}
