//! Facility and severity: as the number that is sent, and as the names that some daemons write to
//! their files.

/// A facility and a severity, as RFC 5424 numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Priority {
    pub facility: u8,
    pub severity: u8,
}

/// The names of the facilities, in the order of their numbers.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

/// The names of the severities, likewise, and others that syslog(3) knows for them.
const SEVERITIES: [&[&str]; 8] = [
    &["emerg", "panic"],
    &["alert"],
    &["crit"],
    &["err", "error"],
    &["warning", "warn"],
    &["notice"],
    &["info"],
    &["debug"],
];

impl Priority {
    /// Reads the number in front of `>`, and gives what comes after that.
    pub fn sent(text: &str) -> Option<(Priority, &str)> {
        let (digits, rest) = text.split_once('>')?;
        let plain =
            matches!(digits.len(), 1..=3) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u8 = plain.then(|| digits.parse().ok())??;
        (number <= 191).then_some((Priority { facility: number / 8, severity: number % 8 }, rest))
    }

    /// Reads numbers like `3.6`.
    pub fn of_numbers(word: &str) -> Option<Priority> {
        let (facility, severity) = word.split_once('.')?;
        let (facility, severity) = (facility.parse().ok()?, severity.parse().ok()?);
        (facility < 24 && severity < 8).then_some(Priority { facility, severity })
    }

    /// Finds the one that Solaris puts before the text of a message, as in
    /// `a[1]: [ID 800047 auth.info] …`.
    pub fn in_text(text: &str) -> Option<Priority> {
        let (tag, inside) = text.split_once(": [ID ")?;
        let (number, word) = inside.split_once(']')?.0.split_once(' ')?;
        let is_one = !tag.contains(' ') && number.bytes().all(|byte| byte.is_ascii_digit());
        is_one.then(|| Priority::of_names(word))?
    }

    /// Reads a word like `daemon.info`.
    pub fn of_names(word: &str) -> Option<Priority> {
        let (facility, severity) = word.split_once('.')?;
        let facility = FACILITIES.iter().position(|name| *name == facility)?;
        let severity = SEVERITIES.iter().position(|names| names.contains(&severity))?;
        let number = |at: usize| u8::try_from(at).ok();
        Some(Priority { facility: number(facility)?, severity: number(severity)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_read() {
        let of = |facility, severity| Priority { facility, severity };
        assert_eq!(Priority::sent("165>1 x"), Some((of(20, 5), "1 x")));
        for none in ["192>x", ">x", "+1>x", "0001>x", "1 x"] {
            assert_eq!(Priority::sent(none), None, "{none}");
        }
        assert_eq!(Priority::of_names("daemon.info"), Some(of(3, 6)));
        assert_eq!(Priority::of_names("local7.warn"), Some(of(23, 4)));
        assert_eq!(Priority::of_numbers("3.6"), Some(of(3, 6)));
        assert_eq!(Priority::in_text("a[1]: [ID 800047 auth.info] x"), Some(of(4, 6)));
        for none in ["24.1", "3.8", "3", "a.1", "3.6.1"] {
            assert_eq!(Priority::of_numbers(none), None, "{none}");
        }
        for none in ["daemon", "a.b", "mail.x", "daemon.info.x", ""] {
            assert_eq!(Priority::of_names(none), None, "{none}");
        }
    }
}
