//! syslog: RFC 5424, and the older form that RFC 3164 describes, as files and forwarders have it.

mod priority;

use self::priority::Priority;
use super::by_line::Parse;
use super::object::Object;
use super::times::{Missing, Moment, YearlessTimes};
use crate::record::text::write_string;
use crate::time::timestamp::{Written, read};

/// The longest tag: RFC 3164 has 32 characters, and no program that is known more than this.
const TAG_BYTES_MAX: usize = 64;

/// Makes a record of a message.
pub(super) struct Syslog {
    times: YearlessTimes,
    /// A value of structured data, its escapes resolved.
    value: String,
}

impl Syslog {
    /// Times without a year or a zone have those that are `missing`.
    pub fn new(missing: Missing) -> Syslog {
        Syslog { times: YearlessTimes::new(missing), value: String::new() }
    }

    fn read(&mut self, line: &str, record: &mut Vec<u8>) -> Result<(), &'static str> {
        // Python's SysLogHandler sends the end of a string of C.
        let line = line.strip_suffix('\0').unwrap_or(line);
        let mut object = Object::new(record);
        match line.strip_prefix('<') {
            Some(inside) => {
                let sent = Priority::sent(inside).ok_or("<…> is not a priority from 0 to 191")?;
                let (priority, rest) = sent;
                write_priority(priority, &mut object);
                match rest.strip_prefix("1 ") {
                    Some(rest) => self.read_5424(rest, &mut object)?,
                    None => self.read_sent(rest, &mut object),
                }
            }
            None => self.read_stored(line, &mut object)?,
        }
        object.end();
        Ok(())
    }

    fn read_5424(&mut self, rest: &str, object: &mut Object<'_>) -> Result<(), &'static str> {
        let (time, mut rest) = rest.split_once(' ').ok_or("the timestamp is missing")?;
        match time {
            "-" => object.null("time"),
            _ if is_instant(time) => object.text("time", time),
            _ => return Err("the timestamp is not of RFC 3339"),
        }
        for (key, why) in [
            ("hostname", "the hostname is missing"),
            ("app_name", "the app-name is missing"),
            ("procid", "the procid is missing"),
            ("msgid", "the msgid is missing"),
        ] {
            let (value, behind) = rest.split_once(' ').ok_or(why)?;
            object.text_or_nil(key, value);
            rest = behind;
        }
        let rest = match rest.strip_prefix('-') {
            Some(rest) => {
                object.null("structured_data");
                rest
            }
            None => self.read_data(rest, object.field("structured_data"))?,
        };
        match rest.strip_prefix(' ') {
            Some(msg) => object.text("msg", msg.strip_prefix('\u{feff}').unwrap_or(msg)),
            None if rest.is_empty() => object.null("msg"),
            None => return Err("characters after the structured data"),
        }
        Ok(())
    }

    /// Reads the elements `[id name="value" …]` at the front.
    fn read_data<'t>(
        &mut self,
        mut rest: &'t str,
        out: &mut Vec<u8>,
    ) -> Result<&'t str, &'static str> {
        const WRONG: &str = "the structured data is not of the form [id name=\"value\"]";
        let mut elements = Object::new(out);
        if !rest.starts_with('[') {
            return Err(WRONG);
        }
        while let Some(inside) = rest.strip_prefix('[') {
            let end = inside.find([' ', ']', '"', '=']).ok_or(WRONG)?;
            let (id, mut inside) = inside.split_at(end);
            if id.is_empty() {
                return Err(WRONG);
            }
            let mut params = Object::new(elements.named(id));
            while let Some(param) = inside.strip_prefix(' ') {
                let (name, value) = param.split_once("=\"").ok_or(WRONG)?;
                if name.is_empty() || name.contains([' ', ']', '"', '=']) {
                    return Err(WRONG);
                }
                inside = self.read_value(value).ok_or(WRONG)?;
                write_string(&self.value, params.named(name));
            }
            params.end();
            rest = inside.strip_prefix(']').ok_or(WRONG)?;
        }
        elements.end();
        Ok(rest)
    }

    /// Reads a value up to the quote that closes it, and gives what comes after that.
    fn read_value<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        self.value.clear();
        let mut rest = text;
        loop {
            let (before, special) = rest.split_at(rest.find(['"', '\\'])?);
            self.value.push_str(before);
            if let Some(behind) = special.strip_prefix('"') {
                return Some(behind);
            }
            let escaped = special.get(1..).and_then(|behind| behind.chars().next())?;
            if !matches!(escaped, '"' | '\\' | ']') {
                // A backslash before another character is one itself (RFC 5424, section 6.3.3).
                self.value.push('\\');
            }
            self.value.push(escaped);
            rest = special.get(1 + escaped.len_utf8()..)?;
        }
    }

    /// Reads what RFC 3164 saw in the field, as daemons write it to files: a time, a host, mostly a
    /// tag, and a text. rsyslog writes the same with a time of RFC 3339.
    fn read_stored(&mut self, line: &str, object: &mut Object<'_>) -> Result<(), &'static str> {
        let (time, rest) = self
            .time(line)
            .ok_or("no time like 'Mar  5 10:00:00' or of RFC 3339 begins the line")?;
        let rest = rest.strip_prefix(' ').ok_or("the hostname is missing")?;
        // The daemons of BSD write the priority before the host, if they are told to.
        let before = rest.strip_prefix('<').and_then(|inside| {
            let (word, rest) = inside.split_once("> ")?;
            Some((Priority::of_names(word)?, rest))
        });
        let (mut priority, rest) = before.map_or((None, rest), |(it, rest)| (Some(it), rest));
        let (host, mut rest) = host(rest).ok_or("the hostname is missing")?;
        // And that of busybox after it.
        if let (None, Some((word, behind))) = (priority, rest.split_once(' ')) {
            priority = Priority::of_names(word);
            rest = if priority.is_some() { behind } else { rest };
        }
        if let Some(priority) = priority {
            write_priority(priority, object);
        }
        time.write(object.field("time"));
        write_tail(host, rest, object);
        Ok(())
    }

    /// Reads the same as programs and devices send it, after its priority. Many leave out the host,
    /// and some the time.
    fn read_sent(&mut self, text: &str, object: &mut Object<'_>) {
        let timed = self.time(text).and_then(|(time, rest)| {
            // Firewalls of Cisco end the time with a colon.
            Some((time, rest.strip_prefix(':').unwrap_or(rest).strip_prefix(' ')?))
        });
        match timed {
            Some((time, rest)) => {
                time.write(object.field("time"));
                let (host, rest) = host(rest).unwrap_or((None, rest));
                write_tail(host, rest, object);
            }
            None => {
                object.null("time");
                write_tail(None, text, object);
            }
        }
    }

    /// The time at the front, of either form.
    fn time<'t>(&mut self, text: &'t str) -> Option<(Time<'t>, &'t str)> {
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let (time, rest) = text.split_at(text.find(' ')?);
            return is_instant(time).then_some((Time::Instant(time), rest));
        }
        let (moment, rest) = self.times.read(text)?;
        Some((Time::Moment(moment), rest))
    }
}

