//! From a grant to bytes: signed paths, ranges, conditions, and who is refused.

use kinora_api::{
    ErrorCode, Heartbeat, HeartbeatReply, Home, PlaybackGrant, PlaybackPhase, PlaybackRequest, Protocol, RowKind,
    SearchResults, TitleDetail, paths,
};
use kinora_kit::signature::{EdgeSecret, sign, signed_path};
use kinora_services as services;

use kinora_stage::{SEGMENT, Stage, TITLE, beside, error, segment, write_title_as};

#[tokio::test]
async fn a_granted_title_can_be_fetched_in_parts_and_is_not_sent_twice() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let grant = stage.viewer().await.grant().await;
    let film = segment();
    let url = beside(&grant, SEGMENT);

    let whole = stage.client.get(&url).send().await.unwrap();
    assert_eq!(whole.status(), 200);
    let etag = whole.headers()["etag"].clone();
    assert_eq!(whole.headers()["access-control-allow-origin"], "*");
    assert_eq!(whole.bytes().await.unwrap(), film);

    let part = stage.client.get(&url).header("range", "bytes=300000-300099").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 300000-300099/700001");
    assert_eq!(part.bytes().await.unwrap(), &film[300_000..300_100]);

    let parts = stage.client.get(&url).header("range", "bytes=0-3,-4").send().await.unwrap();
    assert_eq!(parts.status(), 206);
    let length: usize = parts.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let body = parts.bytes().await.unwrap();
    assert_eq!(body.len(), length);
    for piece in [&film[..4], &film[film.len() - 4..]] {
        assert!(body.windows(4).any(|window| window == piece));
    }

    let outside = stage.client.get(&url).header("range", "bytes=700001-").send().await.unwrap();
    assert_eq!(outside.headers()["content-range"], "bytes */700001");
    assert_eq!(error(outside).await.1.kind(), Some(ErrorCode::RangeNotSatisfiable));

    let known = stage.client.get(&url).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!((known.status().as_u16(), known.bytes().await.unwrap().len()), (304, 0));
    let changed = stage.client.get(&url).header("range", "bytes=0-1").header("if-range", "\"old\"");
    assert_eq!(changed.send().await.unwrap().status(), 200);
    let head = stage.client.head(&url).send().await.unwrap();
    assert_eq!((head.status().as_u16(), &head.headers()["content-length"]), (200, &"700001".parse().unwrap()));

    let log = stage.log("a", 7).await;
    let line = &log[1];
    assert_eq!((&line["session"], &line["range"]), (&grant.session_id.as_str().into(), &"bytes=300000-300099".into()));
    assert_eq!((&line["path"], &line["bytes"]), (&format!("{TITLE}/{SEGMENT}").into(), &100.into()));
    assert!(log.iter().all(|line| !line.to_string().contains("/t/")), "no token is in the log");
    edge.shutdown().await;
}

#[tokio::test]
async fn what_was_not_signed_or_is_past_its_time_is_refused() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let grant = stage.viewer().await.grant().await;
    let url = beside(&grant, SEGMENT);
    let secret = EdgeSecret::load(&services::edge_secret_file(stage.dir.path())).unwrap();
    let at = |token: &str, title: &str| format!("{}{}", edge.url(), signed_path(token, title, SEGMENT));
    let other = EdgeSecret::new("another secret than the one").unwrap();
    for forged in [
        at(&sign(&other, TITLE, "s", i64::MAX), TITLE),
        at(&sign(&secret, "another-film", "s", i64::MAX), TITLE),
        url.replace("/t/", "/t/9"),
        format!("{}/{TITLE}/{SEGMENT}", edge.url()),
        format!("{}/t/{TITLE}/{SEGMENT}", edge.url()),
        format!("{}/", edge.url()),
    ] {
        let (status, error) = error(stage.client.get(&forged).send().await.unwrap()).await;
        assert_eq!((status, error.kind()), (403, Some(ErrorCode::GrantInvalid)), "{forged}");
    }
    stage.clock.advance_ms(4 * 3_600_000);
    let (status, expired) = error(stage.client.get(&url).send().await.unwrap()).await;
    assert_eq!((status, expired.kind()), (403, Some(ErrorCode::GrantExpired)));
    assert!(stage.log("a", 7).await.iter().all(|line| line["cache"] == "none"));
}

