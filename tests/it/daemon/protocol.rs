//! The sessions in docs/PROTOCOL.md, word for word.

use std::collections::HashMap;
use std::io::Read;
use std::net::Shutdown;

use crate::common::daemon::{Daemon, Talk};

/// Whether `text` is `pattern`, in which `…` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// Ends a connection, and waits until the daemon has seen that: names are free then.
fn leave(mut talk: Talk) {
    talk.stream().shutdown(Shutdown::Write).unwrap();
    // What is still said ends with the connection.
    let _ = talk.input.read_to_end(&mut Vec::new());
}

#[test]
fn the_sessions_in_the_document_are_true() {
    let document = include_str!("../../../docs/PROTOCOL.md");
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    let mut talks: Option<HashMap<String, Talk>> = None;
    let (mut sessions, mut heard) = (0, 0);
    for (number, line) in document.lines().enumerate() {
        let place = format!("docs/PROTOCOL.md:{}", number + 1);
        match (&mut talks, line) {
            (None, "```session") => {
                talks = Some(HashMap::new());
                sessions += 1;
            }
            (Some(_), "```") => {
                talks.take().into_iter().flatten().for_each(|(_, talk)| leave(talk))
            }
            (Some(talks), line) => {
                let (who, text) = line.split_once(' ').unwrap_or((line, ""));
                let (name, says) = who.split_at(who.len() - 1);
                let talk = talks.entry(name.to_owned()).or_insert_with(|| daemon.talk());
                if says == ">" {
                    talk.say(text);
                } else {
                    assert_eq!(says, "<", "{place}");
                    let said = talk.hear();
                    assert!(matches(text, &said), "{place}: {text}\nbut it is: {said}");
                    heard += 1;
                }
            }
            (None, _) => {}
        }
    }
    assert!(sessions >= 11 && heard >= 35, "{sessions} sessions, {heard} lines");
    assert_eq!(daemon.terminate().status, 0);
}

#[test]
fn three_dots_stand_for_anything() {
    for (pattern, text, is) in [
        ("abc", "abc", true),
        ("abc", "abcd", false),
        ("a…c", "abbc", true),
        ("a…c", "abbcd", false),
        ("a…b…", "axxbyy", true),
        ("a…b…", "axx", false),
        ("…", "", true),
    ] {
        assert_eq!(matches(pattern, text), is, "{pattern} {text}");
    }
}
