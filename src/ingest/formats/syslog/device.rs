//! What devices of Cisco send: numbers of the message, a name of the device, a mark of a clock that
//! is not right, a time with the name of a zone, and a tag like `%SYS-5-CONFIG_I`. All but the tag
//! may be missing. Those of IOS XR name the part of the router and the process, too.

use crate::ingest::formats::times::{Moment, YearlessTimes};

/// A message of a device.
pub(super) struct Device<'t> {
    /// The number of the message, without zeros in front.
    pub sequence: Option<&'t str>,
    pub time: Option<Moment<'t>>,
    pub host: Option<&'t str>,
    /// The part of the router that wrote it, `RP/0/RSP0/CPU0`.
    pub node: Option<&'t str>,
    /// The tag, with the process before it on IOS XR, and what comes after it.
    pub text: &'t str,
}

/// Reads a message, which comes after its priority.
pub(super) fn read<'t>(text: &'t str, times: &mut YearlessTimes) -> Option<Device<'t>> {
    // Nearly all others lack this.
    let tag = memchr::memchr(b'%', text.as_bytes())?;
    if tag > 0 && !text.get(..tag)?.trim_end_matches(' ').ends_with(':') {
        return None;
    }
    let mut rest = text.strip_prefix(':').unwrap_or(text);
    rest = rest.strip_prefix(' ').unwrap_or(rest);
    let mut device = Device { sequence: None, time: None, host: None, node: None, text: rest };
    // One number that the sender counts, and one that the device counts itself.
    let mut numbers = 0;
    loop {
        if device.read_node(rest, times) || device.read_time(rest, times) {
            break;
        }
        device.text = rest;
        let Some((word, behind)) = rest.split_once(": ") else { break };
        if numbers < 2 && is_digits(word) {
            let number = word.trim_start_matches('0');
            device.sequence = Some(if number.is_empty() { "0" } else { number });
            numbers += 1;
        } else if is_uptime(word) {
            device.text = behind;
            break;
        } else if device.host.is_none() && is_name(word) {
            device.host = Some(word);
        } else {
            break;
        }
        rest = behind;
    }
    let tagged = match device.node {
        Some(_) => device.text.split_once(": ")?.1,
        None => device.text,
    };
    has_tag(tagged).then_some(device)
}

impl<'t> Device<'t> {
    /// Reads `host RP/0/RSP0/CPU0:Jan  1 00:00:00.123 UTC: ` at the front, of which the host and
    /// the zone may be missing.
    fn read_node(&mut self, text: &'t str, times: &mut YearlessTimes) -> bool {
        let Some((place, behind)) = text.split_once(':') else { return false };
        let (host, node) =
            place.split_once(' ').map_or((self.host, place), |(host, node)| (Some(host), node));
        let parts = node.split('/').count();
        let is_of_it = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_');
        let is_node = (3..=4).contains(&parts) && node.bytes().all(is_of_it);
        if !is_node || host.is_some_and(|host| !is_name(host)) {
            return false;
        }
        let Some((moment, behind)) = times.read(unmarked(behind)) else { return false };
        let Some((zone, text)) = behind.split_once(": ") else { return false };
        if !matches!(zone, "" | " ") && !zone.strip_prefix(' ').is_some_and(is_zone) {
            return false;
        }
        (self.host, self.node, self.time, self.text) = (host, Some(node), Some(moment), text);
        true
    }

    /// Reads the time at the front, with all up to the tag: a zone, a name as firewalls write it,
    /// a colon.
    fn read_time(&mut self, text: &'t str, times: &mut YearlessTimes) -> bool {
        let Some((moment, behind)) = times.read(unmarked(text)) else { return false };
        let Some((between, tag)) = behind.find('%').and_then(|at| behind.split_at_checked(at))
        else {
            return false;
        };
        let Some(between) = between.trim_end_matches(' ').strip_suffix(':') else { return false };
        let mut words = between.split_ascii_whitespace();
        let host = match (words.next(), words.next(), words.next()) {
            (None, ..) => None,
            // Names are set off from the colon, zones are not; but not all names.
            (Some(zone), None, _) if is_zone(zone) && !between.ends_with(' ') => None,
            (Some(host), None, _) if is_name(host) => Some(host),
            // A daemon's host and a device's number look like that, too.
            (Some(zone), Some(host), None)
                if is_zone(zone) && is_name(host) && !is_digits(host) =>
            {
                Some(host)
            }
            _ => return false,
        };
        if host.is_some() && self.host.is_some() {
            return false;
        }
        self.host = host.or(self.host);
        self.time = Some(moment);
        self.text = tag;
        true
    }
}

/// Without the star or dot that marks the time of a clock that is not right.
fn unmarked(text: &str) -> &str {
    text.strip_prefix(['*', '.']).unwrap_or(text)
}

fn is_digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether this is how long a device without a clock runs: `00:00:46`, `1d02h`, `3w4d`.
fn is_uptime(word: &str) -> bool {
    let clock = word.split('.').next().unwrap_or_default();
    let by_colons = clock.split(':').count() == 3 && clock.split(':').all(is_digits);
    let by_units = word.ends_with(|last| "ywdhms".contains(last))
        && word.split_terminator(['y', 'w', 'd', 'h', 'm', 's']).all(is_digits);
    by_colons || by_units
}

/// Whether this may be a time zone: `UTC`, `CEST`, `MSK/MSD`.
fn is_zone(word: &str) -> bool {
    let is_one = |part: &str| {
        matches!(part.len(), 1..=5) && part.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    word.split('/').count() <= 2 && word.split('/').all(is_one)
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%')
}

/// Whether it begins with a tag: `%FACILITY-SEVERITY-MNEMONIC`, with more of the facility between
/// them. Other programs may begin a message with a percent sign, too.
fn has_tag(text: &str) -> bool {
    let Some(tag) = text.strip_prefix('%') else { return false };
    let tag = tag.split([':', ' ']).next().unwrap_or_default();
    let is_word = |part: &str| {
        let is_of_it =
            |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        !part.is_empty() && part.bytes().all(is_of_it)
    };
    let parts: Vec<&str> = tag.split('-').collect();
    let [first, inner @ .., last] = parts.as_slice() else { return false };
    let is_severity = |part: &&str| matches!(part.as_bytes(), [b'0'..=b'7']);
    // Firewalls name the class of the message in small letters: %ASA-session-6-302013.
    let is_inner = |part: &&str| is_word(&part.to_ascii_uppercase());
    is_word(first) && is_word(last) && inner.iter().all(is_inner) && inner.iter().any(is_severity)
}