/// The time of a message of the older form.
enum Time<'t> {
    /// Of RFC 3339.
    Instant(&'t str),
    Moment(Moment<'t>),
}

impl Time<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Time::Instant(text) => write_string(text, out),
            Time::Moment(moment) => moment.write(out),
        }
    }
}

/// The host at the front, and what comes after it. On the way to the syslog of the same machine,
/// messages have none.
fn host(text: &str) -> Option<(Option<&str>, &str)> {
    let (host, rest) = text.split_once(' ')?;
    Some(match tag(host) {
        Some((_, _, "")) => (None, text),
        _ => (Some(host), rest),
    })
}

/// Writes what comes after the time.
fn write_tail(host: Option<&str>, text: &str, object: &mut Object<'_>) {
    // Firewalls of Cisco set the tag off from the host.
    let text = text.strip_prefix(": ").unwrap_or(text);
    let (app_name, procid, msg) = tag(text).unwrap_or((None, None, text));
    for (key, value) in [("hostname", host), ("app_name", app_name), ("procid", procid)] {
        match value {
            Some(value) => object.text(key, value),
            None => object.null(key),
        }
    }
    object.text("msg", msg);
}

/// The program, its process and the text of `sshd[123]: text`; none if there is no such tag.
fn tag(text: &str) -> Option<(Option<&str>, Option<&str>, &str)> {
    let (app_name, rest) = text.split_at(text.find([':', '[', ' '])?);
    if app_name.is_empty() || app_name.len() > TAG_BYTES_MAX {
        return None;
    }
    let (procid, rest) = match rest.strip_prefix('[') {
        Some(inside) => {
            let (procid, rest) = inside.split_once(']')?;
            (Some(procid), rest)
        }
        None => (None, rest),
    };
    let msg = rest.strip_prefix(':')?;
    Some((Some(app_name), procid, msg.strip_prefix(' ').unwrap_or(msg)))
}

fn write_priority(priority: Priority, object: &mut Object<'_>) {
    for (key, number) in [("facility", priority.facility), ("severity", priority.severity)] {
        object.field(key).extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }
}

/// Whether this is a time of RFC 3339.
fn is_instant(text: &str) -> bool {
    matches!(read(text), Ok(Written::Instant(_)))
}

impl Parse for Syslog {
    fn parse(&mut self, line: &str, record: &mut Vec<u8>) -> Result<(), String> {
        self.read(line, record).map_err(str::to_owned)
    }

    fn reset(&mut self) {
        self.times.reset();
    }
}

#[cfg(test)]
mod tests {
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
            (
                "last message repeated",
                r#""app_name":null,"procid":null,"msg":"last message repeated""#,
            ),
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
        for line in
            ["Mar  5 10:00:00 h daemon.info a[1]: b", "Mar  5 10:00:00 <daemon.info> h a[1]: b"]
        {
            assert_eq!(parse(line).unwrap(), expected, "{line}");
        }
        let other = parse("Mar  5 10:00:00 h example.com a: b").unwrap();
        assert!(other.ends_with("\"msg\":\"example.com a: b\"}"), "{other}");
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
                for (id, params) in &elements {
                    data += &format!("[{id}");
                    let mut one = Object::new(all.named(id));
                    for (name, value) in params {
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
}
