//! Results as records: one object a group.

use crate::aggregate::functions::function::{Column, Scope};
use crate::record::text::write_string;

/// What stands between the values of a group's key: no JSON text on one line has it.
pub const KEY_SEPARATOR: u8 = b'\n';

/// A result: where it is, and what it is of.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Its first fields, as JSON with commas between them.
    pub head: &'a [u8],
    /// The key of the group.
    pub key: &'a [u8],
    /// The number of the group in the columns.
    pub group: usize,
    /// What it may depend on beside the records.
    pub scope: Scope,
}

impl<'a> Row<'a> {
    /// The values of the groups, as JSON.
    pub fn key_values(&self) -> impl Iterator<Item = &'a [u8]> {
        self.key.split(|byte| *byte == KEY_SEPARATOR)
    }
}

/// A field of a result, but for the first ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A group.
    Group(usize),
    /// An aggregate.
    Aggregate(usize),
}

/// The fields of a result, and their order: groups first, then aggregates.
#[derive(Debug)]
pub struct Layout {
    /// `"name":` for each group field.
    groups: Vec<Vec<u8>>,
    /// `"name":` for each aggregate.
    aggregates: Vec<Vec<u8>>,
}

impl Layout {
    /// Results with these fields.
    pub fn new<'a>(
        groups: impl Iterator<Item = &'a str>,
        aggregates: impl Iterator<Item = &'a str>,
    ) -> Layout {
        Layout { groups: groups.map(label).collect(), aggregates: aggregates.map(label).collect() }
    }

    /// What is called `name`.
    pub fn part(&self, name: &str) -> Option<Part> {
        let label = label(name);
        let place = |labels: &[Vec<u8>]| labels.iter().position(|known| *known == label);
        let group = place(&self.groups).map(Part::Group);
        group.or_else(|| place(&self.aggregates).map(Part::Aggregate))
    }

    /// Appends the result of a group, a line.
    pub fn write(&self, row: &Row<'_>, columns: &mut [Box<dyn Column>], out: &mut Vec<u8>) {
        out.push(b'{');
        out.extend_from_slice(row.head);
        let mut first = row.head.is_empty();
        for (label, value) in self.groups.iter().zip(row.key_values()) {
            start_field(&mut first, label, out);
            out.extend_from_slice(value);
        }
        self.write_rest(first, columns, row.group, row.scope, out);
        out.extend_from_slice(b"}\n");
    }

    /// Appends the aggregates of a group alone, as the inside of an object.
    pub fn write_aggregates(
        &self,
        columns: &mut [Box<dyn Column>],
        group: usize,
        scope: Scope,
        out: &mut Vec<u8>,
    ) {
        self.write_rest(true, columns, group, scope, out);
    }

    fn write_rest(
        &self,
        mut first: bool,
        columns: &mut [Box<dyn Column>],
        group: usize,
        scope: Scope,
        out: &mut Vec<u8>,
    ) {
        for (label, column) in self.aggregates.iter().zip(columns) {
            start_field(&mut first, label, out);
            column.write(group, scope, out);
        }
    }
}

fn label(name: &str) -> Vec<u8> {
    let mut label = Vec::new();
    write_string(name, &mut label);
    label.push(b':');
    label
}

fn start_field(first: &mut bool, label: &[u8], out: &mut Vec<u8>) {
    if !std::mem::take(first) {
        out.push(b',');
    }
    out.extend_from_slice(label);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::functions::function::{Call, Function};
    use crate::aggregate::table::Table;

    #[test]
    fn fields_stand_in_order() {
        let count = Function::find("count").unwrap();
        let column = || (count.column)(Call { bare: true, number: 0.0, merges: false });
        let mut table = Table::new(vec![column(), column()], false);
        for key in [b"\"x\"\nnull".as_slice(), b"1\n[2]"] {
            table.enter(table.find(key), key, 0);
        }
        let layout = Layout::new(["a", "b\""].into_iter(), ["n", "m"].into_iter());
        let mut out = Vec::new();
        for (group, head) in [b"\"w\":0".as_slice(), b""].into_iter().enumerate() {
            let key = table.key(group).to_owned();
            let row = Row { head, key: &key, group, scope: Scope::default() };
            layout.write(&row, &mut table.columns, &mut out);
        }
        let expected = r#"{"w":0,"a":"x","b\"":null,"n":0,"m":0}
{"a":1,"b\"":[2],"n":0,"m":0}
"#;
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}
