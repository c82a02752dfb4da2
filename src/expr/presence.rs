//! Which of the fields that expressions read no record had: most often, a name is misspelled.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::name::spelled;
use crate::record::near::nearest as nearest_name;
use crate::record::pick::{Kind, Slot, Step};
use crate::state::{Reader, StateError, Writer};

/// How many fields are watched: each has one bit.
const FIELDS_MAX: usize = 64;

/// The longest record, in bytes, that is kept as an example of what records have.
const EXAMPLE_BYTES_MAX: usize = 64 << 10;

/// How many names of fields a message lists.
const LISTED_MAX: usize = 8;

/// Which fields were in any of the records that programs with the same expressions read, also on
/// several threads.
#[derive(Clone, Debug, Default)]
pub struct Presence(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// The fields, each behind the one that it is in.
    paths: OnceLock<Vec<Vec<Step>>>,
    /// A bit for each field: whether a record had it.
    found: AtomicU64,
    /// The first record that any of the threads read; empty if it is too long.
    example: OnceLock<Vec<u8>>,
}

impl Presence {
    /// Says which fields no record had, and what may have been meant. None if each was in a record,
    /// or there was no record.
    pub fn absent(&self) -> Option<String> {
        let example = self.0.example.get()?;
        let found = self.0.found.load(Ordering::Relaxed);
        let paths = self.0.paths.get()?.iter().enumerate();
        let mut absent: Vec<&[Step]> = Vec::new();
        for (_, path) in paths.filter(|(number, _)| found & (1 << number) == 0) {
            // What is in a field that is absent is absent, too.
            if !absent.iter().any(|outer| path.starts_with(outer)) {
                absent.push(path);
            }
        }
        let names: Vec<String> = absent.iter().map(|path| spelled(path)).collect();
        match names.as_slice() {
            [] => None,
            names => {
                Some(format!("no record had {}{}", names.join(" or "), help(&absent, example)))
            }
        }
    }
}

/// What may have been meant by these fields, judged by a record.
fn help(absent: &[&[Step]], example: &[u8]) -> String {
    let Ok(example) = serde_json::from_slice(example) else { return String::new() };
    let near: Vec<String> = absent.iter().filter_map(|path| nearest(path, &example)).collect();
    if !near.is_empty() {
        return format!("; did you mean {}?", near.join(" and "));
    }
    let Some([outer @ .., _]) = absent.first() else { return String::new() };
    let names = names(outer, &example);
    let mut listed = names.iter().take(LISTED_MAX).map(|name| below(outer, name)).peekable();
    if listed.peek().is_none() {
        return String::new();
    }
    let mut text = "; one record has".to_owned();
    listed.for_each(|field| text.extend([" ", &field]));
    if names.len() > LISTED_MAX {
        let _ = write!(text, " and {} more", names.len() - LISTED_MAX);
    }
    text
}

/// The field of the record whose name is nearest to that of an absent one, if any is near.
fn nearest(path: &[Step], example: &serde_json::Value) -> Option<String> {
    let [outer @ .., Step::Key(name)] = path else { return None };
    let near = nearest_name(name, names(outer, example));
    near.map(|other| below(outer, other))
}

/// The names of the fields that a record has below a path.
fn names<'e>(outer: &[Step], example: &'e serde_json::Value) -> Vec<&'e str> {
    let inside = outer.iter().try_fold(example, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Item(_) => None,
    });
    let fields = inside.and_then(serde_json::Value::as_object).into_iter().flatten();
    fields.map(|(key, _)| key.as_str()).collect()
}

/// The field of this name below a path, as jq spells it.
fn below(outer: &[Step], name: &str) -> String {
    spelled(&[outer, &[Step::Key(name.to_owned())]].concat())
}

/// Watches which fields the records have that one program reads.
#[derive(Default)]
pub(super) struct Watch {
    presence: Presence,
    /// Those that no record had so far; none if nobody watches.
    missing: Vec<Missing>,
    /// Whether a record was looked at.
    begun: bool,
}

struct Missing {
    bit: u64,
    path: Vec<Step>,
    /// Its place among the slots of the fast evaluator.
    place: usize,
}

