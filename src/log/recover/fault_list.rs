//! What is wrong with a segment, as a person can read it: equal faults of neighbours are one, and
//! there is an end to them.

/// How many faults of a segment are told one by one.
const FAULTS_MAX: usize = 64;

/// The faults of a segment, in order of their offsets.
#[derive(Clone, Debug, Default)]
pub(in crate::log) struct Faults {
    told: Vec<Fault>,
    /// How many there were besides.
    more: u64,
    /// The offset of the last one.
    last: Option<u64>,
}

#[derive(Clone, Debug)]
struct Fault {
    offset: u64,
    /// The first and the last of the index's entries that it is of, if it is of any.
    entries: Option<(u64, u64)>,
    why: String,
}

impl Faults {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// Whether the last one is at this offset.
    pub fn is_at(&self, offset: u64) -> bool {
        self.last == Some(offset)
    }

    /// Adds one.
    pub fn push(&mut self, offset: u64, why: impl Into<String>) {
        self.add(Fault { offset, entries: None, why: why.into() });
    }

    /// Adds one of an entry of the index.
    pub fn push_entry(&mut self, offset: u64, number: u64, why: &str) {
        self.last = Some(offset);
        if let Some(before) = self.told.last_mut()
            && self.more == 0
            && let Some((_, last)) = &mut before.entries
            && last.checked_add(1) == Some(number)
            && before.why == why
        {
            *last = number;
            return;
        }
        self.add(Fault { offset, entries: Some((number, number)), why: why.to_owned() });
    }

    fn add(&mut self, fault: Fault) {
        self.last = Some(fault.offset);
        if self.told.len() < FAULTS_MAX {
            self.told.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// All of them in words, each with the offset at which it begins.
    pub fn into_words(self) -> Vec<(u64, String)> {
        let more = self.last.filter(|_| self.more > 0);
        let more = more.map(|last| (last, format!("the last of {} further faults", self.more)));
        self.told.into_iter().map(Fault::into_words).chain(more).collect()
    }
}

impl Fault {
    fn into_words(self) -> (u64, String) {
        let why = match self.entries {
            None => self.why,
            Some((first, last)) if first == last => format!("index entry {first}: {}", self.why),
            Some((first, last)) => format!("index entries {first} to {last}: {}", self.why),
        };
        (self.offset, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_neighbours_are_one_and_others_stay_apart() {
        let mut faults = Faults::default();
        assert!(faults.is_empty());
        (0..1300).for_each(|number| faults.push_entry(number * 2, number, "flipped"));
        faults.push_entry(2600, 1300, "cut");
        faults.push_entry(2604, 1302, "cut");
        faults.push(2700, "missing");
        assert!(faults.is_at(2700) && !faults.is_at(2604) && !faults.is_empty());
        let words = faults.into_words();
        let words: Vec<_> = words.iter().map(|(at, why)| (*at, why.as_str())).collect();
        assert_eq!(
            words,
            [
                (0, "index entries 0 to 1299: flipped"),
                (2600, "index entry 1300: cut"),
                (2604, "index entry 1302: cut"),
                (2700, "missing"),
            ]
        );
    }

    #[test]
    fn there_is_an_end_to_them() {
        let mut faults = Faults::default();
        (0..1000).for_each(|number| faults.push_entry(number, number * 2, "flipped"));
        let words = faults.into_words();
        assert_eq!(words.len(), FAULTS_MAX + 1);
        assert_eq!(words.last().unwrap(), &(999, "the last of 936 further faults".to_owned()));
    }
}
