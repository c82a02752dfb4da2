//! Strings as slices of a shared text.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};
use std::sync::Arc;

use super::held::Held;

/// The longest string, in bytes.
pub(in crate::expr::jaq) const TEXT_BYTES_MAX: usize = 256 << 20;

/// A string: a part of a text that others may hold parts of, too.
#[derive(Clone, Default)]
pub(in crate::expr::jaq) struct Text {
    whole: Arc<Held<String>>,
    start: u32,
    end: u32,
}

impl Text {
    /// The part of `whole` at `range`. Strings are at most [`TEXT_BYTES_MAX`] long where they are
    /// made; one that is longer than 32 bits can count would be cut.
    pub(in crate::expr::jaq) fn slice(whole: &Arc<Held<String>>, range: Range<usize>) -> Text {
        let bound = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Text { whole: Arc::clone(whole), start: bound(range.start), end: bound(range.end) }
    }

    pub(in crate::expr::jaq) fn as_str(&self) -> &str {
        self.whole.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The same string as `part`, which usually is a slice of this one.
    pub(in crate::expr::jaq) fn part(&self, part: &[u8]) -> Text {
        let start = part.as_ptr().addr().wrapping_sub(self.whole.as_ptr().addr());
        let range = start..start.wrapping_add(part.len());
        match self.whole.get(range.clone()) {
            Some(same) if same.as_ptr() == part.as_ptr() => Text::slice(&self.whole, range),
            _ => Text::from(String::from_utf8_lossy(part).into_owned()),
        }
    }

    /// Adds another string behind it: in its place, if nobody else holds a part of the same text.
    pub(in crate::expr::jaq) fn push_str(&mut self, more: &str) {
        let is_whole = self.start == 0 && self.end as usize == self.whole.len();
        match Arc::get_mut(&mut self.whole) {
            Some(whole) if is_whole => whole.push_str(more),
            _ => {
                let mut both: Held<String> = Held::default();
                both.make_room(self.len().saturating_add(more.len()));
                both.push_str(self);
                both.push_str(more);
                self.whole = Arc::new(both);
                self.start = 0;
            }
        }
        self.end = u32::try_from(self.whole.len()).unwrap_or(u32::MAX);
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        let range = 0..text.len();
        Text::slice(&Arc::new(Held::from(text)), range)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::from(text.to_owned())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Text) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Text) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

/// As a `str`, so that an object finds its fields by one.
impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}
