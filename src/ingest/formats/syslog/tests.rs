//! Messages as daemons, programs and devices write them.

use proptest::prelude::*;

use super::*;
use crate::record::json::validate;

fn parse(line: &str) -> Result<String, String> {
    let mut record = Vec::new();
    let missing = Missing { year: Some(2017), ..Missing::default() };
    Syslog::new(missing).parse(line, &mut record)?;
    assert_eq!(validate(&record), Ok(()), "{line}");
    Ok(String::from_utf8(record).unwrap())
}

#[test]
fn the_older_form() {
    let host = "\"time\":\"2017-03-05T10:00:00Z\",\"hostname\":\"h\"";
    for (text, fields) in [
        ("sshd[12]: Failed: x", r#""app_name":"sshd","procid":"12","msg":"Failed: x""#),
        ("sudo:  a : b", r#""app_name":"sudo","procid":null,"msg":" a : b""#),
        ("a/b[1]:c", r#""app_name":"a/b","procid":"1","msg":"c""#),
        ("last message repeated", r#""app_name":null,"procid":null,"msg":"last message repeated""#),
        ("a[b", r#""app_name":null,"procid":null,"msg":"a[b""#),
        ("", r#""app_name":null,"procid":null,"msg":"""#),
    ] {
        let line = format!("Mar  5 10:00:00 h {text}");
        assert_eq!(parse(&line).unwrap(), format!("{{{host},{fields}}}"));
        let line = format!("<34>{line}");
        let priority = "\"facility\":4,\"severity\":2";
        assert_eq!(parse(&line).unwrap(), format!("{{{priority},{host},{fields}}}"));
    }
    for (host, fields) in [
        ("su:", r#"null,"app_name":"su","procid":null,"msg":"x: y""#),
        ("a[1]:", r#"null,"app_name":"a","procid":"1","msg":"x: y""#),
        ("fe80::", r#""fe80::","app_name":"x","procid":null,"msg":"y""#),
    ] {
        let local = parse(&format!("<13>Mar  5 10:00:00 {host} x: y")).unwrap();
        assert!(local.ends_with(&format!("\"hostname\":{fields}}}")), "{local}");
    }
    let rsyslog = parse("2024-05-01T12:00:03.123456+02:00 h kernel: x").unwrap();
    assert!(rsyslog.starts_with("{\"time\":\"2024-05-01T12:00:03.123456+02:00\",\"hostname\""));
}

#[test]
fn what_programs_and_devices_send() {
    for (line, fields) in [
        // The syslog driver of Docker; the libraries of C and Go.
        (
            "<30>Mar  5 10:00:00 h web[7]: up",
            r#"3,"severity":6,"time":"2017-03-05T10:00:00Z","hostname":"h","app_name":"web","procid":"7","msg":"up""#,
        ),
        (
            "<30>2017-03-05T10:00:00+01:00 h app[7]: up",
            r#"3,"severity":6,"time":"2017-03-05T10:00:00+01:00","hostname":"h","app_name":"app","procid":"7","msg":"up""#,
        ),
        // syslog-ng with fractions; a library that writes days of one digit with one space.
        (
            "<13>Mar  5 10:00:00.123 h a: b",
            r#"1,"severity":5,"time":"2017-03-05T10:00:00.123Z","hostname":"h","app_name":"a","procid":null,"msg":"b""#,
        ),
        (
            "<13>Mar 5 10:00:00 h a: b",
            r#"1,"severity":5,"time":"2017-03-05T10:00:00Z","hostname":"h","app_name":"a","procid":null,"msg":"b""#,
        ),
        // Python, which ends the text with a NUL; a router; the kernel.
        (
            "<14>app: started\0",
            r#"1,"severity":6,"time":null,"hostname":null,"app_name":"app","procid":null,"msg":"started""#,
        ),
        (
            "<30>system,info user admin logged in",
            r#"3,"severity":6,"time":null,"hostname":null,"app_name":null,"procid":null,"msg":"system,info user admin logged in""#,
        ),
        (
            "<6>[   12.345678] eth0: link up",
            r#"0,"severity":6,"time":null,"hostname":null,"app_name":null,"procid":null,"msg":"[   12.345678] eth0: link up""#,
        ),
        // Firewalls of Cisco, without and with their names.
        (
            "<166>Mar 05 2024 10:00:00: %ASA-6-302013: Built",
            r#"20,"severity":6,"time":"2024-03-05T10:00:00Z","hostname":null,"app_name":"%ASA-6-302013","procid":null,"msg":"Built""#,
        ),
        (
            "<166>Mar 05 2024 10:00:00 fw : %ASA-6-302013: Built",
            r#"20,"severity":6,"time":"2024-03-05T10:00:00Z","hostname":"fw","app_name":"%ASA-6-302013","procid":null,"msg":"Built""#,
        ),
        // What begins with a percent sign is no tag of a device for that.
        (
            "<14>app: %CPU high",
            r#"1,"severity":6,"time":null,"hostname":null,"app_name":"app","procid":null,"msg":"%CPU high""#,
        ),
        (
            "<13>backup: %s failed",
            r#"1,"severity":5,"time":null,"hostname":null,"app_name":"backup","procid":null,"msg":"%s failed""#,
        ),
        (
            "<13>x",
            r#"1,"severity":5,"time":null,"hostname":null,"app_name":null,"procid":null,"msg":"x""#,
        ),
    ] {
        assert_eq!(parse(line).unwrap(), format!("{{\"facility\":{fields}}}"), "{line}");
    }
}

#[test]
fn daemons_may_write_the_priority_to_their_files() {
    let expected = parse("<30>Mar  5 10:00:00 h a[1]: b").unwrap();
    // busybox, as on Alpine; the daemons of BSD.
    for line in ["Mar  5 10:00:00 h daemon.info a[1]: b", "Mar  5 10:00:00 <daemon.info> h a[1]: b"]
    {
        assert_eq!(parse(line).unwrap(), expected, "{line}");
    }
    let other = parse("Mar  5 10:00:00 h example.com a: b").unwrap();
    assert!(other.ends_with("\"msg\":\"example.com a: b\"}"), "{other}");
}

#[test]
fn priorities_stand_in_other_places_too() {
    let rest =
        "\"time\":\"2017-03-05T10:00:00Z\",\"hostname\":\"h\",\"app_name\":\"a\",\"procid\":\"1\"";
    let fields = format!("{{\"facility\":3,\"severity\":6,{rest},\"msg\":\"b\"}}");
    // FreeBSD's daemon with -v.
    assert_eq!(parse("Mar  5 10:00:00 <3.6> h a[1]: b").unwrap(), fields);
    // OpenWrt, whose messages have no host.
    assert_eq!(
        parse("Sun Mar  5 10:00:00 2017 daemon.info a[1]: b").unwrap(),
        fields.replace("\"h\"", "null")
    );
    // A host may have such a name; OpenWrt's times have a day of the week.
    for (line, host) in [
        ("Mar  5 10:00:00 mail.info a[1]: b", "mail.info"),
        ("2017-03-05T10:00:00Z mail.info a[1]: b", "mail.info"),
    ] {
        let expected = format!("{{{}", rest.replace("\"h\"", &format!("\"{host}\"")));
        assert_eq!(parse(line).unwrap(), format!("{expected},\"msg\":\"b\"}}"), "{line}");
    }
    assert_eq!(
        parse("Mar  5 10:00:00 mail.info daemon.info a[1]: b").unwrap(),
        fields.replace("\"h\"", "\"mail.info\"")
    );
    // And a text may begin with such a word.
    let other = parse("Mar  5 10:00:00 h mail.info is down").unwrap();
    assert!(other.starts_with("{\"time\"") && other.contains("\"mail.info is down\""), "{other}");
    // Solaris, whose text stays as it is.
    assert_eq!(
        parse("Mar  5 10:00:00 h a[1]: [ID 702911 daemon.info] b").unwrap(),
        fields.replace("\"b\"", "\"[ID 702911 daemon.info] b\"")
    );
    let other = parse("Mar  5 10:00:00 h a[1]: [ID x daemon.info] b").unwrap();
    assert!(other.starts_with(&format!("{{{rest}")), "{other}");
}

#[test]
fn what_devices_of_cisco_send() {
    let tag = "\"app_name\":\"%SYS-5-CONFIG_I\",\"procid\":null,\"msg\":\"Configured\"}";
    let at = "\"time\":\"2017-03-01T18:46:11Z\",";
    let exact = "\"time\":\"2017-03-01T18:46:11.123Z\",";
    for (text, sequence, time, host) in [
        ("*Mar  1 18:46:11: ", None, at, "null"),
        (".Mar  1 18:46:11.123: ", None, exact, "null"),
        ("Mar  1 18:46:11 UTC: ", None, at, "null"),
        ("45: *Mar  1 18:46:11.123: ", Some(45), exact, "null"),
        ("45: 000123: *Mar  1 18:46:11.123 CET: ", Some(123), exact, "null"),
        ("000000: Mar  1 2017 18:46:11: ", Some(0), at, "null"),
        ("29: router1: *Mar  1 18:46:11 UTC: ", Some(29), at, "\"router1\""),
        ("192.0.2.1: .Mar  1 18:46:11 UTC: ", None, at, "\"192.0.2.1\""),
        // With `logging origin-id`, and a number of the sender or none.
        ("router1: 123: *Mar  1 18:46:11.123: ", Some(123), exact, "\"router1\""),
        ("29: router1: 000123: *Mar  1 18:46:11 UTC: ", Some(123), at, "\"router1\""),
        ("router1: 123: 00:00:46: ", Some(123), "\"time\":null,", "\"router1\""),
        ("192.0.2.1: 5: ", Some(5), "\"time\":null,", "\"192.0.2.1\""),
        ("3w4d: ", None, "\"time\":null,", "null"),
        (": 2017 Mar  1 18:46:11.123 UTC: ", None, exact, "null"),
        ("46: 1d02h: ", Some(46), "\"time\":null,", "null"),
        ("00:00:46: ", None, "\"time\":null,", "null"),
        ("7: ", Some(7), "\"time\":null,", "null"),
    ] {
        let sequence = sequence.map_or(String::new(), |number| format!("\"sequence\":{number},"));
        let line = format!("<189>{text}%SYS-5-CONFIG_I: Configured");
        let fields = format!("{sequence}{time}\"hostname\":{host},{tag}");
        let expected = format!("{{\"facility\":23,\"severity\":5,{fields}");
        assert_eq!(parse(&line).unwrap(), expected, "{line}");
    }
    // As a daemon stores it, with its own time and the sender's name.
    let line = "Mar  5 10:00:00 sw1 45: 000123: *Mar  1 18:46:11.123: %SYS-5-CONFIG_I: Configured";
    assert_eq!(
        parse(line).unwrap(),
        format!("{{\"sequence\":123,\"time\":\"2017-03-05T10:00:00Z\",\"hostname\":\"sw1\",{tag}")
    );
    // As the device wrote it to its own file.
    let line = "123: May  3 05:15:25.217 UTC: %SEC-6-IPACCESSLOGP: list 120 denied udp";
    assert_eq!(
        parse(line).unwrap(),
        "{\"sequence\":123,\"time\":\"2017-05-03T05:15:25.217Z\",\"hostname\":null,\
         \"app_name\":\"%SEC-6-IPACCESSLOGP\",\"procid\":null,\"msg\":\"list 120 denied udp\"}"
    );
    // A daemon's host that looks like a zone.
    let stored = parse("Sep  6 09:25:12 CORE 89: %SYS-5-CONFIG_I: Configured").unwrap();
    assert!(stored.starts_with("{\"sequence\":89,") && stored.contains("\"hostname\":\"CORE\""));
    // What only looks like that stays as it is.
    let other = parse("<13>Mar  5 10:00:00 h a: at 7: %d").unwrap();
    assert!(other.ends_with("\"app_name\":\"a\",\"procid\":null,\"msg\":\"at 7: %d\"}"), "{other}");
    let other = parse("<13>5: x %d").unwrap();
    assert!(other.ends_with("\"msg\":\"x %d\"}"), "{other}");
}

/// The lines are from the manuals of firewalls, and from collections of what they send.
#[test]
fn what_firewalls_of_cisco_send() {
    let built = "\"app_name\":\"%ASA-6-302013\",\"procid\":null,\"msg\":\"Built outbound\"}";
    for (header, time, host) in [
        ("<166>Apr 15 2014 09:34:34 EDT: ", "2014-04-15T09:34:34Z", "null"),
        ("<166>Apr 15 2014 09:34:34 EDT:", "2014-04-15T09:34:34Z", "null"),
        ("<166>:Apr 04 19:28:05 EDT: ", "2017-04-04T19:28:05Z", "null"),
        ("<166>Mar 19 15:14:53 MSK/MSD: ", "2017-03-19T15:14:53Z", "null"),
        ("<166>:Jan 14 23:53:28 MSK 10.20.30.40: ", "2017-01-14T23:53:28Z", "\"10.20.30.40\""),
        ("<166>Apr 24 2013 16:00:28 EDT INT-FW01 : ", "2013-04-24T16:00:28Z", "\"INT-FW01\""),
        ("<166>Apr 24 2013 16:00:28 FW : ", "2013-04-24T16:00:28Z", "\"FW\""),
        ("<166>May  5 17:51:17 dev01: ", "2017-05-05T17:51:17Z", "\"dev01\""),
        ("<166>2018-06-27T12:17:46Z asa : ", "2018-06-27T12:17:46Z", "\"asa\""),
    ] {
        let line = format!("{header}%ASA-6-302013: Built outbound");
        let fields = format!("\"time\":\"{time}\",\"hostname\":{host},{built}");
        let expected = format!("{{\"facility\":20,\"severity\":6,{fields}");
        assert_eq!(parse(&line).unwrap(), expected, "{line}");
        // The same as it stands in a file, without a priority.
        let stored = line.strip_prefix("<166>").unwrap();
        assert_eq!(parse(stored).unwrap(), format!("{{{fields}"), "{stored}");
        // And with the time and the name of a daemon that got it.
        for (daemon, name) in [("192.0.2.9 ", Some("\"192.0.2.9\"")), ("", None)] {
            if !stored.starts_with(':') {
                continue;
            }
            let stored = format!("Nov  3 02:08:12 {daemon}{stored}");
            let name = name.unwrap_or(host);
            let fields = format!("\"time\":\"2017-11-03T02:08:12Z\",\"hostname\":{name},{built}");
            assert_eq!(parse(&stored).unwrap(), format!("{{{fields}"), "{stored}");
        }
    }
    let class = parse("<165>Apr 15 2014 09:34:34 EDT: %ASA-session-5-106100: access").unwrap();
    assert!(
        class.ends_with(
            "\"app_name\":\"%ASA-session-5-106100\",\"procid\":null,\"msg\":\"access\"}"
        )
    );
    // What cannot be told apart stays in the message.
    for line in ["<166>Apr 15 2014 09:34:34 a b c: %ASA-6-302013: x", "<166>a b: %ASA-6-302013: x"]
    {
        assert!(parse(line).unwrap().contains("%ASA-6-302013: x\"}"), "{line}");
    }
}

/// The lines are from the pages of routers that run IOS XR, and of tools that read them.
#[test]
fn what_routers_with_ios_xr_send() {
    for (line, fields) in [
        (
            "<149>2647599: vmx01 RP/0/RSP1/CPU0:Mar 28 15:08:30.941 UTC: bgp[1051]: %ROUTING-BGP-5-MAXPFX : No. of",
            r#""sequence":2647599,"node":"RP/0/RSP1/CPU0","time":"2017-03-28T15:08:30.941Z","hostname":"vmx01","app_name":"bgp","procid":"1051","msg":"%ROUTING-BGP-5-MAXPFX : No. of""#,
        ),
        (
            "<187>94307: gw2.acy1 LC/0/2/CPU0:Jul  7 20:16:14.834 : ifmgr[214]: %PKT_INFRA-LINK-3-UPDOWN : Interface",
            r#""sequence":94307,"node":"LC/0/2/CPU0","time":"2017-07-07T20:16:14.834Z","hostname":"gw2.acy1","app_name":"ifmgr","procid":"214","msg":"%PKT_INFRA-LINK-3-UPDOWN : Interface""#,
        ),
        (
            "<189>123: RP/0/RSP0/CPU0:Jan 1 00:00:00.123 : config[65]: %MGBL-CONFIG-6-DB_COMMIT : Configuration",
            r#""sequence":123,"node":"RP/0/RSP0/CPU0","time":"2017-01-01T00:00:00.123Z","hostname":null,"app_name":"config","procid":"65","msg":"%MGBL-CONFIG-6-DB_COMMIT : Configuration""#,
        ),
        (
            "<189>0/RP0/ADMIN0:2017 Jan  1 00:00:00.123 UTC: config[65]: %MGBL-CONFIG-6-DB_COMMIT : x",
            r#""node":"0/RP0/ADMIN0","time":"2017-01-01T00:00:00.123Z","hostname":null,"app_name":"config","procid":"65","msg":"%MGBL-CONFIG-6-DB_COMMIT : x""#,
        ),
        (
            "Apr 14 23:50:04 10.1.1.1 462620: CRS-L RP/0/RP0/CPU0:Apr 15 09:18:13 : config[65956]: %MGBL-CONFIG-6-DB_COMMIT : Configuration",
            r#""sequence":462620,"node":"RP/0/RP0/CPU0","time":"2017-04-14T23:50:04Z","hostname":"10.1.1.1","app_name":"config","procid":"65956","msg":"%MGBL-CONFIG-6-DB_COMMIT : Configuration""#,
        ),
    ] {
        let record = parse(line).unwrap();
        assert!(record.ends_with(&format!("{fields}}}")), "{line}: {record}");
    }
}

#[test]
fn parameters_and_elements_that_come_again() {
    let line =
        "<1>1 - h a p m [o@1 ip=\"192.0.2.1\" x=\"y\" ip=\"192.0.2.2\"][b k=\"1\"][b k=\"2\"]";
    let seen = parse(line).unwrap();
    let data = "\"structured_data\":{\"o@1\":{\"ip\":[\"192.0.2.1\",\"192.0.2.2\"],\"x\":\"y\"},\
                \"b\":[{\"k\":\"1\"},{\"k\":\"2\"}]},\"msg\":null}";
    assert!(seen.ends_with(data), "{seen}");
}

#[test]
fn the_newer_form() {
    let line = "<165>1 2003-10-11T22:14:15.003Z mymachine evntslog - ID47 \
                [a@1 k=\"v\\\"\\]\\\\\\n\" l=\"\"][b] \u{feff}An event";
    assert_eq!(
        parse(line).unwrap(),
        "{\"facility\":20,\"severity\":5,\"time\":\"2003-10-11T22:14:15.003Z\",\
         \"hostname\":\"mymachine\",\"app_name\":\"evntslog\",\"procid\":null,\
         \"msgid\":\"ID47\",\"structured_data\":{\"a@1\":{\"k\":\"v\\\"]\\\\\\\\n\",\"l\":\"\"},\
         \"b\":{}},\"msg\":\"An event\"}"
    );
    let least = parse("<0>1 - - - - - -").unwrap();
    assert!(least.ends_with("\"structured_data\":null,\"msg\":null}"), "{least}");
}

#[test]
fn what_does_not_fit_is_told() {
    for (line, why) in [
        ("plain text", "no time like"),
        ("<192>Mar  5 10:00:00 h a: b", "<…> is not a priority"),
        ("Mar  5 10:00:00 h", "the hostname is missing"),
        ("Mar  5 10:00:00. h a: b", "the hostname is missing"),
        ("Mar 5 1:00:00 h a: b", "no time like"),
        ("<1>1 x h a p m - t", "the timestamp is not of RFC 3339"),
        ("<1>1 - h a p m", "the msgid is missing"),
        ("<1>1 - h a p m [x k=v] t", "the structured data is not"),
        ("<1>1 - h a p m [x k=\"v\"", "the structured data is not"),
        ("<1>1 - h a p m [x]y", "characters after the structured data"),
    ] {
        let told = parse(line).unwrap_err();
        assert!(told.starts_with(why), "{line}: {told}");
    }
}

/// RFC 5424, section 6.3.3.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]")
}

proptest! {
    /// What the RFC's grammar writes is read back.
    #[test]
    fn messages_are_read_back(
        priority in 0_u8..=191,
        header in prop::collection::vec("[!-~]{1,9}", 4),
        elements in prop::collection::vec(
            ("[!#-<>-Z^-~]{1,5}", prop::collection::vec(("[a-z]{1,3}", "[^\\pC]*"), 0..3)),
            0..3,
        ),
        msg in prop::option::of("[^\\pC]*"),
    ) {
        let mut data = String::new();
        let mut record = Vec::new();
        let mut object = Object::new(&mut record);
        let numbers = Priority { facility: priority / 8, severity: priority % 8 };
        write_priority(numbers, &mut object);
        object.null("time");
        for (key, value) in ["hostname", "app_name", "procid", "msgid"].iter().zip(&header) {
            object.text_or_nil(key, value);
        }
        if elements.is_empty() {
            data.push('-');
            object.null("structured_data");
        } else {
            let mut all = Object::new(object.field("structured_data"));
            for (number, (id, params)) in elements.iter().enumerate() {
                let id = &format!("{id}{number}");
                data += &format!("[{id}");
                let mut one = Object::new(all.named(id));
                for (number, (name, value)) in params.iter().enumerate() {
                    let name = &format!("{name}{number}");
                    data += &format!(" {name}=\"{}\"", escaped(value));
                    write_string(value, one.named(name));
                }
                one.end();
                data.push(']');
            }
            all.end();
        }
        let text = msg.as_ref().map_or(String::new(), |msg| format!(" {msg}"));
        match &msg {
            Some(msg) => object.text("msg", msg),
            None => object.null("msg"),
        }
        object.end();
        let line = format!("<{priority}>1 - {} {data}{text}", header.join(" "));
        prop_assert_eq!(parse(&line).unwrap(), String::from_utf8(record).unwrap(), "{}", line);
    }
}
