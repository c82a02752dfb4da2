use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::aggregate::functions::function::Scope;
use crate::aggregate::{AggregateSpec, GroupSpec};

fn plan(by: &[&str], aggregates: &[&str]) -> Plan {
    let groups = by.iter().map(|text| GroupSpec::parse(text).unwrap()).collect();
    let aggregates = aggregates.iter().map(|text| AggregateSpec::parse(text).unwrap().unwrap());
    Plan::new(groups, aggregates.collect()).unwrap()
}

fn over(by: &[&str], aggregates: &[&str], extent: Extent, out_of_order_ms: i64) -> Over {
    let out_of_order = Duration::from_ms(out_of_order_ms).unwrap();
    Over::new(plan(by, aggregates), extent, out_of_order, Selection::default()).unwrap()
}

fn time(ms: i64) -> Extent {
    Extent::Time(Duration::from_ms(ms).unwrap())
}

/// What comes out for records, those in event time by their field `t`.
fn run(over: &mut Over, records: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut out, mut late) = (Vec::new(), Vec::new());
    for record in records {
        if let Extent::Records(_) = over.state.extent {
            over.record(record.as_bytes(), &mut out).unwrap();
            continue;
        }
        let value: Value = serde_json::from_str(record).unwrap();
        let taken = over.record_at(value["t"].as_i64().unwrap(), record.as_bytes(), &mut out);
        if taken.unwrap() != Taken::In {
            late.push(record.clone());
        }
    }
    over.finish(&mut out).unwrap();
    (String::from_utf8(out).unwrap().lines().map(str::to_owned).collect(), late)
}

fn results(over: &mut Over, records: &[&str]) -> Vec<String> {
    run(over, &records.iter().map(|record| (*record).to_owned()).collect::<Vec<_>>()).0
}

#[test]
fn a_plain_number_is_one_of_records() {
    assert_eq!("10".parse(), Ok(Extent::Records(10)));
    assert_eq!("1m30s".parse(), Ok(time(90_000)));
    for (text, why) in [
        ("0", "the minimum is 1: the record itself counts"),
        ("0s", "the duration must be longer than 0"),
        ("ten", "neither a number of records, like 10, nor a duration, like 10m: "),
        ("-1", "neither a number of records, like 10, nor a duration, like 10m: "),
    ] {
        let said = text.parse::<Extent>().unwrap_err().to_string();
        assert!(said.starts_with(why), "{said}");
    }
}

