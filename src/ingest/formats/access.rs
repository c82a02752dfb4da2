//! Access logs of web servers: Apache's common and combined formats, which nginx writes, too.

use std::borrow::Cow;

use super::by_line::Parse;
use super::object::Object;
use super::times::write_access_time;
use crate::record::text::write_string;

/// Makes a record of a request.
pub(super) struct Access {
    /// Whether referer and user agent follow.
    pub combined: bool,
}

impl Parse for Access {
    const COMPACT: bool = true;

    fn parse(&mut self, line: &str, record: &mut Vec<u8>) -> Result<(), String> {
        self.read(line, record).map_err(str::to_owned)
    }
}

impl Access {
    fn read(&self, line: &str, record: &mut Vec<u8>) -> Result<(), &'static str> {
        let mut object = Object::new(record);
        let (host, rest) = line.split_once(' ').ok_or("the host is missing")?;
        let (ident, rest) = rest.split_once(' ').ok_or("the identity is missing")?;
        // A user's name may have spaces.
        let (user, rest) = rest.split_once(" [").ok_or("the user or the time is missing")?;
        let (time, rest) = rest.split_once("] ").ok_or("the time is missing")?;
        if user.starts_with("- ") {
            return Err("there is a word too many before the time, as in vhost_combined; \
                        --from regex reads other formats");
        }
        object.text("host", host);
        object.text_or_nil("ident", ident);
        object.text_or_nil("user", user);
        write_access_time(time, object.field("time"))
            .ok_or("the time is not of the form 17/May/2015:10:05:03 +0000")?;
        let (request, rest) = quoted(rest).ok_or("the request, in quotes, is missing")?;
        write_request(&unescaped(request), &mut object);
        let (status, rest) = word(rest).ok_or("the status is missing")?;
        number("status", status, &mut object).ok_or("the status is not a number")?;
        let (bytes, mut rest) = word(rest).ok_or("the number of bytes is missing")?;
        number("bytes", bytes, &mut object).ok_or("the number of bytes is not a number")?;
        if self.combined {
            for (key, why) in [
                ("referer", "the referer, in quotes, is missing"),
                ("user_agent", "the user agent, in quotes, is missing"),
            ] {
                let (value, behind) = rest.strip_prefix(' ').and_then(quoted).ok_or(why)?;
                object.text_or_nil(key, &unescaped(value));
                rest = behind;
            }
        }
        if !rest.is_empty() {
            write_extra(rest, object.field("extra"))?;
        }
        object.end();
        Ok(())
    }
}

/// Writes what the server was configured to log beyond the format: an array of strings.
fn write_extra(mut rest: &str, out: &mut Vec<u8>) -> Result<(), &'static str> {
    out.push(b'[');
    let mut before: &[u8] = b"";
    while !rest.is_empty() {
        let inside = rest.strip_prefix(' ').ok_or("characters after the quotes")?;
        let (value, behind) = match inside.starts_with('"') {
            true => quoted(inside).ok_or("a quote is missing at the end")?,
            false => inside.split_at(inside.find(' ').unwrap_or(inside.len())),
        };
        out.extend_from_slice(before);
        match value {
            "-" => out.extend_from_slice(b"null"),
            value => write_string(&unescaped(value), out),
        }
        (before, rest) = (b",", behind);
    }
    out.push(b']');
    Ok(())
}

/// Writes the parts of a request; where it has no such parts, as what is no HTTP has none, the
/// whole.
fn write_request(request: &str, object: &mut Object<'_>) {
    let parts = request.split_once(' ').and_then(|(method, rest)| {
        let (path, protocol) = rest.rsplit_once(' ')?;
        let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_graphic());
        (is_method && protocol.starts_with("HTTP/")).then_some((method, path, protocol))
    });
    match parts {
        Some((method, path, protocol)) => {
            object.text("method", method);
            object.text("path", path);
            object.text("protocol", protocol);
        }
        None => {
            for key in ["method", "path", "protocol"] {
                object.null(key);
            }
            object.text_or_nil("request", request);
        }
    }
}

/// Writes digits, or null. nginx writes a status with three digits, also those of no reply (000)
/// and of HTTP/0.9 (009).
fn number(key: &str, text: &str, object: &mut Object<'_>) -> Option<()> {
    let is_number = matches!(text.len(), 1..20) && text.bytes().all(|byte| byte.is_ascii_digit());
    match text {
        "-" => object.null(key),
        _ if is_number => {
            let digits = text.trim_start_matches('0');
            let digits = if digits.is_empty() { "0" } else { digits };
            object.field(key).extend_from_slice(digits.as_bytes());
        }
        _ => return None,
    }
    Some(())
}

