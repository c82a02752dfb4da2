//! Checking records and picking fields out of them, in one pass over their structure.
//!
//! A [`Plan`] says which fields are wanted; a [`Picker`] goes through a text of many lines, record
//! by record, and says of each wanted field what it is and where. It checks the whole grammar on
//! its way, by the rules of [`super::json`]. It does not say what is wrong: a line that is not a
//! record, or has something that it leaves to others (escapes in keys, say), it calls odd.

mod plan;
mod scalar;
mod slot;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;

use super::json::DEPTH_MAX;
use super::scan::Scanner;

use plan::Place;
pub use plan::{Plan, Step};
pub use slot::{Kind, Slot};

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A record; its line ends at this byte, a LF or the end of the text.
    Record(usize),
    /// Nothing but white space, up to this byte.
    Blank(usize),
    /// Something else: look closer.
    Odd,
}

/// Something is not as it should be, or not as it usually is.
struct Odd;

/// Goes through a text.
pub struct Picker<'a, const TRUSTED: bool> {
    text: &'a [u8],
    scanner: &'a mut Scanner,
    plan: &'a Plan,
    slots: &'a mut [Slot],
}

type Found = (usize, u8);

impl<'a, const TRUSTED: bool> Picker<'a, TRUSTED> {
    /// Begins at the byte `start` of `text`; `slots` has room for each place of the plan.
    pub fn new(
        text: &'a [u8],
        start: usize,
        scanner: &'a mut Scanner,
        plan: &'a Plan,
        slots: &'a mut [Slot],
    ) -> Self {
        scanner.restart(start);
        Picker::resume(text, scanner, plan, slots)
    }

    /// Goes on where another one has stopped, in the same text and with the same parts.
    pub fn resume(
        text: &'a [u8],
        scanner: &'a mut Scanner,
        plan: &'a Plan,
        slots: &'a mut [Slot],
    ) -> Self {
        Picker { text, scanner, plan, slots }
    }

    /// What the last record has at a place.
    pub fn slots(&self) -> &[Slot] {
        self.slots
    }

    #[inline(always)]
    fn next(&mut self) -> Found {
        self.scanner.next(self.text, TRUSTED)
    }

    /// Goes through one line. After an odd one there is no further.
    #[inline(always)]
    pub fn line(&mut self) -> Line {
        self.slots.fill(Slot::default());
        let (start, byte) = self.next();
        if byte == b'\n' {
            return Line::Blank(start);
        }
        // A string whose closing quote is missing would pass here.
        if byte == b'"' {
            return Line::Odd;
        }
        match self.value(0, (start, byte), 0) {
            Ok((end, b'\n')) if TRUSTED || self.scanner.is_sound(end) => Line::Record(end),
            _ => Line::Odd,
        }
    }

    /// A value that is wanted; returns what follows it.
    fn value(&mut self, place: usize, (start, byte): Found, depth: usize) -> Result<Found, Odd> {
        let Some(here) = self.plan.at(place) else { return Err(Odd) };
        let (kind, behind) = match byte {
            b'"' => {
                let behind = self.next();
                match behind.1 {
                    b'\\' => (Kind::Escaped, self.escapes(behind)?),
                    _ => (Kind::Plain, behind),
                }
            }
            b'-' | b'0'..=b'9' => {
                self.number(start)?;
                (Kind::Number, self.next())
            }
            b'{' => {
                if depth == DEPTH_MAX {
                    return Err(Odd);
                }
                match here.keys.is_empty() {
                    true => self.pass(b'{', depth)?,
                    false => self.object(place, depth)?,
                }
                (Kind::Object, self.next())
            }
            b'[' => {
                if depth == DEPTH_MAX {
                    return Err(Odd);
                }
                match here.items.is_empty() {
                    true => self.pass(b'[', depth)?,
                    false => self.array(place, depth)?,
                }
                (Kind::Array, self.next())
            }
            b't' => (Kind::True, self.literal(start, b"true")?),
            b'f' => (Kind::False, self.literal(start, b"false")?),
            b'n' => (Kind::Null, self.literal(start, b"null")?),
            _ => return Err(Odd),
        };
        self.fill(place, kind, start, behind.0);
        Ok(behind)
    }

