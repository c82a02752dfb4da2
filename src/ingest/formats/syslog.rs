//! syslog: RFC 5424, and the older form that RFC 3164 describes, as files and forwarders have it.

mod device;
mod priority;

use self::device::Device;
use self::priority::Priority;
use super::by_line::Parse;
use super::object::Object;
use super::repeated::{Keys, gather};
use super::times::{Missing, Moment, YearlessTimes, is_of_c_library};
use crate::record::text::write_string;
use crate::time::timestamp::{Written, read};

/// The longest tag: RFC 3164 has 32 characters, and no program that is known more than this.
const TAG_BYTES_MAX: usize = 64;

/// Makes a record of a message.
pub(super) struct Syslog {
    times: YearlessTimes,
    /// A value of structured data, its escapes resolved.
    value: String,
    /// The names of parameters of structured data.
    names: Keys,
}

impl Syslog {
    /// Times without a year or a zone have those that are `missing`.
    pub fn new(missing: Missing) -> Syslog {
        Syslog { times: YearlessTimes::new(missing), value: String::new(), names: Keys::default() }
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
        whole: &'t str,
        out: &mut Vec<u8>,
    ) -> Result<&'t str, &'static str> {
        let mut rest = whole;
        const WRONG: &str = "the structured data is not of the form [id name=\"value\"]";
        if !rest.starts_with('[') {
            return Err(WRONG);
        }
        let (begin, mut count) = (out.len(), 0);
        let mut elements = Object::new(out);
        while let Some(inside) = rest.strip_prefix('[') {
            let end = inside.find([' ', ']', '"', '=']).ok_or(WRONG)?;
            let (id, mut inside) = inside.split_at(end);
            if id.is_empty() {
                return Err(WRONG);
            }
            count += 1;
            let out = elements.named(id);
            let begin = out.len();
            let mut params = Object::new(out);
            self.names.begin();
            while let Some(param) = inside.strip_prefix(' ') {
                let (name, value) = param.split_once("=\"").ok_or(WRONG)?;
                if name.is_empty() || name.contains([' ', ']', '"', '=']) {
                    return Err(WRONG);
                }
                self.names.see(whole, whole.len() - param.len(), name);
                inside = self.read_value(value).ok_or(WRONG)?;
                write_string(&self.value, params.named(name));
            }
            params.end();
            self.names.gather(elements.value(), begin);
            rest = inside.strip_prefix(']').ok_or(WRONG)?;
        }
        elements.end();
        if count > 1 {
            gather(out, begin);
        }
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
        // A device's own file, which no daemon wrote.
        if let Some(device) = device::read(line, &mut self.times)
            && device.time.is_some()
        {
            write_device(&device, object);
            return Ok(());
        }
        let (time, rest) = self
            .time(line)
            .ok_or("no time like 'Mar  5 10:00:00' or of RFC 3339 begins the line")?;
        let rest = rest.strip_prefix(' ').ok_or("the hostname is missing")?;
        // The daemons of BSD write the priority before the host, if they are told to.
        let before = rest.strip_prefix('<').and_then(|inside| {
            let (word, rest) = inside.split_once("> ")?;
            Some((Priority::of_names(word).or_else(|| Priority::of_numbers(word))?, rest))
        });
        let (mut priority, rest) = before.map_or((None, rest), |(it, rest)| (Some(it), rest));
        // Firewalls of Cisco begin with a colon, and daemons may have put no host before it.
        let is_device = rest.starts_with(':') && device::read(rest, &mut self.times).is_some();
        let hosted = if is_device { Some((None, rest)) } else { host(rest) };
        let (mut host, mut rest) = hosted.ok_or("the hostname is missing")?;
        if priority.is_none() {
            // OpenWrt, whose times have a day of the week, writes it in the place of the host: a
            // host may have such a name. busybox writes it after that, Solaris in the text.
            if is_of_c_library(line)
                && let Some(found) = host.and_then(Priority::of_names)
            {
                (priority, host) = (Some(found), None);
            } else if let Some((word, behind)) = rest.split_once(' ')
                && tag(behind).is_some()
                && let Some(found) = Priority::of_names(word)
            {
                (priority, rest) = (Some(found), behind);
            } else {
                priority = Priority::in_text(rest);
            }
        }
        if let Some(priority) = priority {
            write_priority(priority, object);
        }
        // What a device sent: the daemon wrote when it got that, and from where.
        let device = device::read(rest, &mut self.times);
        let device = device.filter(|device| device.sequence.is_some() || device.time.is_some());
        if let Some(Device { sequence, node, host: own, text, .. }) = device {
            write_origin(sequence, node, object);
            (host, rest) = (host.or(own), text);
        }
        time.write(object.field("time"));
        write_tail(host, rest, object);
        Ok(())
    }

    /// Reads the same as programs and devices send it, after its priority. Many leave out the host,
    /// and some the time.
    fn read_sent(&mut self, text: &str, object: &mut Object<'_>) {
        if let Some(device) = device::read(text, &mut self.times) {
            return write_device(&device, object);
        }
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

fn write_device(device: &Device<'_>, object: &mut Object<'_>) {
    write_origin(device.sequence, device.node, object);
    match &device.time {
        Some(time) => time.write(object.field("time")),
        None => object.null("time"),
    }
    write_tail(device.host, device.text, object);
}

fn write_origin(sequence: Option<&str>, node: Option<&str>, object: &mut Object<'_>) {
    if let Some(number) = sequence {
        object.field("sequence").extend_from_slice(number.as_bytes());
    }
    if let Some(node) = node {
        object.text("node", node);
    }
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
mod tests;
