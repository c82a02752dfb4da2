//! Functions between objects and arrays of their keys and fields: `keys`, `to_entries`,
//! `from_entries`.

use jaq_core::ValT as _;
use jaq_core::native::{Fun, bome, run, v};

use super::data::Kind;
use super::val::errors::{no_index, unfit};
use super::val::{Error, Map, Text, Val, ValR, field_key};
use crate::expr::meter;

/// Where the key of an entry may be, if not in `key`.
const OTHER_KEYS: [&str; 5] = ["k", "name", "Name", "K", "Key"];

/// The functions of this module.
pub(super) fn natives() -> impl Iterator<Item = Fun<Kind>> {
    let all = [
        run(("keys", v(0), |cv| {
            bome(keys(&cv.1).map(|mut keys| {
                keys.sort();
                Val::array(keys)
            }))
        })),
        run(("keys_unsorted", v(0), |cv| bome(keys(&cv.1).map(Val::array)))),
        run(("to_entries", v(0), |cv| bome(to_entries(cv.1)))),
        run(("from_entries", v(0), |cv| bome(from_entries(cv.1)))),
    ];
    all.into_iter()
}

fn keys(value: &Val) -> Result<Vec<Val>, Error> {
    match value {
        Val::Arr(items) => Ok((0..items.len()).map(Val::from).collect()),
        Val::Obj(fields) => {
            meter::steps(fields.len());
            Ok(fields.keys().cloned().map(Val::Text).collect())
        }
        other => Err(unfit(other, "has no keys")),
    }
}

fn to_entries(value: Val) -> ValR {
    let [key, of_value] = ["key", "value"].map(Text::from);
    let entry = |entry| {
        let (name, value) = entry?;
        let fields = [(key.clone(), name), (of_value.clone(), value)];
        Ok(Val::object(fields.into_iter().collect()))
    };
    value.key_values().map(entry).collect()
}

fn from_entries(value: Val) -> ValR {
    let mut object = Map::default();
    for entry in value.values() {
        meter::step();
        let (key, value) = match &entry? {
            Val::Obj(entry) => (key(entry), field(entry)),
            Val::Null => (Val::Null, Val::Null),
            other => return Err(no_index(other, &Val::text("key"))),
        };
        object.insert(field_key(key)?, value);
    }
    Ok(Val::object(object))
}

fn key(entry: &Map) -> Val {
    let found = entry.get("key").filter(|key| !matches!(key, Val::Null));
    let found = found.or_else(|| {
        OTHER_KEYS.iter().filter_map(|name| entry.get(*name)).find(|key| key.as_bool())
    });
    found.or_else(|| entry.get("Key")).cloned().unwrap_or_default()
}

fn field(entry: &Map) -> Val {
    let found = ["value", "v", "Value"].iter().find_map(|name| entry.get(*name));
    found.cloned().unwrap_or_default()
}