impl Watch {
    /// Watches the fields that these paths begin with.
    pub(super) fn new(presence: &Presence, paths: Vec<Vec<Step>>) -> Watch {
        let fields = presence.0.paths.get_or_init(|| fields(&paths));
        let missing = fields.iter().enumerate().map(|(number, path)| Missing {
            bit: 1 << number,
            path: path.clone(),
            place: usize::MAX,
        });
        Watch { presence: presence.clone(), missing: missing.collect(), begun: false }
    }

    /// Says at which places the fields are.
    pub(super) fn place(&mut self, place: impl Fn(&[Step]) -> Option<usize>) {
        for field in &mut self.missing {
            field.place = place(&field.path).unwrap_or(usize::MAX);
        }
    }

    /// Saves which fields were found; that nobody watches, if so.
    pub(super) fn save(&self, to: &mut Writer) {
        let shared = &*self.presence.0;
        to.put_option(shared.paths.get(), |to, paths| {
            to.put_option(shared.example.get(), |to, example| to.put_bytes(example));
            let found = shared.found.load(Ordering::Relaxed);
            to.put_len(paths.len());
            for (number, path) in paths.iter().enumerate() {
                to.put_bytes(spelled(path).as_bytes());
                to.put_bool(found & (1 << number) != 0);
            }
        });
    }

    /// Restores what [`Watch::save`] saved. Of a field that was not watched then nobody knows
    /// whether it was missing, and nothing is said.
    ///
    /// # Errors
    /// When it is no such state.
    pub(super) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let absent = from.take_option(|from| {
            let example = from.take_option(Reader::take_bytes)?;
            let mut absent = Vec::new();
            for _ in 0..from.take_count(2)? {
                let (name, found) = (from.take_str()?, from.take_bool()?);
                if !found {
                    absent.push(name);
                }
            }
            Ok((example, absent))
        })?;
        let (example, absent) = absent.unwrap_or_default();
        let shared = &*self.presence.0;
        if let Some(example) = example.filter(|_| shared.paths.get().is_some()) {
            self.begun = true;
            shared.example.get_or_init(|| example.to_vec());
        }
        self.find(|field| !absent.contains(&&*spelled(&field.path)));
        Ok(())
    }

    /// Looks at a record in whose slots the fast evaluator has put the fields.
    #[inline(always)]
    pub(super) fn look(&mut self, record: &[u8], slots: &[Slot]) {
        // Most records have none of those that are still missing.
        let has =
            |field: &Missing| slots.get(field.place).is_none_or(|slot| slot.kind != Kind::Missing);
        if !self.missing.is_empty() && (!self.begun || self.missing.iter().any(has)) {
            self.look_closer(record, has);
        }
    }

    /// Looks at a record that `has` fields.
    pub(super) fn look_by(&mut self, record: &[u8], has: impl Fn(&[Step]) -> bool) {
        if !self.missing.is_empty() {
            self.look_closer(record, |field| has(&field.path));
        }
    }

    #[inline(never)]
    fn look_closer(&mut self, record: &[u8], has: impl Fn(&Missing) -> bool) {
        self.begun = true;
        let shared = &*self.presence.0;
        shared.example.get_or_init(|| match record.len() <= EXAMPLE_BYTES_MAX {
            true => record.to_vec(),
            false => Vec::new(),
        });
        self.find(has);
    }

    /// Takes note of the fields that are there.
    fn find(&mut self, has: impl Fn(&Missing) -> bool) {
        let mut found = 0;
        self.missing.retain(|field| {
            let here = has(field);
            found |= if here { field.bit } else { 0 };
            !here
        });
        if found != 0 {
            self.presence.0.found.fetch_or(found, Ordering::Relaxed);
        }
    }
}

