//! The whole backend as processes: in one, or each service in its own behind the gateway and under the supervisor.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::{binary, demo};

/// Only a guard against hanging.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Division of the backend into processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All services in one process, and each edge in its own.
    One,
    /// Each service in a process of its own.
    Split,
}

/// A running backend with the demo catalogue, on data of its own. Everything ends with it.
pub struct System {
    mode: Mode,
    child: Child,
    data: tempfile::TempDir,
    ready: Value,
}

impl System {
    /// Starts a backend with new accounts and tables.
    pub fn start(mode: Mode) -> Self {
        let data = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(demo().join("media"), data.path().join("media")).unwrap();
        let prepared = Command::new(binary("kinora-backend"))
            .args(["demo", "--prepare-only", "--data"])
            .arg(data.path())
            .status()
            .unwrap();
        assert!(prepared.success());
        let (child, ready) = run(mode, data.path());
        Self { mode, child, data, ready }
    }

    /// Ends all processes and starts them on the same data.
    pub fn start_again(&mut self) {
        self.end();
        (self.child, self.ready) = run(self.mode, self.data.path());
    }

    fn end(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }

    /// Folder of keys, tables and logs.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The line by which the backend said that it is ready.
    pub fn ready_line(&self) -> &Value {
        &self.ready
    }

    /// Text of a field of the ready line.
    pub fn text(&self, field: &str) -> &str {
        self.ready[field].as_str().unwrap_or_else(|| panic!("no {field} in {}", self.ready))
    }

