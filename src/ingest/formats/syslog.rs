//! syslog: RFC 5424, and the older form that RFC 3164 describes, as files and forwarders have it.

use super::by_line::Parse;
use super::object::Object;
use super::times::{Missing, YearlessTimes};
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
        let mut object = Object::new(record);
        let (priority, rest) = match line.strip_prefix('<') {
            Some(inside) => priority(inside).ok_or("<…> is not a priority from 0 to 191")?,
            None => (None, line),
        };
        match (priority, rest.strip_prefix("1 ")) {
            (Some(priority), Some(rest)) => {
                write_priority(priority, &mut object);
                self.read_5424(rest, &mut object)?;
            }
            (priority, _) => {
                if let Some(priority) = priority {
                    write_priority(priority, &mut object);
                }
                self.read_3164(rest, &mut object)?;
            }
        }
        object.end();
        Ok(())
    }

    fn read_5424(&mut self, rest: &str, object: &mut Object<'_>) -> Result<(), &'static str> {
        let (time, mut rest) = rest.split_once(' ').ok_or("the timestamp is missing")?;
        match time {
            "-" => object.null("time"),
            _ => write_instant(time, object).ok_or("the timestamp is not of RFC 3339")?,
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

    /// Reads what RFC 3164 saw in the field: a time, a host, mostly a tag, and a text. rsyslog
    /// writes the same with a time of RFC 3339.
    fn read_3164(&mut self, text: &str, object: &mut Object<'_>) -> Result<(), &'static str> {
        const NO_TIME: &str = "no time like 'Mar  5 10:00:00' or of RFC 3339 begins the line";
        let rest = if text.starts_with(|c: char| c.is_ascii_digit()) {
            let (time, rest) = text.split_once(' ').ok_or(NO_TIME)?;
            write_instant(time, object).ok_or(NO_TIME)?;
            rest
        } else {
            let rest = self.times.write(text, object.field("time")).ok_or(NO_TIME)?;
            rest.strip_prefix(' ').ok_or("the hostname is missing")?
        };
        let (host, behind) = rest.split_once(' ').ok_or("the hostname is missing")?;
        // On the way to the syslog of the same machine, messages have no host.
        let rest = match tag(host) {
            Some((_, _, "")) => {
                object.null("hostname");
                rest
            }
            _ => {
                object.text("hostname", host);
                behind
            }
        };
        let (app_name, procid, msg) = tag(rest).unwrap_or((None, None, rest));
        for (key, value) in [("app_name", app_name), ("procid", procid)] {
            match value {
                Some(value) => object.text(key, value),
                None => object.null(key),
            }
        }
        object.text("msg", msg);
        Ok(())
    }
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

/// The priority in front of `>`, and the rest.
fn priority(text: &str) -> Option<(Option<u8>, &str)> {
    let (digits, rest) = text.split_once('>')?;
    let plain = matches!(digits.len(), 1..=3) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let priority = plain.then(|| digits.parse().ok())??;
    (priority <= 191).then_some((Some(priority), rest))
}

fn write_priority(priority: u8, object: &mut Object<'_>) {
    for (key, number) in [("facility", priority / 8), ("severity", priority % 8)] {
        object.field(key).extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }
}

/// Writes a time of RFC 3339 as it is.
fn write_instant(text: &str, object: &mut Object<'_>) -> Option<()> {
    matches!(read(text), Ok(Written::Instant(_))).then(|| object.text("time", text))
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
            write_priority(priority, &mut object);
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
