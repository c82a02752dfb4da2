//! A topic's key and tombstone run in the daemon, whatever they are: none takes it down, keeps it
//! from stopping, or holds up what does not ask for its topic.

use crate::common::daemon::Daemon;
use crate::common::{run, tool};

/// Values nested so deep that dropping or writing them by recursion would overflow any stack.
const DEEP: &str = "reduce range(200000) as $i (0;[.])|tojson|length";
const ENDLESS: &str = "last(repeat(.))";

/// Goes through a long string again and again, in few steps of the expression itself.
const LONG: &str = "(\"x\"*100000000)|last(while(length>1;.[1:]))|length==.";
/// Arrays that grow to 10 GB together.
const GROWN: &str = "[range(40)|[]|.[16777215]=1]|length";

fn create(topic: &str, key: &str, tombstone: &str) -> String {
    let settings =
        serde_json::json!({"compact": true, "tombstone": tombstone, "segment_bytes": 10});
    serde_json::json!({"create": {"topic": topic, "key": key, "settings": settings}}).to_string()
}

#[test]
fn no_tombstone_takes_the_daemon_down_or_keeps_it_from_stopping() {
    for tombstone in [DEEP, ENDLESS, "[range(3e8)]|length", LONG, GROWN] {
        let dir = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(dir.path(), &[]);
        let mut talk = daemon.talk();
        talk.ask(&create("t", ".k", tombstone));
        for _ in 0..3 {
            talk.append("t", "{\"k\":1}\n{\"k\":1}\n");
            talk.answer();
        }
        let mut compacting = daemon.talk();
        compacting.say("{\"compact\":{\"topic\":\"t\",\"close\":true}}");
        // Others are served meanwhile, and the topic can be deleted.
        talk.ask("{\"create\":{\"topic\":\"new\"}}");
        talk.ask("{\"stats\":{}}");
        talk.ask("{\"delete\":{\"topic\":\"t\"}}");
        compacting.hear();
        let ended = daemon.terminate();
        assert_eq!(ended.status, 0, "{tombstone}: {ended:?}");
        let again = Daemon::start(dir.path(), &[]);
        assert_eq!(again.terminate().status, 0, "{tombstone}");
    }
}

#[test]
fn the_daemon_names_the_topic_that_it_cannot_compact() {
    let (_dir, daemon) = Daemon::alone(&[]);
    let mut talk = daemon.talk();
    talk.ask(&create("harmless", ".k", ".gone"));
    talk.ask(&create("broken", ".k", "def f: 1 + f; f"));
    for topic in ["harmless", "broken"] {
        for _ in 0..3 {
            talk.store(topic, "{\"k\":1}\n{\"k\":1}\n");
        }
    }
    let said = daemon.said("not compacted");
    assert!(said.contains("broken/0@"), "{said}");
    assert!(said.contains("log-admin alter --tombstone changes the tombstone"), "{said}");
    assert_eq!(daemon.terminate().status, 0);
}

#[test]
fn a_key_that_takes_too_much_is_an_error_for_its_append() {
    let (_dir, daemon) = Daemon::alone(&[]);
    let mut talk = daemon.talk();
    for (at, key) in
        [DEEP, ENDLESS, LONG, GROWN, "[range(3e8)]|length", "def f: 1 + f; f"].iter().enumerate()
    {
        talk.ask(
            &serde_json::json!({"create": {"topic": format!("t{at}"), "key": key}}).to_string(),
        );
        talk.append(&format!("t{at}"), "1\n2\n");
        let said = talk.answer().to_string();
        assert!(said.contains("its key: the "), "{key}: {said}");
    }
    assert_eq!(daemon.terminate().status, 0);
}

#[test]
fn a_tool_tells_of_a_deep_value_and_goes_on() {
    let ran = run(&mut tool("map", &[&format!("if . == 1 then {DEEP} else . end")]), "1\n2\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (65, ""), "{ran:?}");
    assert!(ran.stderr.contains("nests deeper than 1024 levels"), "{ran:?}");
}
