//! Tests: states that are merged give what one state would have given, for every function.

use proptest::prelude::*;

use super::catalog::FUNCTIONS;
use super::function::{Argument, Column, Scope};
use crate::aggregate::plan::Plan;
use crate::aggregate::plan::spec::{AggregateSpec, GroupSpec};
use crate::aggregate::table::Table;

/// An aggregate for each function of the catalogue, with and without an argument where both can be.
pub(in crate::aggregate) fn aggregates() -> Vec<AggregateSpec> {
    let mut texts = Vec::new();
    for function in FUNCTIONS {
        let name = function.name;
        let of = |value: &str| match function.argument {
            Argument::Optional | Argument::Required | Argument::Condition => {
                format!("{name}({value})")
            }
            Argument::Pair => format!("{name}({value}; .y)"),
            Argument::Fraction => format!("{name}({value}; 0.3)"),
            Argument::Count => format!("{name}(3; {value})"),
        };
        if function.argument == Argument::Optional {
            texts.push(name.to_owned());
        }
        texts.extend([of(".x"), of(".x") + " where .y > 2"]);
    }
    let numbered = |(at, text)| AggregateSpec::parse(&format!("a{at}={text}"));
    texts.iter().enumerate().map(numbered).map(|spec| spec.unwrap().unwrap()).collect()
}

/// Puts a record into a table, as the aggregator does.
fn put(plan: &mut Plan, table: &mut Table, record: &str, arrival: u64) {
    let mut key = Vec::new();
    let Plan { reading, projection } = plan;
    let mut record = reading.load(record.as_bytes()).unwrap();
    projection.write_key(&mut record, &mut key).unwrap();
    let found = table.find(&key);
    projection.stage(found.number, &mut record, &mut table.columns).unwrap();
    let group = table.enter(found, &key, arrival);
    table.columns.iter_mut().for_each(|column| column.apply(group, arrival));
}

/// The key of each group, and what each function gives for it.
fn results(table: &mut Table) -> Vec<(String, Vec<String>)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let given = |group: usize, column: &mut dyn Column| {
        let mut out = Vec::new();
        column.write(group, Scope { seconds: Some(4.0), ..Scope::default() }, &mut out);
        text(&out)
    };
    let order: Vec<usize> = table.in_order().collect();
    let of = |group| {
        let values = table.columns.iter_mut().map(|column| given(group, &mut **column)).collect();
        (text(table.key(group)), values)
    };
    order.into_iter().map(of).collect()
}

/// Whether two results are the same; those of Welford's algorithm but for a rounding.
fn agree(function: &str, one: &str, other: &str) -> bool {
    match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) if ["stddev", "varian"].iter().any(|f| function.starts_with(f)) => {
            (one - other).abs() <= 1e-9 * one.abs().max(1.0)
        }
        _ => one == other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Records are shared out to tables at random, and the tables are merged in any order. Floats
    /// are multiples of a quarter, so that their sums are exact.
    #[test]
    fn merged_tables_are_the_table_of_all(
        records in proptest::collection::vec((0_u8..3, 0_u8..10, -8_i32..80, 0_usize..4), 0..150),
        order in Just([0_usize, 1, 2, 3]).prop_shuffle(),
    ) {
        let aggregates = aggregates();
        let functions: Vec<&str> = aggregates.iter().map(|one| one.function.name).collect();
        let mut plan = Plan::new(vec![GroupSpec::parse(".k").unwrap()], aggregates.clone()).unwrap();
        let mut all = plan.projection.factory().table(true);
        let mut parts: Vec<Table> = order.iter().map(|_| plan.projection.factory().table(true)).collect();
        for (arrival, (key, spelling, quarters, part)) in (1..).zip(&records) {
            let x = match spelling {
                0 => "null".to_owned(),
                1 => format!("{quarters}.0"),
                2..6 => format!("{quarters}"),
                _ => format!("{}", f64::from(*quarters) / 4.0),
            };
            let y = if quarters % 7 == 0 { "null".to_owned() } else { format!("{}", quarters % 5) };
            let record = format!("{{\"k\":\"k{key}\",\"x\":{x},\"y\":{y}}}");
            put(&mut plan, &mut all, &record, arrival);
            put(&mut plan, &mut parts[*part], &record, arrival);
        }
        let mut merged = plan.projection.factory().table(true);
        order.iter().for_each(|part| merged.merge(&parts[*part]));
        let (expected, given) = (results(&mut all), results(&mut merged));
        prop_assert_eq!(given.len(), expected.len());
        for ((key, given), (expected_key, expected)) in given.iter().zip(&expected) {
            prop_assert_eq!(key, expected_key);
            for (function, (given, expected)) in functions.iter().zip(given.iter().zip(expected)) {
                let same = agree(function, given, expected);
                prop_assert!(same, "{}: {} instead of {}", function, given, expected);
            }
        }
        // A group that is cleared is as a new one.
        let cleared = |table: &mut Table| {
            for group in 0..table.len() {
                table.columns.iter_mut().for_each(|column| column.clear(group));
            }
        };
        let mut fresh = plan.projection.factory().table(true);
        for group in 0..all.len() {
            fresh.enter(fresh.find(all.key(group)), all.key(group), group as u64);
        }
        cleared(&mut all);
        prop_assert_eq!(results(&mut all), results(&mut fresh));
    }
}