    /// A value that nobody wants; returns what follows it.
    #[inline(always)]
    fn other(&mut self, first: Found, depth: usize) -> Result<Found, Odd> {
        match first.1 {
            b'{' | b'[' => {
                if depth == DEPTH_MAX {
                    return Err(Odd);
                }
                self.pass(first.1, depth)?;
                Ok(self.next())
            }
            _ => self.scalar(first),
        }
    }

    /// A wanted object, from behind its brace to its closing one.
    fn object(&mut self, place: usize, depth: usize) -> Result<(), Odd> {
        let plan = self.plan;
        let Some(here) = plan.at(place) else { return Err(Odd) };
        let mut first = true;
        loop {
            match self.short_field(here) {
                Some(b',') => {}
                Some(_) => return Ok(()),
                None => match self.field(here, first, depth)? {
                    b',' => {}
                    b'}' => return Ok(()),
                    _ => return Err(Odd),
                },
            }
            first = false;
        }
    }

    /// A field whose value is a number, a word or a string without escapes, all at once; returns
    /// the comma or brace behind it. None if it is another, and then nothing has happened.
    #[inline(always)]
    fn short_field(&mut self, here: &Place) -> Option<u8> {
        let [quote, colon, start, end] = self.scanner.four()?;
        let (quote, colon) = (quote as usize, colon as usize);
        let (start, end) = (start as usize, end as usize);
        let (quote_is, colon_is) = (*self.text.get(quote)?, *self.text.get(colon)?);
        let (value, behind) = (*self.text.get(start)?, *self.text.get(end)?);
        if quote_is != b'"' || colon_is != b':' || (behind != b',' && behind != b'}') {
            return None;
        }
        let kind = match value {
            b'"' => Kind::Plain,
            b'-' | b'0'..=b'9' => {
                self.number(start).ok()?;
                Kind::Number
            }
            b't' if self.is_word(start, b"true") => Kind::True,
            b'f' if self.is_word(start, b"false") => Kind::False,
            b'n' if self.is_word(start, b"null") => Kind::Null,
            _ => return None,
        };
        self.scanner.take_four();
        if let Some(known) = here.key(self.text, quote + 1) {
            self.clear(known.place);
            self.fill(known.place, kind, start, end);
        }
        Some(behind)
    }

    /// Any field; returns what is behind it. At the end of an empty object, its brace.
    #[inline(never)]
    fn field(&mut self, here: &Place, first: bool, depth: usize) -> Result<u8, Odd> {
        let (quote, byte) = self.next();
        if byte != b'"' {
            return if first && byte == b'}' { Ok(byte) } else { Err(Odd) };
        }
        // An escape in a key comes here instead of the colon.
        if self.next().1 != b':' {
            return Err(Odd);
        }
        let value = self.next();
        let behind = match here.key(self.text, quote + 1) {
            Some(known) => {
                self.clear(known.place);
                self.value(known.place, value, depth + 1)?
            }
            None => self.other(value, depth + 1)?,
        };
        Ok(behind.1)
    }

    /// Of a key that comes twice, nothing of the first may stay below it.
    #[inline(always)]
    fn clear(&mut self, place: usize) {
        if let Some(last) = self.plan.at(place).map(|place| place.last)
            && last > place
            && let Some(slots) = self.slots.get_mut(place..=last)
        {
            slots.fill(Slot::default());
        }
    }

