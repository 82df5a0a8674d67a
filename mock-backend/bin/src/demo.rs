//! The whole system on one machine: demo catalogue, demo viewer, backend, edges.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;
use kinora_gateway::Tls;
use kinora_gateway::topology::Topology;
use kinora_gateway::transport::over_http;
use kinora_services::members::Member;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::edges::{self, About, Edge, Setup};
use super::package;
use kinora_kit::http::signal::{Termination, end_of_stdin};
use kinora_media as media;
use kinora_services::{self as services, demo, edge_secret_file};

/// How the demonstration is set up.
#[derive(Clone, Debug)]
pub struct Demo {
    /// The backend; its demo viewer is made in any case.
    pub backend: services::Config,
    /// Ports of the edges, 0 for free ones; as many edges as ports.
    pub edge_ports: Vec<u16>,
    /// Address that the edges listen on.
    pub edge_host: IpAddr,
    /// Bandwidth trace for the edges.
    pub trace: Option<PathBuf>,
    /// Plan of faults for the edges.
    pub chaos: Option<PathBuf>,
    /// End when the standard input does.
    pub exit_with_stdin: bool,
}

/// The line of JSON that says that everything runs, and where.
#[derive(Clone, Debug, Serialize)]
struct Ready {
    /// Plain HTTP, for tools on this machine.
    backend: String,
    gateway: Secure,
    edges: Vec<About>,
    services: Vec<Service>,
    email: &'static str,
    password: &'static str,
    data: PathBuf,
}

/// A service that runs in this process.
#[derive(Clone, Debug, Serialize)]
struct Service {
    name: String,
    url: String,
    pid: u32,
}

/// Address of the gateway, and the pin by which a client knows its key.
#[derive(Clone, Debug, Serialize)]
struct Secure {
    url: String,
    pin: String,
}

/// Makes the titles of the demo catalogue, the keys and the tables that are missing.
///
/// # Errors
/// An error if a title, a key or a table could not be made.
pub async fn prepare(backend: &services::Config, termination: &mut Termination) -> anyhow::Result<()> {
    let data = backend.data.clone();
    let report = package::run(termination, move |display, cancel| media::demo::ensure(&data, display, cancel))
        .await
        .context("the demo catalogue could not be made")?;
    if !report.made.is_empty() {
        let (made, seconds) = (report.made.len(), report.elapsed.as_secs_f64());
        eprintln!("demo catalogue: {made} titles made in {seconds:.0} s, {} there already", report.kept.len());
    }
    services::prepare(backend).await?;
    Ok(())
}

/// Starts everything, says so, and serves until a signal.
///
/// # Errors
/// When a part does not start; the parts that did are ended.
pub async fn serve(demo: Demo, termination: &mut Termination) -> anyhow::Result<()> {
    let data = demo.backend.data.clone();
    let backend = services::serve(services::Config { demo_viewer: true, ..demo.backend.clone() }).await?;
    let edges = match start_edges(&demo, &backend.origin_url()).await {
        Ok(edges) => edges,
        Err(error) => {
            backend.shutdown().await;
            return Err(error);
        }
    };
    let urls = edges.iter().map(|(_, edge)| edge.about.url.parse()).collect::<Result<_, _>>()?;
    backend.set_edges(urls);
    let gateway = match start_gateway(&demo, &backend.url()).await {
        Ok(gateway) => gateway,
        Err(error) => {
            backend.shutdown().await;
            return Err(error);
        }
    };
    let about = |name: &str, url: String| Service { name: name.to_owned(), url, pid: std::process::id() };
    let (secure, pin) = gateway.tls().context("the gateway has no TLS")?;
    let mut services: Vec<Service> =
        Member::ALL.into_iter().map(|member| about(&member.to_string(), backend.url())).collect();
    services.push(about("gateway", gateway.url()));
    let ready = Ready {
        backend: backend.url(),
        gateway: Secure { url: secure, pin: pin.to_string() },
        services,
        edges: edges.iter().map(|(_, edge)| edge.about.clone()).collect(),
        email: demo::EMAIL,
        password: demo::PASSWORD,
        data: std::path::absolute(data)?,
    };
    println!("listening on {}", backend.url());
    println!("{}", serde_json::to_string(&ready)?);

    let end = CancellationToken::new();
    let kept: Vec<_> =
        edges.into_iter().map(|(setup, edge)| tokio::spawn(edges::keep(setup, edge, end.clone()))).collect();
    tokio::select! {
        () = termination.wait() => {}
        () = end_of_stdin(), if demo.exit_with_stdin => {}
    }
    let ending = async {
        end.cancel();
        futures_util::future::join_all(kept).await;
        gateway.shutdown().await;
        backend.shutdown().await;
    };
    tokio::select! {
        () = ending => {}
        // Whoever asks twice does not want to wait.
        () = termination.wait() => {}
    }
    Ok(())
}

/// Starts the gateway in front of the backend, in this process.
async fn start_gateway(demo: &Demo, backend: &str) -> anyhow::Result<kinora_gateway::Running> {
    let mut config = kinora_gateway::Config::new(&demo.backend.data);
    config.tls = Tls::At(SocketAddr::new(demo.backend.address.ip(), 0));
    config.token_keys = Some(services::access_public_file(&demo.backend.data));
    let topology = Topology::all_in_one(backend)?;
    kinora_gateway::serve(config, over_http(&topology)).await.context("the gateway")
}

async fn start_edges(demo: &Demo, origin: &str) -> anyhow::Result<Vec<(Setup, Edge)>> {
    let logs = demo.backend.data.join("logs");
    std::fs::create_dir_all(&logs).with_context(|| format!("{} cannot be made", logs.display()))?;
    let mut edges = Vec::new();
    for (index, &port) in demo.edge_ports.iter().enumerate() {
        let name = edge_name(index);
        let log = std::path::absolute(logs.join(format!("edge-{name}.ndjson")))?;
        // Each demonstration begins its own log.
        match std::fs::remove_file(&log) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be begun anew", log.display()));
            }
            _ => {}
        }
        let setup = Setup {
            program: edges::program().context("the path of this program")?,
            name,
            host: demo.edge_host,
            port,
            origin: origin.to_owned(),
            secret_file: edge_secret_file(&demo.backend.data),
            log,
            trace: demo.trace.clone(),
            chaos: demo.chaos.clone(),
            drain: demo.backend.limits.drain,
        };
        let edge = edges::start(&setup).await?;
        edges.push((setup, edge));
    }
    Ok(edges)
}

/// `a`, `b`, … `z`, then `edge27` and so on.
fn edge_name(index: usize) -> String {
    match u8::try_from(index).ok().filter(|index| *index < 26) {
        Some(index) => char::from(b'a' + index).to_string(),
        None => format!("edge{}", index + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::edge_name;

    #[test]
    fn edges_have_names() {
        assert_eq!([0, 1, 25, 26].map(edge_name), ["a", "b", "z", "edge27"]);
    }
}
