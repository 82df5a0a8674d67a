//! The command line: what to start, and the exit code when it cannot be started.
//!
//! Exit codes: 0 the window was closed; 2 wrong usage or no display; 4 the display cannot do OpenGL 3.3 (or ES 3.0);
//! 1 anything else. Each failure says one sentence on stderr.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::Generate as _;
use clap::Parser;
use directories::ProjectDirs;
use eframe::egui;
use kinora_api::{DeviceInfo, Secret, TitleId};
use kinora_pin::KeyPin;
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::api::{Service, ServiceOptions};
use crate::app::{App, Parts, ServicePort, wake};
use crate::navigation::trace::{self, Trace};
use crate::networks::Networks;
use crate::player_gst::GstPlayers;
use crate::secrets::SecretChoice;
use crate::settings_file::SettingsFile;
use crate::signals;
use crate::state::{Credentials, Launch, WindowPlace};
use crate::theme::tokens::size;
use crate::video::{TooOld, supported};
use crate::window_icon::window_icon;

/// Where a service is looked for when nothing else is said.
const DEFAULT_BACKEND: &str = "http://127.0.0.1:8080";

/// Watch films: from a Kinora service, or any HLS or DASH address.
#[derive(Debug, Parser)]
#[command(name = "kinora", version, after_help = KEYS)]
struct Arguments {
    /// An HLS or DASH address to play at once, without a service
    url: Option<String>,
    /// The service to browse [env: KINORA_BACKEND] [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", conflicts_with = "url")]
    backend: Option<Url>,
    /// Trust only the server whose key has this pin (base64 of its SHA-256), as a gateway prints it [env: KINORA_PIN]
    #[arg(long, value_name = "PIN", conflicts_with = "url")]
    pin: Option<String>,
    /// Sign in as this account without asking [env: KINORA_EMAIL]
    #[arg(long, value_name = "ADDRESS", conflicts_with = "url")]
    email: Option<String>,
    /// The environment variable that holds the password for --email
    #[arg(long, value_name = "NAME", default_value = "KINORA_PASSWORD", conflicts_with = "url")]
    password_env: String,
    /// Open the page of the title with this id; a live channel plays at once
    #[arg(long, value_name = "ID", conflicts_with = "url")]
    title: Option<String>,
    /// Fill the screen from the beginning
    #[arg(long)]
    fullscreen: bool,
}

const KEYS: &str = "\
Keys while browsing:
  /, Ctrl+F  search                Esc       back

Keys while a film plays:
  space, k   play, pause           ←, →      10 s back, forward
  ↑, ↓       volume                m         mute
  f          full screen           c         subtitles on, off
  a, s       audio, subtitle menu  q, r      quality, speed menu
  0–9        to tenths of the film <, >      slower, faster
  i          statistics            comma, .  one picture back, forward (paused)
  Tab        to the controls       Esc       close menu, leave full screen, leave the film
Everywhere: arrows, Tab, Page Up/Down, Home and End move the focus, Enter presses; Ctrl with +, − or 0 zooms

Environment: KINORA_BACKEND, KINORA_PIN, KINORA_EMAIL, KINORA_PASSWORD, KINORA_SECRETS=os|file|memory, KINORA_LOG (as RUST_LOG),
KINORA_UI_TRACE=FILE (writes the focus and all rectangles to a file)";