    /// Runs the QA tool on a title of this backend, as the demo viewer; the session report.
    pub fn play(&self, arguments: &[&str]) -> Playing {
        let report = tempfile::NamedTempFile::new().unwrap();
        let child = Command::new(binary("kinora-qa"))
            .args(["play", "--backend", self.text("backend"), "--render", "null", "--report"])
            .arg(report.path())
            .args(arguments)
            .env("KINORA_EMAIL", self.text("email"))
            .env("KINORA_PASSWORD", self.text("password"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Playing { child, report }
    }

    /// Runs the QA tool on a manifest that was granted; the session report.
    pub fn play_address(&self, manifest: &str, arguments: &[&str]) -> Playing {
        let report = tempfile::NamedTempFile::new().unwrap();
        let child = Command::new(binary("kinora-qa"))
            .args(["play", manifest, "--render", "null", "--report"])
            .arg(report.path())
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Playing { child, report }
    }

    /// Paths that a playback has asked the edges for, as their logs have them.
    pub fn fetched(&self, session: &str) -> Vec<String> {
        let files = std::fs::read_dir(self.data().join("logs")).unwrap();
        let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        let lines: Vec<Value> = texts
            .flat_map(|text| text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<Value>>())
            .collect();
        let own = lines.iter().filter(|line| line["session"] == session);
        own.filter_map(|line| Some(line["path"].as_str()?.to_owned())).collect()
    }

    /// A client that has not signed in.
    pub fn client(&self) -> Client {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Client { base: self.text("backend").to_owned(), runtime, http, token: None }
    }

    /// A phone's browser: it keeps a cookie.
    pub fn phone(&self) -> Phone {
        Phone { client: self.client(), cookie: RefCell::default() }
    }

    /// The demo viewer, signed in on a device.
    pub fn viewer(&self, device: &str) -> Client {
        let mut client = self.client();
        client.sign_in(self.text("email"), self.text("password"), device);
        client
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(mode: Mode, data: &Path) -> (Child, Value) {
    let mut command = match mode {
        Mode::One => {
            let mut command = Command::new(binary("kinora-backend"));
            command.arg("demo");
            command
        }
        Mode::Split => {
            let split = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mock-backend/supervisor/topologies/split.toml");
            let mut command = Command::new(binary("kinora-supervisor"));
            command.arg("--topology").arg(split);
            command
        }
    };
    command.arg("--data").arg(data).arg("--exit-with-stdin").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with('{')).unwrap();
    // Later lines are read and dropped: a full pipe would block the program.
    std::thread::Builder::new().name("backend-output".into()).spawn(move || lines.for_each(drop)).unwrap();
    (child, serde_json::from_str(&ready).unwrap())
}

/// A film that the QA tool plays.
pub struct Playing {
    child: Child,
    report: tempfile::NamedTempFile,
}

impl Playing {
    /// Waits for the end of the session; its report.
    pub fn report(mut self) -> Value {
        let status = self.child.wait().unwrap();
        let text = std::fs::read_to_string(self.report.path()).unwrap();
        assert!(status.success(), "{status}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

/// A client of the service's own interface.
pub struct Client {
    base: String,
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    /// Access token of the sign-in, if there is one.
    pub token: Option<String>,
}

impl Client {
    /// Signs in; the whole answer.
    pub fn sign_in(&mut self, email: &str, password: &str, device: &str) -> Value {
        let device = json!({ "id": device, "name": device, "platform": "test", "app_version": "1" });
        let answer =
            self.want(200, "POST", "/v1/sign-in", &json!({ "email": email, "password": password, "device": device }));
        self.take_tokens(&answer);
        answer
    }

    /// Goes on with the access token of an answer to a sign-in.
    pub fn take_tokens(&mut self, answer: &Value) {
        self.token = Some(answer["tokens"]["access_token"].as_str().unwrap().to_owned());
    }

    /// Status and body of the answer to a call; no body is null. An absolute address is asked without the token.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let is_own = path.starts_with('/');
        let url = if is_own { format!("{}{path}", self.base) } else { path.to_owned() };
        let mut request = self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), url);
        if let Some(token) = self.token.as_ref().filter(|_| is_own) {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let bytes = answer.bytes().await.unwrap();
            (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
        })
    }

    /// Body of an answer that has the status `status`.
    pub fn want(&self, status: u16, method: &str, path: &str, body: &Value) -> Value {
        let (came, answer) = self.call(method, path, body);
        assert_eq!(came, status, "{method} {path}: {answer}");
        answer
    }

    /// Body of what lies at `path`.
    pub fn get(&self, path: &str) -> Value {
        self.want(200, "GET", path, &Value::Null)
    }

    /// Waits until a call answers with the status.
    pub fn until(&self, status: u16, method: &str, path: &str) -> Value {
        let begun = Instant::now();
        loop {
            let (came, answer) = self.call(method, path, &Value::Null);
            if came == status {
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "{method} {path} stays {came}: {answer}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ids of the titles in a row of the home screen; none if there is no such row.
    pub fn row(&self, row: &str) -> Vec<String> {
        let home = self.get("/v1/home");
        let rows = home["rows"].as_array().unwrap();
        let titles = rows.iter().find(|found| found["id"] == row).and_then(|found| found["titles"].as_array());
        titles.into_iter().flatten().map(|title| title["id"].as_str().unwrap().to_owned()).collect()
    }

    /// A grant for a title.
    pub fn grant(&self, title: &str) -> Value {
        self.want(200, "POST", "/v1/playback", &json!({ "title_id": title, "protocols": ["hls"] }))
    }
}

/// A browser that opens pages of the backend.
pub struct Phone {
    client: Client,
    cookie: RefCell<String>,
}

impl Phone {
    /// Opens a page.
    pub fn page(&self, path: &str) -> String {
        self.read(self.client.http.get(self.address(path)))
    }

    /// Sends the form of a page: hidden fields as they are in it, and what the user fills in.
    pub fn submit(&self, page: &str, hidden: &[&str], filled: &[(&str, &str)]) -> String {
        let value = |name: &&str| {
            let field = format!("name={name} value=\"");
            let rest = page.split(&field).nth(1).unwrap_or_else(|| panic!("no {name} in {page}"));
            rest.split('"').next().unwrap().to_owned()
        };
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(hidden.iter().map(|name| (*name, value(name))));
        form.extend_pairs(filled);
        let request = self.client.http.post(self.address("/link")).body(form.finish());
        self.read(request.header("content-type", "application/x-www-form-urlencoded"))
    }

    fn address(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.client.base) } else { path.to_owned() }
    }

    fn read(&self, request: reqwest::RequestBuilder) -> String {
        let request = request.header("cookie", self.cookie.borrow().as_str());
        self.client.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200);
            if let Some(cookie) = answer.headers().get("set-cookie") {
                *self.cookie.borrow_mut() = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            }
            answer.text().await.unwrap()
        })
    }
}
