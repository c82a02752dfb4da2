//! What rotation makes of a file's name: `app.log.1`, `app.log.2.gz`, `app-20240131.log`.

use std::borrow::Cow;
use std::cmp::Ordering;

/// What compressing adds to a name.
const COMPRESSED: [&str; 2] = [".gz", ".zst"];

/// How a rotated file is named after the file that it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    key: Key,
    /// Whether its name says that it is compressed.
    pub compressed: bool,
}

/// What was added to the name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    /// A number that grows with each rotation.
    Number(u64),
    /// A date, or a time, later ones after earlier ones.
    Date(String),
    /// Only one is kept.
    Single,
    /// The name is the file's own, but for compression.
    Itself,
}

impl Rotated {
    /// Whether a file of this name is a rotated one of the file named `live`.
    pub fn of(name: &str, live: &str) -> Option<Rotated> {
        let plain = COMPRESSED.iter().find_map(|end| name.strip_suffix(end));
        let (name, compressed) = (plain.unwrap_or(name), plain.is_some());
        if name == live {
            return compressed.then_some(Rotated { key: Key::Itself, compressed });
        }
        let behind = name.strip_prefix(live).and_then(key);
        let within = || {
            // logrotate's 'extension': the key comes before it.
            let (stem, extension) = live.rsplit_once('.')?;
            let rest = name.strip_prefix(stem)?.strip_suffix(extension)?.strip_suffix('.')?;
            key(rest)
        };
        Some(Rotated { key: behind.or_else(within)?, compressed })
    }

    /// The names of all files that a file of this name may be a rotated one of.
    pub fn lives(name: &str) -> Vec<Cow<'_, str>> {
        let plain = COMPRESSED.iter().find_map(|end| name.strip_suffix(end));
        let mut lives: Vec<Cow<'_, str>> = plain.map(Cow::from).into_iter().collect();
        let name = plain.unwrap_or(name);
        for (at, _) in name.match_indices(['.', '-', '_']) {
            let (live, added) = name.split_at(at);
            if key(added).is_some() {
                lives.push(live.into());
            }
            if let Some((added, extension)) = added.rsplit_once('.')
                && key(added).is_some()
            {
                lives.push(format!("{live}.{extension}").into());
            }
        }
        lives
    }

    /// Which one was rotated earlier, as far as their names say it.
    pub fn order(&self, other: &Rotated) -> Option<Ordering> {
        match (&self.key, &other.key) {
            (Key::Number(one), Key::Number(other)) => Some(other.cmp(one)),
            (Key::Date(one), Key::Date(other)) => Some(one.cmp(other)),
            (Key::Itself, Key::Itself) | (Key::Single, Key::Single) => Some(Ordering::Equal),
            _ => None,
        }
    }

    /// Whether it is the file itself, compressed under its own name.
    pub fn is_live(&self) -> bool {
        self.key == Key::Itself
    }

    /// Whether one is the other, compressed or not.
    pub fn is_same(&self, other: &Rotated) -> bool {
        self.key == other.key
    }
}

/// What was added to a name, with the sign that separates it.
fn key(added: &str) -> Option<Key> {
    if added == ".old" {
        return Some(Key::Single);
    }
    let text = added.strip_prefix(['.', '-', '_'])?;
    let digit = |byte: u8| byte.is_ascii_digit();
    if !text.bytes().next().is_some_and(digit) || !text.bytes().last().is_some_and(digit) {
        return None;
    }
    // Numbers of rotations are small, dates have at least a year and a month.
    if text.len() < 6 && text.bytes().all(digit) {
        return Some(Key::Number(text.parse().ok()?));
    }
    let of_time = |byte: u8| digit(byte) || b"-_.:T".contains(&byte);
    (text.len() >= 6 && text.bytes().all(of_time)).then(|| Key::Date(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rotated_files_are_told_from_others() {
        let live = "app.log";
        for name in [
            "app.log.1",
            "app.log.2.gz",
            "app.log.10.zst",
            "app.log.old",
            "app.log.gz",
            "app.log-20240131",
            "app.log-20240131.gz",
            "app-20240131.log",
            "app.1.log",
            "app.log.2024-01-31T10:11:12",
            "app-2024-01.log.zst",
            "app.log-20240131-1706700000",
        ] {
            assert!(Rotated::of(name, live).is_some(), "{name}");
            assert!(Rotated::lives(name).contains(&live.into()), "{name}");
        }
        for name in [
            "app.log",
            "app.log.1.bak",
            "app.log.tmp",
            "app.logs.1",
            "app2.log",
            "app.log.",
            "app.log.-1",
            "xapp.log.1",
            "app.log1",
            "app-web.log",
            "app.log.gz.1x",
            "app.",
        ] {
            assert!(Rotated::of(name, live).is_none(), "{name}");
            assert!(!Rotated::lives(name).contains(&live.into()), "{name}");
        }
    }

    proptest! {
        #[test]
        fn lives_are_all_that_a_name_may_be_of(
            stem in "[a.1-]{0,3}", added in "[.-]?[0-9.]{0,9}", end in "(\\.a|\\.1)?(\\.gz)?",
            live in "[a.1-]{0,4}(\\.a)?",
        ) {
            let name = format!("{stem}{added}{end}");
            for live in [live, stem.clone(), format!("{stem}.a"), format!("{stem}.1")] {
                let is_one = Rotated::lives(&name).contains(&live.as_str().into());
                prop_assert_eq!(Rotated::of(&name, &live).is_some(), is_one, "{} {}", name, live);
            }
        }
    }

    #[test]
    fn the_order_is_that_of_the_names() {
        let order = |one: &str, other: &str| {
            let rotated = |name| Rotated::of(name, "a.log").unwrap();
            rotated(one).order(&rotated(other))
        };
        assert_eq!(order("a.log.10.gz", "a.log.9"), Some(Ordering::Less));
        assert_eq!(order("a.log.1", "a.log.2.gz"), Some(Ordering::Greater));
        assert_eq!(order("a.log-20240131", "a.log-20240201"), Some(Ordering::Less));
        assert_eq!(order("a.log.1", "a.log-20240201"), None);
    }
}
