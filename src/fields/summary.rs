//! What is in a field: the values of a path.

use std::cmp::Ordering;

use super::common::{Common, Frequent};
use crate::expr::Value;
use crate::record::number::Number;

/// How much of the least and the greatest text is kept, in bytes.
const TEXT_BYTES_MAX: usize = 64;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// null.
    Null,
    /// true or false.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 6] =
        [Kind::Null, Kind::Bool, Kind::Number, Kind::String, Kind::Array, Kind::Object];

    /// What jq's `type` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "boolean",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::Array => "array",
            Kind::Object => "object",
        }
    }

    /// The kind of a value, by its first byte.
    pub fn of(json: &[u8]) -> Kind {
        match json.first() {
            Some(b'n') | None => Kind::Null,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'"') => Kind::String,
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            Some(_) => Kind::Number,
        }
    }
}

/// The values of a path, but for what the columns of the collector hold.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many there are of each kind.
    counts: [u64; Kind::ALL.len()],
    numbers: Extremes<Ranked>,
    texts: Extremes<Box<str>>,
    common: Common,
}

/// A number, and how it is spelled.
#[derive(Clone, Debug)]
struct Ranked {
    number: Number,
    spelling: Box<str>,
}

#[derive(Debug)]
struct Extremes<T>(Option<(T, T)>);

impl<T> Default for Extremes<T> {
    fn default() -> Extremes<T> {
        Extremes(None)
    }
}

impl<T: Clone> Extremes<T> {
    fn take(&mut self, value: &T, compare: impl Fn(&T, &T) -> Ordering) {
        let Some((least, greatest)) = &mut self.0 else {
            self.0 = Some((value.clone(), value.clone()));
            return;
        };
        if compare(value, least) == Ordering::Less {
            *least = value.clone();
        } else if compare(value, greatest) == Ordering::Greater {
            *greatest = value.clone();
        }
    }
}

impl Summary {
    /// Takes a value; `json` is the same as it is spelled.
    pub fn take(&mut self, kind: Kind, value: &Value<'_>, json: &[u8]) {
        self.counts[kind as usize] += 1;
        match value {
            Value::Number(spelling) => {
                if let Ok(number) = Number::parse(spelling) {
                    self.number(number, spelling);
                }
            }
            Value::Text(text) => {
                let end = text.floor_char_boundary(TEXT_BYTES_MAX);
                self.text(text.get(..end).unwrap_or_default());
            }
            Value::Null | Value::Bool(_) | Value::Json(_) => {}
        }
        if !matches!(kind, Kind::Null | Kind::Array | Kind::Object) {
            self.common.take(json);
        }
    }

    fn number(&mut self, number: Number, spelling: &str) {
        let is_between = self.numbers.0.as_ref().is_some_and(|(least, greatest)| {
            least.number.compare(number) != Ordering::Greater
                && greatest.number.compare(number) != Ordering::Less
        });
        if !is_between {
            let ranked = Ranked { number, spelling: spelling.into() };
            self.numbers.take(&ranked, |one, other| one.number.compare(other.number));
        }
    }

    fn text(&mut self, text: &str) {
        let between =
            |(least, greatest): &(Box<str>, Box<str>)| **least <= *text && *text <= **greatest;
        if !self.texts.0.as_ref().is_some_and(between) {
            self.texts.take(&text.into(), Ord::cmp);
        }
    }

    /// Adds the values of another one.
    pub fn merge(&mut self, other: &Summary) {
        self.counts.iter_mut().zip(other.counts).for_each(|(ours, theirs)| *ours += theirs);
        if let Some((least, greatest)) = &other.numbers.0 {
            [least, greatest].into_iter().for_each(|it| self.number(it.number, &it.spelling));
        }
        if let Some((least, greatest)) = &other.texts.0 {
            [least, greatest].into_iter().for_each(|text| self.text(text));
        }
        self.common.merge(&other.common);
    }

    /// How many values are of this kind.
    pub fn count(&self, kind: Kind) -> u64 {
        self.counts[kind as usize]
    }

    /// How many values there are.
    pub fn values(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The least and the greatest value as JSON: of the numbers; if there are none, of the strings,
    /// of which the first characters are kept.
    pub fn extremes(&self) -> Option<[String; 2]> {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let numbers = self.numbers.0.as_ref();
        let numbers = numbers.map(|(least, most)| [least, most].map(|it| it.spelling.to_string()));
        let texts = self.texts.0.as_ref();
        numbers.or_else(|| texts.map(|(least, most)| [least, most].map(|text| quoted(text))))
    }

    /// The most frequent values.
    pub fn common(&self, count: usize) -> Vec<Frequent> {
        self.common.most(count)
    }
}
