//! Conditions over fields in hand that no record has been made of.

use super::Program;
use crate::record::pick::{Kind, Slot, Step};
use crate::record::scan::TEXT_BYTES_MAX;

/// The fields of an object, as far as a program reads them, without the object.
#[derive(Debug)]
pub struct LooseFields {
    /// The names of the fields, each with its place among the slots.
    names: Vec<(String, usize)>,
    text: Vec<u8>,
    slots: Vec<Slot>,
}

impl LooseFields {
    /// What they are called.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// Forgets what they were.
    pub fn clear(&mut self) {
        self.text.clear();
        self.slots.fill(Slot::default());
        if let Some(object) = self.slots.first_mut() {
            *object = Slot::at(Kind::Object, 0..0);
        }
    }

    /// Sets the field that is the `at`-th of the names to the JSON that `write` appends.
    pub fn set(&mut self, at: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.text.len();
        write(&mut self.text);
        let json = self.text.get(begin..).unwrap_or_default();
        let place = self.names.get(at).map(|(_, place)| *place);
        if let Some(slot) = place.and_then(|place| self.slots.get_mut(place)) {
            *slot = Slot::at(Kind::of(json), begin..begin + json.len());
        }
    }

    /// Keeps JSON that is none of the fields.
    pub fn pass(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.text);
    }

    /// All that was set and passed.
    pub fn text(&self) -> &Vec<u8> {
        &self.text
    }
}

impl Program {
    /// The fields that the expressions read, if they are fast and look at nothing but at fields of
    /// an object.
    pub fn loose_fields(&self) -> Option<LooseFields> {
        let fast = self.fast.as_ref().ok()?;
        let field = |path: &Vec<Step>| match path.as_slice() {
            [Step::Key(name)] => Some((name.clone(), fast.place(path)?)),
            _ => None,
        };
        let mut names = fast.paths().iter().map(field).collect::<Option<Vec<_>>>()?;
        names.sort_unstable();
        names.dedup();
        let slots = vec![Slot::default(); fast.slots().len()];
        Some(LooseFields { names, text: Vec::new(), slots })
    }

    /// What [`super::ParsedRecord::truth`] is for an object with these fields; none, if it takes
    /// the object to tell.
    pub fn truth_of(&mut self, index: usize, fields: &LooseFields) -> Option<bool> {
        let fast = self.fast.as_mut().ok()?;
        let known = fields.text.len() <= TEXT_BYTES_MAX && fast.recall(&fields.slots);
        let truth = known.then(|| fast.truth(index, &fields.text));
        truth?.ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONDITIONS: [&str; 6] = [
        ".a > 2",
        ".a == .b or .b == null",
        ".a + 1 > .c",
        "(.b // 3) < .a and .c != \"x\"",
        ".c | startswith(\"x\")",
        ".a",
    ];

    const VALUES: [&str; 10] = [
        "0",
        "-1.5e3",
        "3",
        "null",
        "true",
        "\"x\"",
        "\"\\u0078y\"",
        "[1,{}]",
        "{}",
        "12345678901234567890",
    ];

    proptest! {
        #[test]
        fn loose_fields_are_as_those_of_an_object(picked in proptest::collection::vec(0..VALUES.len() + 1, 3)) {
            let fields = ["a", "b", "c"].into_iter().zip(picked);
            let fields: Vec<(&str, &str)> =
                fields.filter_map(|(name, value)| Some((name, *VALUES.get(value)?))).collect();
            let object: Vec<String> =
                fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            let object = format!("{{{}}}", object.join(","));
            for condition in CONDITIONS {
                let mut program = Program::compile(&[condition]).unwrap();
                let mut loose = program.loose_fields().unwrap();
                loose.clear();
                let names: Vec<String> = loose.names().map(str::to_owned).collect();
                for (at, name) in names.iter().enumerate() {
                    if let Some((_, json)) = fields.iter().find(|(known, _)| known == name) {
                        loose.set(at, |out| out.extend_from_slice(json.as_bytes()));
                    }
                }
                let truth = program.truth_of(0, &loose);
                let whole = program.load(object.as_bytes()).unwrap().truth(0);
                prop_assert!(truth.is_none_or(|truth| whole == Ok(truth)), "{} {}", condition, object);
                // What is no error is told without the object.
                prop_assert!(truth.is_some() || whole.is_err() || object.contains('\\'), "{} {}", condition, object);
            }
        }
    }

    #[test]
    fn what_looks_at_more_than_fields_has_no_loose_ones() {
        for condition in
            [".", ".a.b", "has(\"a\")", ".[\"a\"][0]", "any(.a[]; . > 1) and .b[1:]", "length > 1"]
        {
            assert!(
                Program::compile(&[condition]).unwrap().loose_fields().is_none(),
                "{condition}"
            );
        }
    }
}