#[tokio::test]
async fn no_path_leaves_the_title() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let secret = EdgeSecret::load(&services::edge_secret_file(stage.dir.path())).unwrap();
    let token = sign(&secret, TITLE, "s", i64::MAX);
    for path in [
        format!("/t/{token}/{TITLE}/../other/title.json"),
        format!("/t/{token}/{TITLE}/..%2f..%2fedge.secret"),
        format!("/t/{token}/{TITLE}/%2e%2e/%2e%2e/edge.secret"),
        format!("/t/{token}/{TITLE}/.hidden"),
        format!("/t/{token}/{TITLE}//edge.secret"),
    ] {
        let answer = raw_get(edge.address(), &path).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    let origin = stage.client.get(format!("{}/{TITLE}/{SEGMENT}", stage.backend.origin_url())).send().await.unwrap();
    assert_eq!(error(origin).await.1.kind(), Some(ErrorCode::GrantInvalid), "the origin answers edges only");
    let long = raw_get(edge.address(), &format!("/t/{}", "x".repeat(4000))).await;
    assert!(long.starts_with("HTTP/1.1 414 "), "{long}");
}

/// A request that no client library has tidied up.
async fn raw_get(address: std::net::SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(kinora_stage::PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn a_grant_is_renewed_kept_alive_and_ended() {
    let (stage, _edge, viewer) = Stage::playing().await;
    let grant = viewer.grant().await;
    stage.clock.advance_ms(9 * 60_000);
    let renewed: PlaybackGrant = viewer.post(&grant.renew_path, &()).await.json().await.unwrap();
    assert_eq!(renewed.session_id, grant.session_id);
    assert_eq!(renewed.expires_at, grant.expires_at + 9 * 60_000);
    assert_eq!(stage.client.get(beside(&renewed, "master.m3u8")).send().await.unwrap().status(), 200);

    let beat = Heartbeat { position_ms: 5_000, phase: PlaybackPhase::Playing };
    let reply: HeartbeatReply = viewer.post(&grant.heartbeat_path, &beat).await.json().await.unwrap();
    assert_eq!((reply.expires_at, reply.expires_in_ms), (renewed.expires_at, renewed.expires_in_ms));

    let last = Heartbeat { position_ms: 6_000, phase: PlaybackPhase::Stopped };
    assert_eq!(viewer.post(&grant.stop_path, &last).await.status(), 204);
    let (status, gone) = error(viewer.post(&grant.heartbeat_path, &beat).await).await;
    assert_eq!((status, gone.kind()), (404, Some(ErrorCode::PlaybackSessionNotFound)));
}

#[tokio::test]
async fn who_may_not_see_a_title_gets_no_grant() {
    let stage = Stage::new().await;
    let viewer = stage.viewer().await;
    // No edge has been named yet.
    assert_eq!(error(viewer.ask_for(TITLE).await).await.1.kind(), Some(ErrorCode::ServiceUnavailable));
    let _edge = stage.edge().await;
    assert_eq!(error(viewer.ask_for("no-such-film").await).await.1.kind(), Some(ErrorCode::TitleNotFound));

    // The stage's title is not rated, so it is not for children.
    let kids = viewer.signed_in.account.profiles[1].id.clone();
    let profile_id = Some(kids.clone());
    let request = PlaybackRequest {
        title_id: TITLE.into(),
        profile_id,
        protocols: vec![],
        ahead: false,
        capabilities: None,
        stop: None,
    };
    let answer = viewer.post(paths::PLAYBACK, &request).await;
    assert_eq!(error(answer).await.1.kind(), Some(ErrorCode::ParentalRestriction));
    let home: Home = viewer.read(&paths::home(Some(&kids))).await;
    assert_eq!((home.hero, home.rows.len()), (None, 0));
    let stranger = "somebody-else".into();
    let answer = viewer.get(&paths::home(Some(&stranger))).await;
    assert_eq!(error(answer).await.1.kind(), Some(ErrorCode::ProfileNotFound));
}

#[tokio::test]
async fn the_catalogue_shows_the_title() {
    let stage = Stage::new().await;
    let viewer = stage.viewer().await;
    let home: Home = viewer.read(&paths::home(None)).await;
    let hero = home.hero.unwrap();
    assert_eq!((hero.id.as_str(), hero.year), (TITLE, Some(2026)));
    let detail: TitleDetail = viewer.read(&paths::title(&hero.id, None)).await;
    assert_eq!((detail.protocols, detail.max_height), (vec![Protocol::Hls, Protocol::Dash], Some(240)));
    let found: SearchResults = viewer.read(&paths::search("smal dram", 5, None)).await;
    assert_eq!(found.titles.len(), 1);

    let url = format!("{}{}", stage.backend.url(), hero.poster.path);
    let poster = stage.client.get(&url).send().await.unwrap();
    assert_eq!((poster.status().as_u16(), &poster.headers()["content-type"]), (200, &"image/jpeg".parse().unwrap()));
    let etag = poster.headers()["etag"].clone();
    assert_eq!(stage.client.get(&url).header("if-none-match", etag).send().await.unwrap().status(), 304);
    let manifest = url.replace("poster.jpg", "master.m3u8");
    assert_eq!(stage.client.get(manifest).send().await.unwrap().status(), 404, "only pictures are public");
    // The title is not rated: its pictures are for those who were given the address.
    let open = format!("{}/v1/images/{TITLE}/poster.jpg", stage.backend.url());
    assert_eq!(stage.client.get(open).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn counters_are_for_operators() {
    let stage = Stage::new().await;
    let url = format!("{}/metrics", stage.backend.url());
    let viewer = stage.viewer().await;
    assert_eq!(stage.client.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(viewer.get("/metrics").await.status(), 401);
    let token = std::fs::read_to_string(stage.dir.path().join("keys/metrics.token")).unwrap();
    let counters = stage.client.get(&url).bearer_auth(token).send().await.unwrap();
    let text = counters.text().await.unwrap();
    for line in [
        "kinora_sign_ins_total 1\n",
        "kinora_titles 1\n",
        "kinora_playbacks 0\n",
        "kinora_http_answers_total{call=\"/v1/sign-in\",class=\"2xx\"} 1\n",
        "kinora_http_answers_total{call=\"/metrics\",class=\"4xx\"} 2\n",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[tokio::test]
async fn a_large_catalogue_is_shown_a_page_at_a_time() {
    let stage = Stage::new().await;
    for n in 0..95 {
        write_title_as(
            stage.dir.path(),
            &format!("film-{n:02}"),
            &[if n < 60 { "Drama" } else { "Comedy" }, &format!("G{}", n / 2 % 14)],
        );
    }
    let viewer = stage.viewer().await;
    // The directory is looked at once a second.
    let begun = std::time::Instant::now();
    let home: Home = loop {
        let home: Home = viewer.read(&paths::home(None)).await;
        if home.rows.last().unwrap().titles.len() > 1 {
            break home;
        }
        assert!(begun.elapsed() < kinora_stage::PATIENCE, "the new titles are not seen");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert!(home.rows.iter().all(|row| (1..=40).contains(&row.titles.len())));
    assert_eq!(home.rows.last().unwrap().kind, RowKind::All);

    let mut ids = Vec::new();
    let mut row = home.rows.last().unwrap().clone();
    loop {
        ids.extend(row.titles.iter().map(|card| card.id.as_str().to_owned()));
        let Some(next) = &row.next else { break };
        row = viewer.read(next).await;
        assert_eq!((row.id.as_str(), &row.kind), ("all", &RowKind::All));
    }
    assert_eq!(ids.len(), 96);
    ids.dedup();
    assert_eq!(ids.len(), 96, "each once");

    let mut genres: Vec<String> = Vec::new();
    let mut page = home;
    loop {
        genres.extend(page.rows.iter().filter(|row| row.id.starts_with("genre:")).map(|row| row.heading.clone()));
        let Some(next) = &page.next else { break };
        page = viewer.read(next).await;
    }
    assert_eq!((genres.len(), genres[0].as_str(), genres[1].as_str()), (16, "Drama", "Comedy"));
    let answer = viewer.get(&paths::home_row("genre:none", 0, None)).await;
    assert_eq!(error(answer).await.1.kind(), Some(ErrorCode::NotFound));
}