/// The word after a space at the front, and the rest.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix(' ')?;
    let (word, rest) = text.split_at(memchr::memchr(b' ', text.as_bytes()).unwrap_or(text.len()));
    (!word.is_empty()).then_some((word, rest))
}

/// What stands in quotes at the front, as it is written, and the rest. A backslash escapes a quote.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('"')?;
    let bytes = inside.as_bytes();
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some((inside.get(..at)?, inside.get(at + 1..)?));
        }
        at += 2;
    }
}

/// A text with the escapes that servers write resolved; as it is written where that is no text.
fn unescaped(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let (byte, length) = match (first, behind) {
            (b'\\', [b'x', high, low, ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 4),
                _ => (b'\\', 1),
            },
            (b'\\', [escape, ..]) => match escape {
                b'"' | b'\\' => (*escape, 2),
                b'n' => (b'\n', 2),
                b't' => (b'\t', 2),
                b'r' => (b'\r', 2),
                b'b' => (8, 2),
                b'v' => (11, 2),
                _ => (b'\\', 1),
            },
            (first, _) => (*first, 1),
        };
        bytes.push(byte);
        rest = rest.get(length..).unwrap_or_default();
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::json::validate;

    fn parse(combined: bool, line: &str) -> Result<String, String> {
        let mut record = Vec::new();
        Access { combined }.parse(line, &mut record)?;
        assert_eq!(validate(&record), Ok(()), "{line}");
        Ok(String::from_utf8(record).unwrap())
    }

    #[test]
    fn a_request_becomes_fields() {
        let common =
            r#"1.2.3.4 - ada l [17/May/2015:10:05:03 +0000] "GET /a b?c=%20 HTTP/1.1" 200 -"#;
        assert_eq!(
            parse(false, common).unwrap(),
            "{\"host\":\"1.2.3.4\",\"ident\":null,\"user\":\"ada l\",\
             \"time\":\"2015-05-17T10:05:03Z\",\"method\":\"GET\",\"path\":\"/a b?c=%20\",\
             \"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":null}"
        );
        let combined = format!(r#"{common} "-" "a\"b\\c\x41\xc3\xa4\q" "-" 0.003 "10.0.0.1""#);
        let record = parse(true, &combined).unwrap();
        let end = "\"referer\":null,\"user_agent\":\"a\\\"b\\\\cA\u{e4}\\\\q\",\
                   \"extra\":[null,\"0.003\",\"10.0.0.1\"]}";
        assert!(record.ends_with(end), "{record}");
    }

    #[test]
    fn a_status_is_a_number_however_nginx_writes_it() {
        for (status, number) in [("000", "0"), ("009", "9"), ("200", "200"), ("-", "null")] {
            let line = format!("h - - [17/May/2015:10:05:03 +0000] \"GET /\" {status} 0");
            assert!(parse(false, &line).unwrap().ends_with(&format!(":{number},\"bytes\":0}}")));
        }
    }

    #[test]
    fn what_is_no_request_is_kept_whole() {
        for (request, shown) in [
            ("-", "null"),
            ("\\x16\\x03\\x01", "\"\\u0016\\u0003\\u0001\""),
            ("GET /", "\"GET /\""),
            ("\\xff", "\"\\\\xff\""),
        ] {
            let line = format!("h - - [17/May/2015:10:05:03 +0000] \"{request}\" 400 0");
            let record = parse(false, &line).unwrap();
            assert!(
                record.contains(&format!("\"path\":null,\"protocol\":null,\"request\":{shown},"))
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let good = r#"h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 200 5 "-" "x""#;
        assert!(parse(true, good).is_ok());
        for (from, to, why) in [
            ("h - - [", "h", "the user or the time is missing"),
            ("17/May", "17.May", "the time is not of the form"),
            ("1.0\"", "1.0", "the status is missing"),
            ("200", "2x", "the status is not a number"),
            ("200", "2e2", "the status is not a number"),
            ("h - -", "h:443 1.2.3.4 - -", "there is a word too many before the time"),
            (" 5", "", "the number of bytes is not a number"),
            ("\"-\"", "-", "the referer, in quotes, is missing"),
            ("\"x\"", "\"x", "the user agent, in quotes, is missing"),
            ("\"x\"", "\"x\"y", "characters after the quotes"),
        ] {
            let told = parse(true, &good.replacen(from, to, 1)).unwrap_err();
            assert!(told.starts_with(why), "{from}: {told}");
        }
    }
}
