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
    assert_eq!(
        parse("Mar  5 10:00:00 daemon.info a[1]: b").unwrap(),
        fields.replace("\"h\"", "null")
    );
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
    // What only looks like that stays as it is.
    let other = parse("<13>Mar  5 10:00:00 h a: at 7: %d").unwrap();
    assert!(other.ends_with("\"app_name\":\"a\",\"procid\":null,\"msg\":\"at 7: %d\"}"), "{other}");
    let other = parse("<13>5: x %d").unwrap();
    assert!(other.ends_with("\"msg\":\"x %d\"}"), "{other}");
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
