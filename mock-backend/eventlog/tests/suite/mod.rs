//! Rules that every log keeps. Each log's tests include it.

use kinora_eventlog::{Event, EventLog, LogError, Place, Record};

pub fn event(key: &str, id: &str) -> Event {
    Event { key: key.to_owned(), id: id.to_owned(), at_ms: 1_000, body: id.as_bytes().to_vec() }
}

/// The suite over the trait; the log is empty.
pub async fn conforms(log: &dyn EventLog) {
    let events: Vec<Event> = (0..50).map(|n| event(["x", "y", "z"][n % 3], &format!("id-{n}"))).collect();
    let places = log.append(events.clone()).await.unwrap();
    // One key, one partition, in order.
    for key in 0..3 {
        let of_key: Vec<Place> = places.iter().skip(key).step_by(3).copied().collect();
        assert!(of_key.windows(2).all(|pair| pair[0].partition == pair[1].partition && pair[0] < pair[1]));
    }
    assert_eq!(log.append(events.clone()).await.unwrap(), places, "taken once");
    let place = places[0];
    let all = log.read("a", place.partition, None, 1_000).await.unwrap();
    assert_eq!(log.read("a", place.partition, None, 1_000).await.unwrap(), all, "again until it is acknowledged");
    assert_eq!(log.read("a", place.partition, None, 2).await.unwrap(), all[..2]);
    let third = Place { partition: place.partition, offset: all[2].offset };
    log.ack("a", third).await.unwrap();
    log.ack("a", place).await.unwrap();
    assert_eq!(log.read("a", place.partition, None, 1_000).await.unwrap(), all[3..], "it never goes back");
    assert_eq!(log.read("b", place.partition, None, 1_000).await.unwrap(), all, "groups know nothing of one another");
    assert_eq!(log.read("a", place.partition, Some(0), 1_000).await.unwrap(), all, "replayed");
    let mut whole = Vec::new();
    for partition in 0..log.partitions() {
        whole.extend(log.read("c", partition, Some(0), 1_000).await.unwrap());
    }
    assert_eq!(whole.len(), events.len());
    assert!(events.iter().all(|event| whole.iter().any(|record| record.event == *event)));
    for refused in [
        log.append(vec![event("", "id")]).await.err(),
        log.read("../a", 0, None, 1).await.err(),
        log.read("a", log.partitions(), None, 1).await.err(),
        log.ack("a", Place { offset: 1 << 40, ..place }).await.err(),
    ] {
        assert!(matches!(refused, Some(LogError::Refused(_))), "{refused:?}");
    }
    // What is erased is passed over; what came from the place on, and what others have, stays.
    let last_of_key = *places.iter().step_by(3).next_back().unwrap();
    for _ in 0..2 {
        log.erase("x", last_of_key).await.unwrap();
        let left = log.read("d", place.partition, Some(0), 1_000).await.unwrap();
        assert_eq!(
            left.iter().filter(|record| record.event.key == "x").map(|record| record.offset).collect::<Vec<_>>(),
            [last_of_key.offset]
        );
        let others = |records: &[Record]| records.iter().filter(|record| record.event.key != "x").count();
        assert_eq!(others(&left), others(&all));
    }
}
