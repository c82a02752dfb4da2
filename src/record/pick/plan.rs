//! Which fields are wanted, as a tree of paths, ready to be compared with a record's bytes.

/// The fields that are wanted: a tree of paths. A place in it is a number; the record itself is 0.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    places: Vec<Place>,
}

/// What is wanted at one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) keys: Vec<Key>,
    /// The first bytes of the keys, each as one of 64 bits: most keys of a record are not wanted.
    firsts: u64,
    /// Items with their places.
    pub(super) items: Vec<(usize, usize)>,
    /// The last place below this one; they follow it without a gap.
    pub(super) last: usize,
}

/// A wanted key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The key and the quote behind it.
    spelled: Box<[u8]>,
    /// Its first eight bytes, and which of them count.
    word: u64,
    mask: u64,
    /// Its last eight bytes, if it has eight to sixteen.
    last: Option<u64>,
    pub(super) place: usize,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A field of an object.
    Key(String),
    /// An item of an array, counted from 0.
    Item(usize),
}

impl Plan {
    /// A plan for these paths.
    pub fn new<'p>(paths: impl IntoIterator<Item = &'p [Step]>) -> Plan {
        let mut plan = Plan::default();
        plan.grow(&paths.into_iter().collect::<Vec<_>>());
        plan
    }

    /// What is wanted at a place.
    #[inline(always)]
    pub(super) fn at(&self, place: usize) -> Option<&Place> {
        self.places.get(place)
    }

    /// How many places it has.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether only the record itself is wanted.
    pub fn is_empty(&self) -> bool {
        self.places.len() <= 1
    }

    /// The place of a path, or of the beginning of one, that is wanted.
    pub fn place(&self, path: &[Step]) -> Option<usize> {
        path.iter().try_fold(0, |at, step| {
            let place = self.places.get(at)?;
            match step {
                Step::Key(key) => place.keys.iter().find(|k| k.is(key)).map(|k| k.place),
                Step::Item(item) => {
                    place.items.iter().find(|(i, _)| i == item).map(|(_, place)| *place)
                }
            }
        })
    }

    /// Adds a place with all that is below it; returns its number.
    fn grow(&mut self, paths: &[&[Step]]) -> usize {
        let here = self.places.len();
        self.places.push(Place::default());
        let mut firsts: Vec<&Step> = Vec::new();
        for step in paths.iter().filter_map(|path| path.first()) {
            if !firsts.contains(&step) {
                firsts.push(step);
            }
        }
        for first in firsts {
            let below: Vec<&[Step]> = paths
                .iter()
                .filter_map(|path| path.split_first())
                .filter(|(s, _)| *s == first)
                .map(|(_, rest)| rest)
                .collect();
            let place = self.grow(&below);
            if let Some(at) = self.places.get_mut(here) {
                match first {
                    Step::Key(key) => at.push(Key::new(key, place)),
                    Step::Item(item) => at.items.push((*item, place)),
                }
            }
        }
        let last = self.places.len() - 1;
        if let Some(place) = self.places.get_mut(here) {
            place.last = last;
        }
        here
    }
}

impl Place {
    fn push(&mut self, key: Key) {
        self.firsts |= key.spelled.first().map_or(0, |first| 1 << (first & 63));
        self.keys.push(key);
    }

    /// The wanted key that begins at `at`, behind a quote.
    #[allow(clippy::manual_find)] // The iterator's is not inlined everywhere: twice the time.
    #[inline(always)]
    pub(super) fn key(&self, text: &[u8], at: usize) -> Option<&Key> {
        let first = *text.get(at)?;
        if self.firsts >> (first & 63) & 1 == 0 {
            return None;
        }
        for key in &self.keys {
            if key.matches_at(text, at) {
                return Some(key);
            }
        }
        None
    }
}

impl Key {
    fn new(key: &str, place: usize) -> Key {
        let spelled: Box<[u8]> = key.bytes().chain([b'"']).collect();
        let mut word = [0; 8];
        let mut mask = [0; 8];
        for ((byte, w), m) in spelled.iter().zip(&mut word).zip(&mut mask) {
            (*w, *m) = (*byte, 0xff);
        }
        let last = spelled.last_chunk().filter(|_| spelled.len() <= 16).copied();
        Key {
            word: u64::from_le_bytes(word),
            mask: u64::from_le_bytes(mask),
            last: last.map(u64::from_le_bytes),
            spelled,
            place,
        }
    }

    fn is(&self, key: &str) -> bool {
        self.spelled.strip_suffix(b"\"") == Some(key.as_bytes())
    }

    /// Whether this key begins at `at`, behind a quote.
    #[inline(always)]
    fn matches_at(&self, text: &[u8], at: usize) -> bool {
        let word = |at: usize| Some(u64::from_le_bytes(*text.get(at..)?.first_chunk()?));
        let length = self.spelled.len();
        match (word(at), self.last) {
            (Some(first), _) if first & self.mask != self.word => false,
            (Some(_), _) if length <= 8 => true,
            // Two words that overlap are all of it.
            (Some(_), Some(last)) => word(at + length - 8) == Some(last),
            _ => self.matches_whole_at(text, at),
        }
    }

    fn matches_whole_at(&self, text: &[u8], at: usize) -> bool {
        text.get(at..).is_some_and(|rest| rest.starts_with(&self.spelled))
    }
}
