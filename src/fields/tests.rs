use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn fields(records: &[Value], paths_max: usize) -> Vec<Field> {
    let mut collector = Collector::new(paths_max);
    records.iter().for_each(|record| collector.record(record.to_string().as_bytes()));
    collector.fields()
}

/// What a path has, all of it.
#[derive(Default)]
struct Plain {
    records: BTreeSet<usize>,
    values: Vec<Value>,
}

fn walk(path: &str, record: usize, value: &Value, all: &mut BTreeMap<String, Plain>) {
    let plain = all.entry(path.to_owned()).or_default();
    plain.records.insert(record);
    plain.values.push(value.clone());
    let below = |key: &str| if path == "." { format!(".{key}") } else { format!("{path}.{key}") };
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| walk(&below(key), record, value, all));
        }
        Value::Array(array) => {
            array.iter().for_each(|value| walk(&format!("{path}[]"), record, value, all));
        }
        _ => {}
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-5_i64..9).prop_map(Value::from),
        (-40_i32..40).prop_map(|n| json!(f64::from(n) / 8.0)),
        "[a-cé\"\\n]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Against a plain model that keeps all values.
    #[test]
    fn fields_are_what_a_plain_model_finds(records in proptest::collection::vec(value(), 1..40)) {
        let mut all = BTreeMap::new();
        records.iter().enumerate().for_each(|(number, record)| walk(".", number, record, &mut all));
        if records.iter().all(Value::is_object) {
            all.remove(".");
        }
        let found = fields(&records, 10_000);
        let paths: BTreeSet<&str> = found.iter().map(|field| &*field.path).collect();
        prop_assert_eq!(paths, all.keys().map(String::as_str).collect::<BTreeSet<_>>());
        for field in &found {
            let Plain { records, values } = &all[&field.path];
            prop_assert_eq!(field.records as usize, records.len(), "{}", &field.path);
            for kind in Kind::ALL {
                let count = values.iter().filter(|value| Kind::of(value.to_string().as_bytes()) == kind);
                let told = field.kinds.iter().find(|(told, _)| *told == kind).map_or(0, |(_, it)| *it);
                prop_assert_eq!(told as usize, count.count());
            }
            let mut numbers: Vec<f64> = values.iter().filter_map(Value::as_f64).collect();
            numbers.sort_by(f64::total_cmp);
            if let (Some(least), Some(most)) = (numbers.first(), numbers.last()) {
                let told = |text: &Option<String>| text.as_ref().unwrap().parse::<f64>().unwrap();
                prop_assert_eq!((told(&field.min), told(&field.max)), (*least, *most));
                let n = numbers.len();
                let median = (numbers[(n - 1) / 2] + numbers[n / 2]) / 2.0;
                prop_assert!((told(&field.median) - median).abs() <= median.abs() * 0.02 + 1e-9);
            } else {
                let texts: BTreeSet<&str> = values.iter().filter_map(Value::as_str).collect();
                let told = |text: Option<&&str>| text.map(|text| json!(text).to_string());
                prop_assert_eq!(&field.min, &told(texts.first()));
                prop_assert_eq!(&field.max, &told(texts.last()));
                prop_assert_eq!(&field.median, &None);
            }
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for value in values.iter().filter(|it| !it.is_null() && !it.is_object() && !it.is_array()) {
                // Numbers are the same if they are equal; they come in one spelling here.
                *counts.entry(value.to_string()).or_default() += 1;
            }
            for one in &field.common {
                let value = String::from_utf8(one.value.clone()).unwrap();
                prop_assert!(one.is_whole && one.count <= counts[&value]);
            }
            let most = counts.values().copied().max().filter(|most| *most > 1);
            if counts.len() <= 40 {
                prop_assert_eq!(field.common.first().map(|one| one.count), most);
            }
        }
    }

    /// However many keys there are, no more paths than there may be are told, and nothing fails.
    #[test]
    fn paths_are_limited(
        keys in proptest::collection::vec(("[a-z]{1,2}", "[a-z]{1,2}", "[a-b]"), 0..300),
        paths_max in 3_usize..40,
    ) {
        let record = |(one, two, three): &(String, String, String)| {
            json!({"a": {one.as_str(): {two.as_str(): {three.as_str(): 1}}}, "b": [{two.as_str(): one.as_str()}]})
        };
        let records: Vec<Value> = keys.iter().map(record).collect();
        let found = fields(&records, paths_max);
        prop_assert!(found.len() <= paths_max.max(9), "{}", found.len());
        let values = |field: &Field| field.kinds.iter().map(|(_, count)| count).sum::<u64>();
        let leaves = found.iter().filter(|field| field.path.starts_with(".b[]") && field.path != ".b[]");
        prop_assert_eq!(leaves.map(values).sum::<u64>() as usize, records.len());
        prop_assert!(found.iter().all(|field| field.records as usize <= records.len()));
    }
}

#[test]
fn objects_whose_keys_are_data_are_maps() {
    let record =
        |n: usize| json!({"users": {format!("u{n}"): {"age": n % 90, "odd key": []}}, "n": n});
    let records: Vec<Value> = (0..200).map(record).collect();
    let found = fields(&records, 1_000);
    let paths: Vec<&str> = found.iter().map(|field| &*field.path).collect();
    let expected = [".n", ".users", ".users[]", ".users[].age", ".users[][\"odd key\"]"];
    assert_eq!(paths, expected);
    let age = found.iter().find(|field| field.path == ".users[].age").unwrap();
    assert_eq!((age.records, age.distinct), (200, 90));
    assert_eq!((age.min.as_deref(), age.max.as_deref()), (Some("0"), Some("89")));
    // Many fields that most records have are no map.
    let wide: Value =
        (0..150).map(|n| (format!("f{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    assert_eq!(fields(&vec![wide; 9], 1_000).len(), 150);
}

#[test]
fn deep_and_odd_records_are_taken() {
    let deep = "[".repeat(500) + &"]".repeat(500);
    let mut collector = Collector::new(100);
    for record in [&*deep, "17", "\"x\"", "{}", "{\"\":{\"a.b\":1e999}}", " {\"a\" : [ 1 , 2 ] } "]
    {
        collector.record(record.as_bytes());
    }
    let found = collector.fields();
    assert_eq!(found[0].path, ".");
    let paths: Vec<&str> = found.iter().map(|field| &*field.path).collect();
    assert!(paths.contains(&".[\"\"][\"a.b\"]") && paths.contains(&".a[]"), "{paths:?}");
    assert_eq!(collector.records(), 6);
}

/// However the number of different values is estimated.
#[test]
fn there_are_no_more_different_values_than_values() {
    let records: Vec<Value> =
        (0..20_000).map(|n| json!({"t": format!("2026-11-30T{n}")})).collect();
    let found = fields(&records, 10);
    assert!((19_000..=20_000).contains(&found[0].distinct), "{}", found[0].distinct);
}
