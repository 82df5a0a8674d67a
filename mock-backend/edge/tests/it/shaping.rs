//! The pace of a session over real sockets. Only lower bounds are asserted: a busy machine may be slower, the link never faster.

use std::time::{Duration, Instant};

use abr::link::Trace;
use kinora_edge_server as edge;
use url::Url;

use kinora_stage::{SEGMENT, Stage, beside, segment};

#[tokio::test]
async fn connections_of_a_session_share_its_bandwidth() {
    let stage = Stage::new().await;
    let mut config = stage.edge_config("a");
    // 700,001 bytes take 0.28 s at 20 Mbit/s; two sessions do not share.
    config.trace = Some(Trace::parse("1000,20000,20").unwrap());
    let edge = edge::serve(config).await.unwrap();
    stage.backend.set_edges(vec![Url::parse(&edge.url()).unwrap()]);
    let url = beside(&stage.viewer().await.grant().await, SEGMENT);
    let fetch = async || stage.client.get(&url).send().await.unwrap().bytes().await.unwrap();

    let begun = Instant::now();
    let (one, two) = tokio::join!(fetch(), fetch());
    assert!(begun.elapsed() >= Duration::from_millis(540), "{:?}", begun.elapsed());
    assert_eq!((one, two), (segment().into(), segment().into()));
    let log = stage.log("a", 2).await;
    assert!(log.iter().all(|line| line["first_byte_ms"].as_u64().unwrap() >= 19), "the latency is there: {log:?}");
    edge.shutdown().await;
}
