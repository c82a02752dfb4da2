//! What devices of Cisco send: a number of the message, a mark of a clock that is not right, a time
//! with the name of a zone, a name of the device, and a tag like `%SYS-5-CONFIG_I`. All but the tag
//! may be missing.

use crate::ingest::formats::times::{Moment, YearlessTimes};

/// A message of a device.
pub(super) struct Device<'t> {
    /// The number of the message, without zeros in front.
    pub sequence: Option<&'t str>,
    pub time: Option<Moment<'t>>,
    pub host: Option<&'t str>,
    /// The tag, and what comes after it.
    pub text: &'t str,
}

/// Reads a message, which comes after its priority.
pub(super) fn read<'t>(text: &'t str, times: &mut YearlessTimes) -> Option<Device<'t>> {
    // Nearly all others lack this.
    let tag = memchr::memchr(b'%', text.as_bytes())?;
    if tag > 0 && !text.get(..tag)?.ends_with(": ") {
        return None;
    }
    let mut rest = text.strip_prefix(": ").unwrap_or(text);
    let mut sequence = None;
    // One that the sender counts, and one that the device counts itself.
    for _ in 0..2 {
        let Some((number, behind)) = part(rest, |byte| byte.is_ascii_digit()) else { break };
        let number = number.trim_start_matches('0');
        (sequence, rest) = (Some(if number.is_empty() { "0" } else { number }), behind);
    }
    let mut host = None;
    let mut timed = time(rest, times);
    if timed.is_none()
        && let Some((name, behind)) = part(rest, |byte| byte.is_ascii_graphic() && byte != b'%')
    {
        timed = time(behind, times);
        // A device without a clock tells how long it runs: 00:00:46, 1d02h, 3w4d.
        let runs = timed.is_none() && name.bytes().all(|byte| b"0123456789:.ydhw".contains(&byte));
        (host, rest) = if runs { (None, behind) } else { (Some(name), behind) };
    }
    let (time, text) = timed.map_or((None, rest), |(time, rest)| (Some(time), rest));
    has_tag(text).then_some(Device { sequence, time, host, text })
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
    let is_severity = |part: &&str| matches!(part.as_bytes(), [b'0'..=b'7']);
    parts.len() >= 3
        && parts.iter().all(|part| is_word(part))
        && parts.get(1..parts.len() - 1).is_some_and(|inner| inner.iter().any(is_severity))
}

/// What is at the front, of these bytes alone and up to a colon and a space; and what comes after
/// it.
fn part(text: &str, is_of_it: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    let (part, rest) = text.split_once(": ")?;
    (!part.is_empty() && part.bytes().all(is_of_it)).then_some((part, rest))
}

/// The time at the front, which a star or a dot marks as that of a clock that is not right.
fn time<'t>(text: &'t str, times: &mut YearlessTimes) -> Option<(Moment<'t>, &'t str)> {
    let (moment, rest) = times.read(text.strip_prefix(['*', '.']).unwrap_or(text))?;
    let (zone, rest) = rest.split_once(": ")?;
    let zone = zone.strip_prefix(' ').unwrap_or(zone);
    let is_zone = zone.len() <= 5 && zone.bytes().all(|byte| byte.is_ascii_uppercase());
    is_zone.then_some((moment, rest))
}
