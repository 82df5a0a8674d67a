//! The commands that read the log of events, while another process has it open.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use kinora_api::events::{LoggedEvent, ViewerEvent};
use kinora_api::{ProfileId, TitleId};
use kinora_eventlog::embedded::{Log, Settings};
use kinora_eventlog::{Event, EventLog, Place};
use kinora_kit::clock::Clock;

const AT: i64 = 1_700_000_000_007;

fn run(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora-backend"));
    let split = if arguments[0] == "events" { 2 } else { 1 };
    command.args(&arguments[..split]).arg("--data").arg(data).args(&arguments[split..]).output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Reads CSV of RFC 4180.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted && characters.next_if_eq(&'\n').is_some() => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            other => field.push(other),
        }
    }
    assert!(row.is_empty() && field.is_empty() && !quoted, "the last line is whole");
    rows
}

struct Writer {
    log: Log,
    count: u32,
}

impl Writer {
    async fn write(&mut self, profile: &str, event: ViewerEvent) -> Place {
        self.count += 1;
        let logged =
            LoggedEvent { account: Some("acc".to_owned()), profile: Some(ProfileId::new(profile)), at: AT, event };
        let body = serde_json::to_vec(&logged).unwrap();
        let event = Event { key: profile.to_owned(), id: self.count.to_string(), at_ms: AT, body };
        self.log.append(vec![event]).await.unwrap()[0]
    }

    async fn watch(&mut self, profile: &str, title: &str, from_ms: u64, to_ms: u64) {
        let (title, playback) = (TitleId::new(title), String::from("s"));
        self.write(profile, ViewerEvent::Watch { title, playback, from_ms, to_ms, duration_ms: 1_000 }).await;
    }
}

fn writer(data: &Path) -> Writer {
    let (clock, _) = Clock::manual(AT);
    Writer { log: Log::open(&data.join("events"), Settings::default(), clock).unwrap(), count: 0 }
}

#[tokio::test]
async fn the_log_is_exported_as_csv_and_an_export_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let mut writer = writer(data.path());
    let query = "\"deep\", blue\r\nsea";
    writer.write("p1", ViewerEvent::Search { query: query.to_owned(), found: 3 }).await;
    writer.write("p2", ViewerEvent::Finish { title: TitleId::new("tide"), playback: None }).await;
    // One is erased, one has ended and is not erased yet.
    writer.watch("gone", "tide", 0, 500).await;
    let end = writer.write("gone", ViewerEvent::Forget).await;
    writer.log.erase("gone", end).await.unwrap();
    writer.watch("going", "tide", 0, 500).await;
    writer.write("going", ViewerEvent::Forget).await;

    let output = run(data.path(), &["events", "export", "--format", "csv"]);
    let all = rows(&text(&output));
    assert_eq!(all[0], ["partition", "offset", "time", "account", "profile", "event", "title", "rest"]);
    assert!(all.iter().all(|row| row.len() == 8));
    let find = |profile: &str| all.iter().find(|row| row[4] == profile).unwrap();
    assert_eq!(find("p1")[2..7], ["2023-11-14T22:13:20.007Z", "acc", "p1", "search", ""]);
    let rest: serde_json::Value = serde_json::from_str(&find("p1")[7]).unwrap();
    assert_eq!(rest, serde_json::json!({ "query": query, "found": 3 }));
    assert_eq!(find("p2")[5..], ["finish", "tide", "{}"]);
    assert_eq!(all.len(), 3);
    assert!(!text(&output).contains("gone") && !text(&output).contains("going"));
    let with = rows(&text(&run(data.path(), &["events", "export", "--with-forgotten"])));
    let ended: Vec<(&str, &str)> = with[1..].iter().map(|row| (row[4].as_str(), row[5].as_str())).collect();
    assert!(
        ended.contains(&("gone", "forget")) && ended.contains(&("going", "forget")) && ended.len() == 4,
        "{ended:?}"
    );

    let said = String::from_utf8(output.stderr).unwrap();
    let next = said.lines().find_map(|line| line.split_once("--from ")).unwrap().1;
    let file = data.path().join("export.csv");
    let name = file.to_str().unwrap();
    text(&run(data.path(), &["events", "export", "--to", name]));
    let first = std::fs::read_to_string(&file).unwrap();
    assert_eq!(rows(&first), all);
    assert!(!run(data.path(), &["events", "export", "--to", name]).status.success(), "it is there already");
    writer.write("p1", ViewerEvent::Listed { title: TitleId::new("sea"), listed: true }).await;
    text(&run(data.path(), &["events", "export", "--to", name, "--from", next]));
    let both = std::fs::read_to_string(&file).unwrap();
    let added = rows(both.strip_prefix(&first).unwrap());
    assert_eq!(added.len(), 1);
    assert_eq!(added[0][4..], ["p1", "listed", "sea", "{\"listed\":true}"]);
    assert!(!run(data.path(), &["events", "export", "--from", "here"]).status.success());
}

#[tokio::test]
async fn titles_are_shown_as_they_are_watched() {
    let data = tempfile::tempdir().unwrap();
    let mut writer = writer(data.path());
    for profile in ["p1", "p2"] {
        let (title, playback) = (TitleId::new("tide"), String::from("s"));
        writer.write(profile, ViewerEvent::Play { title, playback, position_ms: 0, duration_ms: 1_000 }).await;
        writer.watch(profile, "tide", 0, 500).await;
    }
    writer.watch("p1", "tide", 400, 1_000).await;
    let (title, playback) = (TitleId::new("tide"), String::from("s"));
    writer.write("p2", ViewerEvent::Pause { title, playback: playback.clone(), position_ms: 500 }).await;
    let title = TitleId::new("tide");
    writer.write("p2", ViewerEvent::Abandon { title, playback, position_ms: 500, duration_ms: 1_000 }).await;
    writer.write("p3", ViewerEvent::Finish { title: TitleId::new("sea"), playback: None }).await;

    let lines = text(&run(data.path(), &["insights", "--json"]));
    let titles: BTreeMap<String, serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|title| (title["title"].as_str().unwrap().to_owned(), title))
        .collect();
    assert_eq!(titles.keys().collect::<Vec<_>>(), ["sea", "tide"]);
    let tide = &titles["tide"];
    for (name, expected) in [("plays", 2), ("viewers", 2), ("finished", 0), ("abandons", 1), ("left", 1), ("pauses", 1)]
    {
        assert_eq!(tide[name], expected, "{name}");
    }
    let completion: Vec<f64> =
        tide["completion"].as_array().unwrap().iter().filter_map(|share| share.as_f64()).collect();
    assert_eq!(completion, [[1.0; 10], [0.5; 10]].concat());
    assert_eq!(tide["rewatched"].as_array().unwrap()[39..41], [0, 1]);

    let table = text(&run(data.path(), &["insights"]));
    let table: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((table[0][0], &table[1][..3], table[2][0]), ("title", &["tide", "2", "2"][..], "sea"));
    let full = text(&run(data.path(), &["insights", "--title", "tide"]));
    assert!(full.contains("  50 %    100 %") && full.contains("  55 %     50 %"), "{full}");
    let unknown = run(data.path(), &["insights", "--title", "nothing"]);
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("nothing"));
}
