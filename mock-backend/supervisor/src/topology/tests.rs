//! Topologies that are read, and those that are refused with a line and a sentence.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::{Piece, Program, Role, Template, Topology, order};

fn parse(text: &str) -> Result<Topology, String> {
    Topology::parse(Path::new("topology.toml"), text).map_err(|error| error.to_string())
}

fn refused(text: &str) -> String {
    parse(text).expect_err("it is refused")
}

/// A process of a name, with further lines.
fn process(name: &str, lines: &str) -> String {
    format!("[[process]]\nname = \"{name}\"\nprogram = \"p\"\n{lines}\n")
}

#[test]
fn all_keys_are_read() {
    let text = r#"
        [[process]]
        name = "gateway"
        program = "./bin/kinora-gateway"
        role = "backend"
        port = 8080
        arguments = ["--port", "{port}", "--route=catalogue={urls:catalogue}"]
        environment = { RUST_LOG = "info", NAME = "{name}" }
        ready_line = "json"

        [[process]]
        name = "catalogue"
        program = "kinora-backend"
        arguments = ["--service", "catalogue", "--data", "{data}"]
        services = ["catalogue"]
        replicas = 2
        start_ms = 1000
        leave_ms = 0
        drain_ms = 2000
        probe = { path = "/ready", every_ms = 10, every_at_start_ms = 5, timeout_ms = 7, ready_after = 2, unready_after = 3, hung_after = 4 }
        restart = { first_ms = 1, cap_ms = 2, quiet_ms = 3, loop_after = 4 }
    "#;
    let topology = parse(text).expect("it is read");
    let [catalogue, gateway] = topology.processes() else { panic!("two processes") };
    assert_eq!((gateway.role, gateway.port, &gateway.after[..]), (Role::Backend, Some(8080), &[0][..]));
    assert_eq!(gateway.program, Program::Path("./bin/kinora-gateway".into()));
    assert!(!gateway.may_move() && !catalogue.may_move() && catalogue.is_named_by_others);
    assert_eq!([1, 2].map(|number| catalogue.replica_name(number)), ["catalogue", "catalogue-2"]);
    assert_eq!(catalogue.program, Program::Bundled("kinora-backend".to_owned()));
    let probe = &catalogue.policy.probe;
    assert_eq!((probe.path.as_str(), probe.ready_after, probe.unready_after, probe.hung_after), ("/ready", 2, 3, 4));
    assert_eq!((catalogue.policy.leave, catalogue.policy.restart.cap), (Duration::ZERO, Duration::from_millis(2)));
    assert_eq!(topology.find("gateway"), Some(1));
}

#[test]
fn an_address_of_a_handed_socket_implies_no_order() {
    let text = ["a", "b"].map(|name| {
        let other = if name == "a" { "b" } else { "a" };
        process(name, &format!("arguments = [\"{{url:{other}}}\"]\nsocket = \"handed\""))
    });
    let topology = parse(&text.concat()).expect("no circle");
    assert!(topology.processes().iter().all(|process| process.after.is_empty() && process.is_named_by_others));
    let message = refused(&text.concat().replacen("socket = \"handed\"", "after = [\"b\"]", 1).replacen(
        "socket = \"handed\"",
        "",
        1,
    ));
    assert!(message.contains("wait for one another"), "{message}");
}

#[test]
fn a_single_process_is_a_topology() {
    let topology = parse(&process("all", "")).expect("it is read");
    let [all] = topology.processes() else { panic!("one process") };
    assert_eq!((all.replicas, all.role, all.may_move()), (1, Role::Service, true));
    assert_eq!(all.policy.probe.path, "/readyz");
    let handed = parse(&process("edge", "role = \"edge\"\nsocket = \"handed\"")).expect("it is read");
    assert!(handed.processes()[0].may_overlap() && !handed.processes()[0].may_move());
    let edge = parse(&process("edge", "role = \"edge\"")).expect("it is read");
    assert!(!edge.processes()[0].may_overlap(), "applications know its address");
}