    /// Notes what stands at a place, between its first byte and what follows it.
    #[inline(always)]
    fn fill(&mut self, place: usize, kind: Kind, start: usize, behind: usize) {
        let mut end = behind;
        while let Some(b' ' | b'\t' | b'\r') = self.text.get(end.wrapping_sub(1)) {
            end -= 1;
        }
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = Slot::at(kind, start..end);
        }
    }

    /// A wanted array, from behind its bracket to its closing one.
    fn array(&mut self, place: usize, depth: usize) -> Result<(), Odd> {
        let Some(here) = self.plan.at(place) else { return Err(Odd) };
        let mut first = self.next();
        if first.1 == b']' {
            return Ok(());
        }
        let mut count = 0;
        loop {
            let wanted = here.items.iter().find(|(item, _)| *item == count);
            let behind = match wanted {
                Some((_, below)) => self.value(*below, first, depth + 1)?,
                None => self.other(first, depth + 1)?,
            };
            count += 1;
            match behind.1 {
                b',' => first = self.next(),
                b']' => return Ok(()),
                _ => return Err(Odd),
            }
        }
    }

    /// An array or object that nobody wants, from behind its bracket to its closing one.
    #[inline(never)]
    fn pass(&mut self, open: u8, depth: usize) -> Result<(), Odd> {
        if TRUSTED {
            return self.pass_trusted();
        }
        let mut nesting = Nesting::default();
        nesting.push(open == b'{');
        // What stands behind an opening bracket, or behind a comma.
        let mut now = self.next();
        let mut empty = true;
        loop {
            let object = nesting.in_object();
            let mut behind = now;
            if !(empty && now.1 == closing(object)) {
                let value = if object { self.key(now)? } else { now };
                if let b'{' | b'[' = value.1 {
                    if depth + nesting.depth >= DEPTH_MAX {
                        return Err(Odd);
                    }
                    nesting.push(value.1 == b'{');
                    now = self.next();
                    empty = true;
                    continue;
                }
                behind = self.scalar(value)?;
            }
            while behind.1 != b',' {
                if behind.1 != closing(nesting.in_object()) {
                    return Err(Odd);
                }
                nesting.pop();
                if nesting.depth == 0 {
                    return Ok(());
                }
                behind = self.next();
            }
            now = self.next();
            empty = false;
        }
    }

    /// A key that nobody wants, with its colon; returns what follows.
    #[inline(always)]
    fn key(&mut self, quote: Found) -> Result<Found, Odd> {
        if quote.1 != b'"' {
            return Err(Odd);
        }
        let mut colon = self.next();
        if colon.1 == b'\\' {
            colon = self.escapes(colon)?;
        }
        if colon.1 != b':' {
            return Err(Odd);
        }
        Ok(self.next())
    }

    /// A string, number or word; returns what follows it.
    #[inline(always)]
    fn scalar(&mut self, (start, byte): Found) -> Result<Found, Odd> {
        match byte {
            b'"' => {
                let behind = self.next();
                if behind.1 == b'\\' {
                    return self.escapes(behind);
                }
                Ok(behind)
            }
            b'-' | b'0'..=b'9' => {
                self.number(start)?;
                Ok(self.next())
            }
            b't' => self.literal(start, b"true"),
            b'f' => self.literal(start, b"false"),
            b'n' => self.literal(start, b"null"),
            _ => Err(Odd),
        }
    }

    fn pass_trusted(&mut self) -> Result<(), Odd> {
        let mut open = 1;
        loop {
            match self.next().1 {
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                b'\n' => return Err(Odd),
                _ => {}
            }
            if open == 0 {
                return Ok(());
            }
        }
    }

    /// The escapes of a string, the first of which is given; returns what follows the string.
    #[cold]
    #[inline(never)]
    fn escapes(&mut self, mut now: Found) -> Result<Found, Odd> {
        while now.1 == b'\\' {
            let hex = |at: usize| self.text.get(now.0 + at).is_some_and(u8::is_ascii_hexdigit);
            match self.text.get(now.0 + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {}
                Some(b'u') if hex(2) && hex(3) && hex(4) && hex(5) => {}
                _ => return Err(Odd),
            }
            now = self.next();
        }
        Ok(now)
    }

    #[inline(always)]
    fn literal(&mut self, start: usize, word: &[u8]) -> Result<Found, Odd> {
        if !self.is_word(start, word) {
            return Err(Odd);
        }
        Ok(self.next())
    }

    #[inline(always)]
    fn is_word(&self, start: usize, word: &[u8]) -> bool {
        TRUSTED || scalar::is_word(self.text, start, word)
    }

    #[inline(always)]
    fn number(&self, start: usize) -> Result<(), Odd> {
        match TRUSTED || scalar::is_number(self.text, start) {
            true => Ok(()),
            false => Err(Odd),
        }
    }
}

/// What closes a container.
#[inline(always)]
fn closing(object: bool) -> u8 {
    if object { b'}' } else { b']' }
}

/// One bit a level: whether the container that is open there is an object.
#[derive(Default)]
struct Nesting {
    objects: [u64; DEPTH_MAX / 64 + 1],
    depth: usize,
}

impl Nesting {
    fn push(&mut self, object: bool) {
        let (word, bit) = (self.depth / 64, self.depth % 64);
        if let Some(word) = self.objects.get_mut(word) {
            *word = *word & !(1 << bit) | (u64::from(object) << bit);
        }
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn in_object(&self) -> bool {
        let top = self.depth.wrapping_sub(1);
        self.objects.get(top / 64).is_some_and(|word| word >> (top % 64) & 1 == 1)
    }
}