/// Runs the app and answers with its exit code.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("KINORA_LOG").unwrap_or_else(|_| EnvFilter::new("warn,winit=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    if !has_display() {
        return fail(
            2,
            "there is no display: set DISPLAY or WAYLAND_DISPLAY, or play without a window with `kinora-qa play`",
        );
    }
    let plan = match Plan::new(&arguments, |name| std::env::var(name).ok()) {
        Ok(plan) => plan,
        Err(reason) => return fail(2, &reason),
    };
    // The decoders are loaded by the time that the first film is played.
    player_core::render::gst::prepare();
    match run(plan, arguments.fullscreen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

/// What the arguments and the environment ask for.
#[derive(Debug)]
struct Plan {
    launch: Launch,
    /// The title to open first.
    title: Option<TitleId>,
    backend: Option<Url>,
    pin: Option<KeyPin>,
    secrets: SecretChoice,
}

impl Plan {
    fn new(arguments: &Arguments, env: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let secrets = SecretChoice::from_env(env("KINORA_SECRETS").as_deref());
        if let Some(text) = &arguments.url {
            return Ok(Self {
                launch: Launch::Address(address(text)?),
                title: None,
                backend: None,
                pin: None,
                secrets,
            });
        }
        let backend = match (&arguments.backend, env("KINORA_BACKEND")) {
            (Some(url), _) => url.clone(),
            (None, Some(text)) => text.parse().map_err(|error| format!("KINORA_BACKEND is no address: {error}"))?,
            (None, None) => DEFAULT_BACKEND.parse().map_err(|error| format!("{DEFAULT_BACKEND}: {error}"))?,
        };
        if !matches!(backend.scheme(), "http" | "https") {
            return Err(format!(
                "the service's address must begin with http:// or https://, not {}://",
                backend.scheme()
            ));
        }
        let pin = arguments.pin.clone().or_else(|| env("KINORA_PIN")).filter(|pin| !pin.is_empty());
        let pin = pin.map(|text| trusted(&text, &backend)).transpose()?;
        let email = arguments.email.clone().or_else(|| env("KINORA_EMAIL")).filter(|email| !email.is_empty());
        let password = env(&arguments.password_env).filter(|password| !password.is_empty());
        let credentials = match (email, password) {
            (Some(email), Some(password)) => Some(Credentials { email, password: Secret::new(password), code: None }),
            (Some(_), None) if arguments.email.is_some() => {
                return Err(format!(
                    "--email needs the password in the environment variable {}",
                    arguments.password_env
                ));
            }
            _ => None,
        };
        let title = arguments.title.as_deref().filter(|id| !id.is_empty()).map(TitleId::from);
        Ok(Self { launch: Launch::Service { credentials }, title, backend: Some(backend), pin, secrets })
    }
}

/// Reads the pin of a service's key.
///
/// # Errors
/// A sentence: it is none, or the address would not use it.
fn trusted(text: &str, backend: &Url) -> Result<KeyPin, String> {
    let pin = text.parse().map_err(|error| format!("`{text}` is no pin: {error}"))?;
    match backend.scheme() {
        "https" => Ok(pin),
        _ => Err(format!("a pin needs an address that begins with https://, not {backend}")),
    }
}

/// Reads the address of a film, in whatever form a viewer gives it.
///
/// # Errors
/// A sentence: the text is a file on this computer, or not an address that a film can come from.
fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    let is_path = ["/", "./", "../", "~"].iter().any(|start| text.starts_with(start)) || Path::new(text).exists();
    match url {
        Some(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        // A drive's letter looks like a scheme.
        Some(url) if url.scheme() != "file" && url.scheme().len() > 1 && !is_path => Err(format!(
            "`{text}` can't be opened: the address of a film begins with http:// or https://, not {}:",
            url.scheme()
        )),
        None if !is_path => Err(format!("`{text}` is no address of a film: it begins with http:// or https://")),
        _ => Err(format!(
            "`{text}` is a file on this computer, which can't be played yet: give an address that begins with http:// \
             or https://"
        )),
    }
}

fn run(plan: Plan, fullscreen: bool) -> eframe::Result {
    let directories = ProjectDirs::from("", "", "kinora");
    let settings = SettingsFile::new(directories.as_ref().map(ProjectDirs::config_dir));
    let place = settings.load().window.and_then(WindowPlace::checked);
    let viewport = egui::ViewportBuilder::default()
        .with_title("Kinora")
        .with_app_id("kinora")
        .with_icon(window_icon())
        .with_inner_size(place.map_or(size::WINDOW, |place| place.size.into()))
        .with_min_inner_size(size::WINDOW_MIN)
        .with_maximized(place.is_some_and(|place| place.maximized))
        .with_fullscreen(fullscreen);
    let at = place.and_then(|place| place.at);
    let viewport = match at {
        Some((x, y)) => viewport.with_position([x, y]),
        None => viewport,
    };
    let options = eframe::NativeOptions { viewport, centered: at.is_none(), ..eframe::NativeOptions::default() };
    eframe::run_native(
        "Kinora",
        options,
        Box::new(move |context| {
            context.gl.as_deref().map_or(Ok(()), supported)?;
            if let Some(path) = std::env::var_os(trace::VARIABLE) {
                context.egui_ctx.add_plugin(Trace::create(Path::new(&path))?);
            }
            if let Err(error) = signals::close_on_signal(&context.egui_ctx) {
                tracing::warn!(%error, "signals end the app without storing the last position");
            }
            let title = plan.title.clone();
            let parts = parts(plan, directories.as_ref(), settings, &context.egui_ctx)?;
            Ok(Box::new(App::new(&context.egui_ctx, parts).with_title(title)))
        }),
    )
}

fn parts(
    plan: Plan,
    directories: Option<&ProjectDirs>,
    settings: SettingsFile,
    ctx: &egui::Context,
) -> std::io::Result<Parts> {
    let service = match plan.backend {
        Some(base) => {
            let options = ServiceOptions {
                base,
                pin: plan.pin,
                secrets: plan.secrets,
                directory: directories.map(|directories| directories.data_dir().to_owned()),
                device: device(&settings),
            };
            Some(Box::new(Service::start(options, wake(ctx))?) as Box<dyn ServicePort>)
        }
        None => None,
    };
    let networks = Networks::load(directories.map(ProjectDirs::data_dir));
    let players = GstPlayers { networks: Arc::new(networks), ..GstPlayers::default() };
    Ok(Parts { launch: plan.launch, service, players: Box::new(players), settings })
}

/// This installation, as the account's owner sees it. Its id is made once and kept with the settings.
fn device(file: &SettingsFile) -> DeviceInfo {
    let mut settings = file.load();
    if settings.device_id.is_empty() {
        settings.device_id = XNonce::generate().iter().map(|byte| format!("{byte:02x}")).collect();
        file.save(&settings);
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    DeviceInfo {
        id: settings.device_id.as_str().into(),
        name: name.unwrap_or_else(|| "Desktop".to_owned()),
        platform: format!("{}-desktop", std::env::consts::OS),
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn has_display() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET")
}

fn report(error: &eframe::Error) -> ExitCode {
    let no_gl = |reason: String| {
        let help = "install a graphics driver, or use software rendering with LIBGL_ALWAYS_SOFTWARE=1";
        fail(4, &format!("this display cannot do OpenGL: {reason}; {help}"))
    };
    match error {
        // The template of the configuration is a page long and helps nobody.
        eframe::Error::NoGlutinConfigs(_, reason) => no_gl(reason.to_string()),
        eframe::Error::Glutin(_) | eframe::Error::OpenGL(_) => no_gl(error.to_string()),
        eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_) => {
            // The windowing library puts its source file in front of the reason.
            let text = error.to_string();
            let reason = text.rsplit(": ").next().unwrap_or(&text).trim_end_matches(')');
            fail(2, &format!("the display cannot be used: {reason}"))
        }
        eframe::Error::AppCreation(error) => match error.downcast_ref::<TooOld>() {
            Some(too_old) => no_gl(too_old.to_string()),
            None => fail(1, &format!("the app could not be started ({error})")),
        },
    }
}

fn fail(code: u8, sentence: &str) -> ExitCode {
    eprintln!("kinora: {sentence}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(arguments: &[&str], env: &[(&str, &str)]) -> Result<Plan, String> {
        let arguments =
            Arguments::try_parse_from(std::iter::once(&"kinora").chain(arguments)).map_err(|e| e.to_string())?;
        Plan::new(&arguments, |name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn an_address_needs_no_service() {
        let plan =
            plan(&["http://host/master.m3u8"], &[("KINORA_EMAIL", "a@b"), ("KINORA_PASSWORD", "x")]).expect("a plan");
        assert!(matches!(plan.launch, Launch::Address(_)) && plan.backend.is_none());
    }

    #[test]
    fn credentials_come_from_the_environment_and_passwords_only_from_there() {
        let env = [("KINORA_EMAIL", "demo@kinora.example"), ("KINORA_PASSWORD", "pw"), ("OTHER", "else")];
        let Launch::Service { credentials: Some(credentials) } = plan(&[], &env).expect("a plan").launch else {
            panic!("credentials are expected")
        };
        assert_eq!((credentials.email.as_str(), credentials.password.expose()), ("demo@kinora.example", "pw"));
        let other = plan(&["--email", "me@x", "--password-env", "OTHER"], &env).expect("a plan");
        let Launch::Service { credentials: Some(credentials) } = other.launch else {
            panic!("credentials are expected")
        };
        assert_eq!((credentials.email.as_str(), credentials.password.expose()), ("me@x", "else"));
        assert!(plan(&["--email", "me@x", "--password-env", "MISSING"], &env).is_err());
        assert!(matches!(plan(&[], &[]).expect("a plan").launch, Launch::Service { credentials: None }));
    }

    #[test]
    fn a_title_is_of_a_service_and_not_of_an_address() {
        let title = |arguments: &[&str]| plan(arguments, &[]).map(|plan| plan.title);
        assert_eq!(title(&["--title", "moonlight"]), Ok(Some("moonlight".into())));
        assert_eq!((title(&["--title", ""]), title(&[])), (Ok(None), Ok(None)));
        assert!(title(&["--title", "moonlight", "http://host/live.mpd"]).is_err());
    }

    #[test]
    fn a_pin_needs_a_connection_that_is_encrypted() {
        let pin = "A".repeat(43) + "=";
        let secure = ["--backend", "https://host:8443"];
        let read = |arguments: &[&str], env: &[(&str, &str)]| plan(arguments, env).map(|plan| plan.pin);
        let want = pin.parse().ok();
        assert!(want.is_some());
        assert_eq!(read(&[&secure[..], &["--pin", &pin]].concat(), &[]), Ok(want));
        assert_eq!(read(&secure, &[("KINORA_PIN", &pin)]), Ok(want));
        assert_eq!(read(&secure, &[("KINORA_PIN", "")]), Ok(None));
        assert!(read(&secure, &[("KINORA_PIN", "pin")]).is_err_and(|reason| reason.contains("`pin` is no pin")));
        assert!(read(&[], &[("KINORA_PIN", &pin)]).is_err_and(|reason| reason.contains("https://")));
    }

    #[test]
    fn a_file_is_called_a_file_and_an_address_says_how_it_begins() {
        let check = |text: &str, want: &str| {
            let reason = plan(&[text], &[]).expect_err("it cannot be played");
            assert!(reason.contains(want) && !reason.contains("base"), "{text}: {reason}");
        };
        for file in ["/etc/passwd", "./film.m3u8", "../film.mpd", "~/film.mp4", "file:///tmp/film.mp4", "C:\\film.mp4"]
        {
            check(file, "is a file on this computer");
        }
        // Tests run in the folder of the package.
        check("Cargo.toml", "is a file on this computer");
        check("host.example/film.m3u8", "begins with http:// or https://");
        check("rtsp://host/film", "not rtsp:");
        check("http://", "begins with http:// or https://");
    }

    #[test]
    fn bad_addresses_are_usage_errors() {
        assert!(plan(&["not an address"], &[]).is_err());
        assert!(plan(&["--backend", "ftp://host/"], &[]).is_err());
        assert!(plan(&[], &[("KINORA_BACKEND", "::")]).is_err());
        assert!(plan(&["http://host/x", "--backend", "http://host"], &[]).is_err());
    }
}