#[test]
fn a_wrong_topology_is_refused_with_its_line_and_a_remedy() {
    let two = format!("{}{}", process("a", ""), process("a", ""));
    let circle = format!(
        "{}{}{}",
        process("a", "after = [\"b\"]"),
        process("b", "after = [\"c\"]"),
        process("c", "after = [\"b\"]")
    );
    let many: String = (0..65).map(|n| process(&format!("p{n}"), "")).collect();
    let backends = ["a", "b"].map(|name| process(name, "role = \"backend\"")).concat();
    let arguments = format!("arguments = [{}]", "\"x\", ".repeat(65));
    let cases = [
        (String::new(), "topology.toml: a topology has 1 to 64 processes, and this one has 0; add or remove"),
        (many, "topology.toml: a topology has 1 to 64 processes, and this one has 65; add or remove"),
        (" ".repeat(65_537), "topology.toml: a topology has at most 65536 bytes"),
        ("[[process]\n".to_owned(), "topology.toml:1: "),
        (process("a", "colour = 1"), "topology.toml:4: unknown field `colour`, expected"),
        (process("a", "probe = { pth = 1 }"), "topology.toml:4: unknown field `pth`"),
        ("top = 1".to_owned(), "topology.toml:1: unknown field `top`"),
        ("[[process]]\nname = \"a\"\n".to_owned(), "topology.toml:1: missing field `program`"),
        (process("A", ""), "topology.toml:2: `A` cannot be a name"),
        (process("edge-2", ""), "topology.toml:2: `edge-2` cannot be a name"),
        (process("", ""), "topology.toml:2: `` cannot be a name"),
        (two, "topology.toml:6: two processes have the name `a`; rename one"),
        (process("a", "after = [\"b\"]"), "topology.toml:4: `b` is no process"),
        (process("a", "arguments = [\"{url:b}\"]"), "topology.toml:4: `b` is no process"),
        (circle, "topology.toml:5: `b`, `c` wait for one another and would never start"),
        (process("a", "after = [\"a\"]"), "topology.toml:1: `a` wait for one another"),
        (process("a", "arguments = [\n\"x\",\n\"{what}\"]"), "topology.toml:6: `{what}` has a brace"),
        (process("a", "arguments = [\"{\"]"), "topology.toml:4: `{` has a brace"),
        (process("a", "arguments = [\"\"]"), "topology.toml:4: `arguments` must be a text"),
        (process("a", &arguments), "topology.toml:4: `arguments` has more than 64 entries"),
        (process("a", "environment = { \"A=B\" = \"x\" }"), "topology.toml:4: `A=B` is no name of an environment"),
        (process("a", "replicas = 17"), "topology.toml:4: a process has 1 to 16 replicas"),
        (process("a", "replicas = 2\nport = 80"), "topology.toml:4: a process has 1 to 16 replicas, one if `port`"),
        (process("a", "port = 65536"), "topology.toml:4: `port` is 65536, and must be 1 to 65535"),
        (process("a", "start_ms = 0"), "topology.toml:4: `start_ms` is 0, and must be 1 to 3600000"),
        (process("a", "drain_ms = -1"), "topology.toml:4: "),
        (process("a", "restart = { first_ms = 9, cap_ms = 8 }"), "topology.toml:4: `cap_ms` is 8, and must be 9 to"),
        (process("a", "probe = { path = \"readyz\" }"), "topology.toml:4: `readyz` is no path"),
        (process("a", "role = \"king\""), "topology.toml:4: unknown variant `king`"),
        (backends, "topology.toml:5: `b` is a second backend"),
    ];
    for (text, sentence) in cases {
        let message = refused(&text);
        assert!(message.starts_with(sentence), "{message}\nin place of {sentence}");
    }
}

#[test]
fn a_file_that_is_absent_or_not_text_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("topology.toml");
    assert!(Topology::load(&file).expect_err("it is absent").to_string().contains("--topology"));
    std::fs::write(&file, b"\xff\xfe").expect("written");
    assert!(Topology::load(&file).expect_err("it is no text").to_string().contains("UTF-8"));
    std::fs::write(&file, process("a", "")).expect("written");
    assert_eq!(Topology::load(&file).expect("it is read").processes().len(), 1);
}

#[test]
fn the_topologies_that_come_with_the_supervisor_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("topologies");
    let files: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    assert!(!files.is_empty());
    for file in files {
        let topology = Topology::load(&file).unwrap_or_else(|error| panic!("{error}"));
        assert!(topology.processes().iter().any(|process| process.role == Role::Backend), "{}", file.display());
    }
}

#[test]
fn placeholders_are_filled_in() {
    let fill = |piece: &Piece| match piece {
        Piece::Port => "80".to_owned(),
        Piece::Urls(name) => format!("<{name}>"),
        other => format!("{other:?}"),
    };
    for (text, filled) in [
        ("", ""),
        ("plain", "plain"),
        ("{port}", "80"),
        ("a{port}b{urls:x}", "a80b<x>"),
        ("{{port}} }}{{", "{port} }{"),
        ("{data}{run}{name}{addresses}", "DataRunNameAddresses"),
    ] {
        assert_eq!(Template::parse(text).expect("it is read").fill(fill), filled);
    }
    for text in ["{", "}", "{port", "port}", "{ports}", "{url}", "{port}}", "{{port}", "{uri:a}"] {
        assert_eq!(Template::parse(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn text_without_braces_stays_as_it_is(text in "[^{}]{0,40}") {
        let doubled = text.replace('a', "{{");
        let template = Template::parse(&doubled).expect("it is read");
        prop_assert_eq!(template.fill(|_| String::new()), text.replace('a', "{"));
    }

    #[test]
    fn an_order_respects_dependencies_or_names_a_circle(
        edges in proptest::collection::vec((0_usize..8, 0_usize..8), 0..16),
    ) {
        let mut after = vec![Vec::new(); 8];
        for (one, other) in edges {
            after[one].push(other);
        }
        match order::sort(&after) {
            Ok(order) => {
                prop_assert_eq!(order.len(), 8);
                for (at, place) in order.iter().enumerate() {
                    prop_assert!(after[*place].iter().all(|other| order[..at].contains(other)));
                }
            }
            Err(circle) => {
                prop_assert!(!circle.is_empty());
                for (at, place) in circle.iter().enumerate() {
                    prop_assert!(after[*place].contains(&circle[(at + 1) % circle.len()]));
                }
            }
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\[\\[process\\]\\]\n|name = \"a\"\n|program = \"\\{url:a\\}\"\n|after = \\[\"a\"\\]\n|[ -~]{0,8}\n){0,12}") {
        let _ = parse(&text);
    }
}
