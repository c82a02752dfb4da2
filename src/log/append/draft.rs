//! A topic that does not exist yet: what its settings would be, and which records it would refuse.
//! So a topic need not be created for input of which it takes nothing.

use std::sync::Arc;

use super::batch::{Placement, prepare};
use super::placement::place_by_key;
use crate::api::appending::Unique;
use crate::api::error::BadRecord;
use crate::expr::{Bounds, Program};
use crate::log::settings::{Settings, check_name};
use crate::log::unique::key::Keyer;
use crate::log::{LogError, topic};

/// A topic that may be created later.
#[derive(Clone, Debug)]
pub struct Draft {
    settings: Settings,
}

impl Draft {
    /// A topic of this name and these settings.
    ///
    /// # Errors
    /// When no topic can have them.
    pub fn new(name: &str, settings: Settings) -> Result<Draft, LogError> {
        check_name(name)?;
        settings.check()?;
        settings.check_new_expressions()?;
        Ok(Draft { settings })
    }

    /// What tells which records the topic would refuse.
    ///
    /// # Errors
    /// When the expression of the unique keys is not jq.
    pub fn refusing(&self, unique: Option<&Unique>) -> Result<Refusing, LogError> {
        let bounds = || Bounds::served(Arc::default());
        let key = self.settings.key.as_ref();
        let key = key.map(|key| topic::compile(key, bounds())).transpose()?;
        let keyer = unique.map(|unique| Keyer::new(&unique.key, &[0; 16], bounds())).transpose()?;
        Ok(Refusing { settings: self.settings.clone(), key, keyer })
    }

    /// Which records at the front of `lines`, one a line, the topic would refuse: those before the
    /// first one that it would take, or of which it cannot tell now.
    ///
    /// # Errors
    /// When the expression of the unique keys is not jq.
    pub fn leading_bad(
        &self,
        lines: &[u8],
        unique: Option<&Unique>,
    ) -> Result<Vec<BadRecord>, LogError> {
        let mut refusing = self.refusing(unique)?;
        let mut bad = Vec::new();
        for (number, line) in (0..).zip(lines.split_inclusive(|&byte| byte == b'\n')) {
            match refusing.why(line) {
                Some(why) => bad.push(BadRecord { record: number, why }),
                None => break,
            }
        }
        Ok(bad)
    }
}

/// Tells which records a topic would refuse that may be created later.
pub struct Refusing {
    settings: Settings,
    key: Option<Program>,
    keyer: Option<Keyer>,
}

impl Refusing {
    /// Why the topic would refuse a record, with its line end, as far as that is certain.
    pub fn why(&mut self, line: &[u8]) -> Option<String> {
        let Refusing { settings, key, keyer } = self;
        let (mut exceeded, mut text) = (None, Vec::new());
        let mut place = |record: &[u8]| {
            let partition = match key {
                Some(key) => {
                    place_by_key(key, record, settings.partitions, &mut text, &mut exceeded)?
                }
                None => 0,
            };
            if let Some(keyer) = keyer {
                keyer.hash(record).map_err(|no_key| no_key.why(&mut exceeded))?;
            }
            Ok(partition)
        };
        let longest = settings.record_bytes_max();
        match prepare(line.to_vec(), None, longest, Some(&mut place as Placement<'_>)) {
            Err(LogError::BadRecords { records })
                if !exceeded.is_some_and(|it| it.is_passing()) =>
            {
                records.into_iter().next().map(|bad| bad.why)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(settings: Settings, unique: Option<&str>, lines: &str) -> Vec<u64> {
        let draft = Draft::new("t", settings).unwrap();
        let unique = unique.map(|key| Unique { key: key.to_owned(), ..Unique::default() });
        let bad = draft.leading_bad(lines.as_bytes(), unique.as_ref()).unwrap();
        assert!(bad.iter().all(|bad| !bad.why.is_empty()), "{bad:?}");
        bad.into_iter().map(|bad| bad.record).collect()
    }

    #[test]
    fn bad_records_count_up_to_the_first_good_one() {
        let open = || Settings::new(1, None);
        assert_eq!(bad(open(), None, "x\n{\n"), [0, 1]);
        assert_eq!(bad(open(), None, "x\n{}\n{\n"), [0]);
        assert_eq!(bad(open(), None, "{\"@millstream\":{}}\n"), [0]);
        assert!(bad(open(), None, "{}\nx\n").is_empty());
        assert!(bad(open(), None, "").is_empty());
    }

    #[test]
    fn keys_count() {
        let keyed = Settings::new(2, Some(".a.b".to_owned()));
        assert_eq!(bad(keyed.clone(), None, "{\"a\":1}\n{\"a\":{}}\n"), [0]);
        assert_eq!(bad(keyed, Some(".id"), "{\"a\":{}}\n"), [0]);
        assert_eq!(bad(Settings::new(1, None), Some(".id"), "{}\n{\"id\":1}\n"), [0]);
    }

    #[test]
    fn a_topic_that_cannot_be_created_is_no_draft() {
        assert!(Draft::new("../x", Settings::new(1, None)).is_err());
        assert!(Draft::new("t", Settings::new(0, None)).is_err());
        assert!(Draft::new("t", Settings::new(1, Some("{".to_owned()))).is_err());
    }
}