/// The fields of objects that paths begin with, each behind the one that it is in.
fn fields(paths: &[Vec<Step>]) -> Vec<Vec<Step>> {
    let mut fields: Vec<Vec<Step>> = Vec::new();
    for path in paths {
        let keys = path.iter().take_while(|step| matches!(step, Step::Key(_))).count();
        for length in 1..=keys {
            let field = path.get(..length).unwrap_or_default();
            if fields.len() < FIELDS_MAX && !fields.iter().any(|known| known == field) {
                fields.push(field.to_vec());
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::super::Program;
    use super::*;

    /// What is said after these records, the same by both evaluators.
    fn absent(sources: &[&str], records: &[&str]) -> String {
        let said = [true, false].map(|fast| {
            let presence = Presence::default();
            let program = Program::compile(sources).unwrap();
            let mut program = if fast { program } else { program.without_fast() };
            program.watch(&presence);
            for record in records {
                program.load(record.as_bytes()).unwrap();
            }
            presence.absent().unwrap_or_default()
        });
        assert_eq!(said[0], said[1], "{sources:?}");
        said[0].clone()
    }

    #[test]
    fn a_field_that_no_record_had_is_told_with_what_is_near() {
        let records = [r#"{"path":"/","status":1}"#, r#"{"other":2}"#];
        for (sources, said) in [
            (vec![".paht"], "no record had .paht; did you mean .path?"),
            (
                vec![".paht", ".sttus > 1"],
                "no record had .paht or .sttus; did you mean .path and .status?",
            ),
            (vec![".nope"], "no record had .nope; one record has .path .status"),
            (vec![".p"], "no record had .p; one record has .path .status"),
            (vec![".\"odd name\""], "no record had .[\"odd name\"]; one record has .path .status"),
            (vec![".other", ".path"], ""),
            (vec!["1"], ""),
        ] {
            assert_eq!(absent(&sources, &records), said, "{sources:?}");
        }
        assert_eq!(absent(&[".nope"], &[]), "");
        assert_eq!(absent(&[".nope"], &[r#"{"nope":null}"#]), "");
        assert_eq!(absent(&[".nope"], &["{}"]), "no record had .nope");
    }

    #[test]
    fn what_the_expression_makes_itself_is_not_told() {
        let records = [r#"{"a":1}"#];
        for source in ["{nope: .a} | .nope", ".nope = .a | .nope", "(.a | {nope: .}).nope"] {
            assert_eq!(absent(&[source], &records), "", "{source}");
        }
    }

    #[test]
    fn of_fields_in_fields_the_outermost_is_told() {
        let mut program = Program::compile(&[".a.brid.c", ".x[0].y"]).unwrap();
        let presence = Presence::default();
        program.watch(&presence);
        program.load(br#"{"a":{"dog":1,"bird":2}}"#).unwrap();
        let said = presence.absent().unwrap();
        assert_eq!(said, "no record had .a.brid or .x; did you mean .a.bird?");
        // A key with an escape is for jaq, which finds it, too.
        program.load(br#"{"a":{"\u0062rid":{"c":1}}}"#).unwrap();
        assert_eq!(presence.absent().unwrap(), "no record had .x; one record has .a");
    }

    /// What is said after the first record was read by one program and the second by another, to
    /// which its state was restored.
    fn restored(watched: [bool; 2], sources: [&str; 2]) -> String {
        let presence = [Presence::default(), Presence::default()];
        let program = |number: usize| {
            let mut program = Program::compile(&[sources[number]]).unwrap();
            if watched[number] {
                program.watch(&presence[number]);
            }
            program
        };
        let (mut before, mut after) = (program(0), program(1));
        before.load(br#"{"a":1}"#).unwrap();
        let mut saved = Writer::new();
        before.save_presence(&mut saved);
        let mut from = Reader::new(saved.as_bytes());
        after.restore_presence(&mut from).unwrap();
        from.end().unwrap();
        after.load(br#"{"b":1}"#).unwrap();
        presence[1].absent().unwrap_or_default()
    }

    #[test]
    fn what_was_found_is_restored() {
        let all = ".a + .b + .c";
        assert_eq!(restored([true, true], [all, all]), "no record had .c; one record has .a");
        // Whether .c was there before, nobody knows.
        assert_eq!(restored([true, true], [".a + .b + .d", all]), "");
        assert_eq!(restored([false, true], [all, all]), "");
        assert_eq!(restored([true, false], [all, all]), "");
    }

    #[test]
    fn several_programs_find_fields_for_each_other() {
        let presence = Presence::default();
        for record in [r#"{"a":1}"#, r#"{"b":1}"#] {
            let mut program = Program::compile(&[".a + .b + .c"]).unwrap();
            program.watch(&presence);
            program.load(record.as_bytes()).unwrap();
        }
        assert_eq!(presence.absent().unwrap(), "no record had .c; one record has .a");
    }
}