#[test]
fn so_many_records_count_the_record_itself_among_them() {
    let mut over = over(&[".g"], &["count", "sum(.x)"], Extent::Records(2), 0);
    let records =
        [r#"{"g":1,"x":1}"#, r#"{"g":1,"x":2}"#, r#"{"g":2,"x":9}"#, r#"{"g":1,"x":4} "#, "{}"];
    let expected = [
        r#"{"g":1,"x":1,"count":1,"sum_x":1}"#,
        r#"{"g":1,"x":2,"count":2,"sum_x":3}"#,
        r#"{"g":2,"x":9,"count":1,"sum_x":9}"#,
        r#"{"g":1,"x":4,"count":2,"sum_x":6}"#,
        r#"{"count":1,"sum_x":null}"#,
    ];
    assert_eq!(results(&mut over, &records), expected);
    let held = over.held();
    assert_eq!((held.groups, held.groups_most, held.windows_most), (3, 3, 4));
    assert!(held.bytes > 0 && held.bytes_most >= held.bytes);
}

#[test]
fn so_much_time_counts_with_both_its_ends() {
    let mut over = over(&[], &["n=count"], time(10), 0);
    let records = [r#"{"t":0}"#, r#"{"t":1}"#, r#"{"t":10}"#, r#"{"t":11}"#, r#"{"t":22}"#];
    let counts: Vec<i64> = results(&mut over, &records)
        .iter()
        .map(|row| serde_json::from_str::<Value>(row).unwrap()["n"].as_i64().unwrap())
        .collect();
    assert_eq!(counts, [1, 2, 3, 3, 1]);
}

#[test]
fn records_of_one_time_count_for_each_other() {
    let mut over = over(&[], &["last(.x)", "count"], time(5), 0);
    let records = [r#"{"t":1,"x":1}"#, r#"{"t":1,"x":2}"#];
    let expected =
        [r#"{"t":1,"x":1,"last_x":2,"count":2}"#, r#"{"t":1,"x":2,"last_x":2,"count":2}"#];
    assert_eq!(results(&mut over, &records), expected);
}

#[test]
fn records_wait_for_the_watermark_and_come_out_by_time() {
    let mut over = over(&[], &["collect(.t)"], time(3), 2);
    let mut take = |time_ms: i64| {
        let mut out = Vec::new();
        let record = format!("{{\"t\":{time_ms}}}");
        let taken = over.record_at(time_ms, record.as_bytes(), &mut out).unwrap();
        (taken, String::from_utf8(out).unwrap())
    };
    let nothing = (Taken::In, String::new());
    assert_eq!(take(5), nothing);
    assert_eq!(take(3), nothing);
    // The watermark is 2 now, then 3.
    assert_eq!(take(6), (Taken::In, "{\"t\":3,\"collect_t\":[3]}\n".to_owned()));
    assert_eq!(take(3), (Taken::Late(Duration::from_ms(3).unwrap()), String::new()));
    assert_eq!(take(4), nothing);
    let all = "{\"t\":4,\"collect_t\":[3,4]}\n{\"t\":5,\"collect_t\":[3,4,5]}\n\
               {\"t\":6,\"collect_t\":[3,4,5,6]}\n";
    assert_eq!(take(9), (Taken::In, all.to_owned()));
    assert_eq!(over.waiting(), 1);
}

#[test]
fn a_group_without_records_that_count_is_forgotten() {
    let mut over = over(&[".g"], &["count"], time(10), 0);
    let records: Vec<String> =
        (0..100).map(|at| format!("{{\"g\":{at},\"t\":{}}}", at * 6)).collect();
    let (rows, _) = run(&mut over, &records);
    assert_eq!(rows.len(), 100);
    assert!(rows.iter().all(|row| row.ends_with(",\"count\":1}")), "{rows:?}");
    assert_eq!((over.held().groups, over.held().groups_most), (2, 2));
}

#[test]
fn what_a_record_has_already_is_replaced() {
    let mut over = over(&[], &["count", "sum(.count)"], Extent::Records(9), 0);
    let records = [r#"{"count" : 5,"a":1}"#, r#"{"a":"count"}"#];
    let expected =
        [r#"{"a":1,"count":1,"sum_count":5}"#, r#"{"a":"count","count":2,"sum_count":5}"#];
    assert_eq!(results(&mut over, &records), expected);
}

#[test]
fn only_results_that_pass_come_out_but_all_count() {
    let mut selection = Selection::default();
    selection.having(".count == 2 and .x > 1").unwrap();
    let plan = plan(&[], &["count"]);
    let mut over = Over::new(plan, Extent::Records(2), Duration::default(), selection).unwrap();
    let records = [r#"{"x":2}"#, r#"{"x":1}"#, r#"{"x":3}"#];
    assert_eq!(results(&mut over, &records), [r#"{"x":3,"count":2}"#]);
}

#[test]
fn a_rate_is_by_the_time_that_counts() {
    let mut timed = over(&[], &["rate"], time(2_000), 0);
    let records = [r#"{"t":0}"#, r#"{"t":500}"#];
    let expected = [r#"{"t":0,"rate":0.5}"#, r#"{"t":500,"rate":1}"#];
    assert_eq!(results(&mut timed, &records), expected);
    let extent = Extent::Records(2);
    let refused =
        Over::new(plan(&[], &["rate"]), extent, Duration::default(), Selection::default());
    assert_eq!(refused.err(), Some(StreamError::NoTime("rate".to_owned())));
}

#[test]
fn a_record_at_fault_leaves_no_trace() {
    let mut over = over(&[".g"], &["count", "sum(.x)"], time(10), 0);
    let mut out = Vec::new();
    assert!(over.record_at(1, br#"{"g":1,"x":"a"}"#, &mut out).is_err());
    assert!(over.record_at(100, b"[1]", &mut out).is_err());
    assert_eq!((over.held().groups_most, over.waiting()), (0, 0));
    assert_eq!(over.record_at(0, br#"{"g":1,"x":1}"#, &mut out), Ok(Taken::In));
}

#[test]
fn there_are_only_so_many_groups() {
    let plan = plan(&[".g"], &["count"]);
    let extent = Extent::Records(2);
    let over = Over::new(plan, extent, Duration::default(), Selection::default()).unwrap();
    let mut over = over.limited(1, 9, usize::MAX);
    let mut out = Vec::new();
    over.record(b"{\"g\":1}", &mut out).unwrap();
    over.record(b"{\"g\":1.0}", &mut out).unwrap();
    let fault = over.record(b"{\"g\":2}", &mut out).unwrap_err();
    assert_eq!(fault, StreamError::TooManyGroups(1).into());
}

/// Functions of every family, of whole numbers, whose results do not depend on how states are
/// merged.
const FUNCTIONS: &[&str] = &[
    "n=count",
    "sum(.x)",
    "avg(.x)",
    "min(.x)",
    "max(.x)",
    "first(.x)",
    "last(.x)",
    "least=arg_min(.i; .x)",
    "greatest=arg_max(.i; .x)",
    "median(.x)",
    "p90_exact(.x)",
    "distinct(.x)",
    "distinct_exact(.x)",
    "top(2; .x)",
    "collect(.x)",
    "odd=sum(.x) where .x % 2 == 1",
];

/// The plain way: what counts is added up anew for each record.
struct Model(Plan);

impl Model {
    fn new() -> Model {
        Model(plan(&[], FUNCTIONS))
    }

    fn with_results(&mut self, record: &Value, counting: &[&Value]) -> Value {
        let Plan { reading, projection } = &mut self.0;
        let mut columns = projection.columns(false);
        columns.iter_mut().for_each(|column| column.add_group());
        for (counting, arrival) in counting.iter().zip(0..) {
            let bytes = counting.to_string();
            let mut counting = reading.load(bytes.as_bytes()).unwrap();
            projection.stage(Some(0), &mut counting, &mut columns).unwrap();
            columns.iter_mut().for_each(|column| column.apply(0, arrival));
        }
        let mut fields = b"{".to_vec();
        projection.layout().write_aggregates(&mut columns, 0, Scope::default(), &mut fields);
        fields.push(b'}');
        let mut record = record.as_object().unwrap().clone();
        record.extend(serde_json::from_slice::<serde_json::Map<_, _>>(&fields).unwrap());
        Value::Object(record)
    }
}

fn read(rows: &[String]) -> Vec<Value> {
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_last_records_agree_with_adding_up_anew(values in proptest::collection::vec((0_u8..3, 0_i64..6), 0..40), most in 1_usize..8) {
        let records: Vec<Value> = values.iter().enumerate()
            .map(|(i, (g, x))| json!({"i": i, "g": g, "x": x})).collect();
        let mut model = Model::new();
        let expected: Vec<Value> = (0..records.len()).map(|at| {
            let same = |record: &&Value| record["g"] == records[at]["g"];
            let mut counting: Vec<&Value> =
                records[..=at].iter().rev().filter(same).take(most).collect();
            counting.reverse();
            model.with_results(&records[at], &counting)
        }).collect();
        let mut over = over(&[".g"], FUNCTIONS, Extent::Records(most), 0);
        let lines: Vec<String> = records.iter().map(Value::to_string).collect();
        prop_assert_eq!(read(&run(&mut over, &lines).0), expected);
    }

    #[test]
    fn the_last_time_agrees_with_adding_up_anew(values in proptest::collection::vec((0_u8..3, 0_i64..6, 0_i64..60), 0..40), length_ms in 1_i64..20, out_of_order_ms in 0_i64..30) {
        let records: Vec<Value> = values.iter().enumerate()
            .map(|(i, (g, x, t))| json!({"i": i, "g": g, "x": x, "t": t})).collect();
        let time_of = |record: &Value| record["t"].as_i64().unwrap();
        let (mut taken, mut late, mut greatest) = (Vec::<Value>::new(), Vec::new(), i64::MIN);
        for record in &records {
            if time_of(record) < greatest.saturating_sub(out_of_order_ms) {
                late.push(record.to_string());
            } else {
                taken.push(record.clone());
                greatest = greatest.max(time_of(record));
            }
        }
        taken.sort_by_key(time_of);
        let mut model = Model::new();
        let expected: Vec<Value> = taken.iter().map(|record| {
            let range = time_of(record) - length_ms..=time_of(record);
            let counts = |other: &&Value| other["g"] == record["g"] && range.contains(&time_of(other));
            model.with_results(record, &taken.iter().filter(counts).collect::<Vec<_>>())
        }).collect();
        let mut over = over(&[".g"], FUNCTIONS, time(length_ms), out_of_order_ms);
        let lines: Vec<String> = records.iter().map(Value::to_string).collect();
        let (rows, were_late) = run(&mut over, &lines);
        prop_assert_eq!(read(&rows), expected);
        prop_assert_eq!(were_late, late);
        prop_assert!(over.held().groups <= 3);
    }
}
