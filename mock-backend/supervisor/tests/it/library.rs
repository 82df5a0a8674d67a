//! The supervisor inside another program, as `kinora-backend demo` may use it.

use std::path::Path;

use kinora_supervisor::shell::{self, Setup, StartError};
use kinora_supervisor::topology::Topology;

use crate::supervised::{dummy, is_alive, wait_for_end};

fn setup(data: &Path, text: &str) -> Setup {
    let file = data.join("system.toml");
    let topology = Topology::parse(&file, text).unwrap();
    let mut setup = Setup::new(topology, &file, data.to_owned()).unwrap();
    setup.programs = Path::new(env!("CARGO_BIN_EXE_kinora-supervised-dummy")).parent().unwrap().to_owned();
    setup
}

fn processes(ready: &shell::Ready) -> Vec<u32> {
    ready.services.iter().map(|service| u32::try_from(service["pid"].as_u64().unwrap()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_runs_in_any_program_and_ends_its_processes() {
    let data = tempfile::tempdir().unwrap();
    let text = dummy("a", "", "replicas = 2");
    let mut running = shell::start(setup(data.path(), &text)).await.unwrap();
    let pids = processes(&running.ready().await.unwrap());
    assert!(pids.len() == 2 && pids.iter().all(|pid| is_alive(*pid)));
    assert!(matches!(shell::start(setup(data.path(), &text)).await, Err(StartError::Taken { .. })));
    running.shut_down();
    running.ended().await;
    wait_for_end(&pids);
    // The directory is free again.
    let mut running = shell::start(setup(data.path(), &text)).await.unwrap();
    let pids = processes(&running.ready().await.unwrap());
    // Without its owner the supervisor kills.
    drop(running);
    tokio::task::spawn_blocking(move || wait_for_end(&pids)).await.unwrap();
}

#[test]
fn the_end_of_its_runtime_ends_its_processes() {
    let data = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pids = runtime.block_on(async {
        let mut running = shell::start(setup(data.path(), &dummy("a", "", ""))).await.unwrap();
        let pids = processes(&running.ready().await.unwrap());
        // Forgotten, so that nothing asks for the end.
        std::mem::forget(running);
        pids
    });
    drop(runtime);
    wait_for_end(&pids);
}
