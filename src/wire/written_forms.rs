//! The written form of what is asked and said, held fixed: requests and answers of groups and of
//! figures.

use std::collections::BTreeMap;

use super::answer::Answer;
use super::request::Request;
use crate::api::error::{Code, ErrorBody};

mod groups {
    use super::*;
    use crate::api::groups::*;
    use crate::api::reading::Position;

    fn names() -> (String, String) {
        ("g".to_owned(), "t".to_owned())
    }

    #[test]
    fn the_written_form_of_requests_is_fixed() {
        let (group, topic) = names();
        let forms = [
            (
                Request::Join(Join {
                    group: group.clone(),
                    topic: topic.clone(),
                    ..Join::default()
                }),
                r#"{"join":{"group":"g","topic":"t"}}"#,
            ),
            (
                Request::Join(Join {
                    group: group.clone(),
                    topic: topic.clone(),
                    offsets: BTreeMap::from([(0, Position::End), (1, Position::Offset(5))]),
                    reset: Some(Edge::Start),
                    follow: true,
                    batches: true,
                    unverified: false,
                    runs: true,
                }),
                r#"{"join":{"group":"g","topic":"t","offsets":{"0":"end","1":5},"reset":"start","follow":true,"batches":true,"runs":true}}"#,
            ),
            (Request::Poll(Poll {}), r#"{"poll":{}}"#),
            (
                Request::Commit(Commit { generation: 2, offsets: BTreeMap::from([(1, 5)]) }),
                r#"{"commit":{"generation":2,"offsets":{"1":5}}}"#,
            ),
            (Request::Leave(Leave {}), r#"{"leave":{}}"#),
            (Request::Groups(Groups::default()), r#"{"groups":{}}"#),
            (Request::Groups(Groups { group: Some(group.clone()) }), r#"{"groups":{"group":"g"}}"#),
            (
                Request::DeleteGroup(DeleteGroup { group: group.clone() }),
                r#"{"delete_group":{"group":"g"}}"#,
            ),
            (
                Request::Reset(Reset {
                    group,
                    topic,
                    offsets: BTreeMap::from([(0, 0)]),
                    dry_run: true,
                }),
                r#"{"reset":{"group":"g","topic":"t","offsets":{"0":0},"dry_run":true}}"#,
            ),
        ];
        for (request, text) in forms {
            let mut out = Vec::new();
            request.write(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), format!("{text}\n"));
            assert_eq!(Request::parse(text.as_bytes()), Ok(request));
        }
    }

    #[test]
    fn the_written_form_of_answers_is_fixed() {
        let (group, topic) = names();
        let entry = GroupEntry {
            group: group.clone(),
            topic: topic.clone(),
            generation: 1,
            members: vec![MemberEntry { member: 4, pid: None }],
            partitions: BTreeMap::from([
                (0, Progress { member: Some(4), committed: Some(3), start: Some(1), end: Some(5) }),
                (1, Progress::default()),
            ]),
            error: Some(ErrorBody::new(Code::UnknownTopic, "m")),
        };
        let forms = [
            (
                Answer::Assigned(Assigned {
                    group: group.clone(),
                    topic: topic.clone(),
                    member: 4,
                    generation: 1,
                    offsets: BTreeMap::from([(0, 3)]),
                }),
                r#"{"assigned":{"group":"g","topic":"t","member":4,"generation":1,"offsets":{"0":3}}}"#,
            ),
            (
                Answer::Committed(Committed { generation: 1, offsets: BTreeMap::from([(0, 3)]) }),
                r#"{"committed":{"generation":1,"offsets":{"0":3}}}"#,
            ),
            (
                Answer::Left(Left { group: group.clone(), topic: topic.clone() }),
                r#"{"left":{"group":"g","topic":"t"}}"#,
            ),
            (
                Answer::Groups(vec![entry]),
                r#"{"groups":[{"group":"g","topic":"t","generation":1,"members":[{"member":4}],"partitions":{"0":{"member":4,"committed":3,"start":1,"end":5},"1":{"member":null,"committed":null,"end":null}},"error":{"code":"unknown_topic","message":"m"}}]}"#,
            ),
            (
                Answer::DeletedGroup(DeletedGroup {
                    group: group.clone(),
                    topics: vec![topic.clone()],
                }),
                r#"{"deleted_group":{"group":"g","topics":["t"]}}"#,
            ),
            (
                Answer::Reset(ResetDone {
                    group,
                    topic,
                    partitions: BTreeMap::from([(0, Moved { from: None, to: 7 })]),
                    dry_run: false,
                }),
                r#"{"reset":{"group":"g","topic":"t","partitions":{"0":{"from":null,"to":7}}}}"#,
            ),
        ];
        for (answer, text) in forms {
            let mut out = Vec::new();
            answer.write(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), format!("{text}\n"));
            assert_eq!(Answer::parse(text.as_bytes()), Ok(answer));
        }
    }
}

mod stats {
    use super::*;
    use crate::api::stats::*;

    #[test]
    fn the_written_form_of_requests_is_fixed() {
        for (stats, text) in [
            (Stats::default(), r#"{"stats":{}}"#),
            (Stats { topics: Some(vec!["t".to_owned()]) }, r#"{"stats":{"topics":["t"]}}"#),
        ] {
            let request = Request::Stats(stats);
            let mut out = Vec::new();
            request.write(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), format!("{text}\n"));
            assert_eq!(Request::parse(text.as_bytes()), Ok(request));
        }
    }

    #[test]
    fn the_written_form_of_answers_is_fixed() {
        let daemon = DaemonFigures {
            version: "1".to_owned(),
            pid: 7,
            fdatasync: Syncs { count: 2, time_us: 30, within_us: BTreeMap::from([(100, 2)]) },
            refused: BTreeMap::from([(Code::BadRequest, 1), (Code::NotPermitted, 4)]),
            process: Process { cpu_us: Some(9), ..Process::default() },
            ..DaemonFigures::default()
        };
        let held =
            PartitionFigures { end: 3, bytes: 6, segments: 1, ..PartitionFigures::default() };
        let topic = TopicFigures {
            topic: "t".to_owned(),
            fsync: Some("1s".to_owned()),
            partitions: BTreeMap::from([(0, held)]),
            closed: Some(ErrorBody::new(Code::Damaged, "m")),
            error: None,
        };
        let figures = Figures { daemon: Some(daemon), topics: vec![topic], groups: Vec::new() };
        let answer = Answer::Stats(Box::new(figures));
        let mut out = Vec::new();
        answer.write(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text.trim_end(),
            r#"{"stats":{"daemon":{"version":"1","pid":7,"started_us":0,"uptime_us":0,"connections":{"now":0,"most":0,"limit":0,"taken":0},"memory":{"held_bytes":0,"limit_bytes":0,"waiting":0},"appended":{"batches":0,"records":0,"bytes":0,"duplicates":0},"delivered":{"runs":0,"records":0,"bytes":0},"fdatasync":{"count":2,"time_us":30,"within_us":{"100":2}},"refused":{"bad_request":1,"not_permitted":4},"process":{"cpu_us":9}},"topics":[{"topic":"t","fsync":"1s","partitions":{"0":{"start":0,"end":3,"bytes":6,"segments":1,"last_append_us":null}},"closed":{"code":"damaged","message":"m"}}],"groups":[]}}"#
        );
        assert_eq!(Answer::parse(text.as_bytes()), Ok(answer));
    }
}
