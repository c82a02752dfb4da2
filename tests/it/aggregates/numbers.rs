//! A number is spelled in one way, whichever tool writes it.

use std::fmt::Write as _;

use crate::common::{run, tool};
use millstream::record::members::{Member, members};
use millstream::record::number::{write_float, write_whole};
use proptest::prelude::*;

/// How many numbers one run of the tools gets.
const NUMBERS: usize = 200;

/// Results of one number: what they were computed from is also what they are.
const AGGREGATES: [&str; 8] = [
    "min=min(.x)",
    "max=max(.x)",
    "sum=sum(.x)",
    "first=first(.x)",
    "last=last(.x)",
    "avg=avg(.x)",
    "median=median(.x)",
    "p90=p90_exact(.x)",
];

/// Integers of 64 bits, and floats of all sizes. A whole number that jq writes with an exponent if
/// it is a float, and without one if it is an integer, is left out: as the key of a group it stands
/// for both.
fn number() -> impl Strategy<Value = String> {
    let short = (-99_999_i64..99_999, -12..12_i32);
    let short = short.prop_map(|(digits, power)| digits as f64 * 10_f64.powi(power));
    let float = prop_oneof![any::<f64>(), short, -1e6..1e6_f64].prop_map(|float| {
        let mut spelled = Vec::new();
        write_float(float, &mut spelled);
        spelled
    });
    let whole = prop_oneof![any::<i64>(), -1000..1000_i64].prop_map(|whole| {
        let mut spelled = Vec::new();
        write_whole(whole.into(), &mut spelled);
        spelled
    });
    let spelled = prop_oneof![float, whole];
    let spelled = spelled.prop_map(|spelled| String::from_utf8(spelled).unwrap());
    spelled.prop_filter("it stands for one number", |spelled| {
        let value: f64 = spelled.parse().unwrap_or(0.0);
        let both = spelled.contains("e+") && (1e16..1e38).contains(&value.abs());
        value != 0.0 && !both
    })
}

/// The numbers of a result, each with its field, and the number of the record that it is from.
fn read(line: &str) -> (usize, Vec<(String, String)>) {
    let field = |member: Member<'_>| {
        let value = &member.bytes[member.key.len() + 3..];
        [member.key, value].map(|text| String::from_utf8(text.to_vec()).unwrap())
    };
    let (mut id, mut numbers) = (usize::MAX, Vec::new());
    for [name, value] in members(line.as_bytes()).map(field) {
        match name.as_str() {
            "id" => id = value.parse().unwrap(),
            "t" | "window_start" | "window_end" => {}
            _ => numbers.push((name, value)),
        }
    }
    (id, numbers)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn a_number_is_spelled_in_one_way(numbers in prop::collection::vec(number(), NUMBERS)) {
        let mut input = String::new();
        for (id, number) in numbers.iter().enumerate() {
            let _ = writeln!(input, "{{\"id\":{id},\"t\":{id},\"x\":{number}}}");
        }
        let with = |first: &[&'static str]| [first, &AGGREGATES].concat();
        let runs: [(&str, Vec<&str>); 7] = [
            ("map", vec!["{id, x, computed: (.x * 1), negated: (-(-.x))}"]),
            ("map", vec!["{id, x: [.x][0], computed: ([.x][0] + 0), added: ([.x] | add)}"]),
            ("aggregate", with(&["--by", ".id"])),
            ("aggregate", with(&["--over", "1", "--by", ".id"])),
            ("aggregate", with(&["--over", "1s", "--time", ".t", "--by", ".id"])),
            ("aggregate", with(&["--tumbling", "1s", "--time", ".t", "--by", ".id", "--by", "x=.x"])),
            ("window", vec!["--tumbling", "1s", "--time", ".t", "--plain"]),
        ];
        for (name, args) in runs {
            let given = run(&mut tool(name, &args), &input).good();
            prop_assert_eq!(given.lines().count(), NUMBERS, "{} {:?}", name, args);
            for line in given.lines() {
                let (id, given) = read(line);
                for (field, spelled) in given {
                    prop_assert_eq!(&spelled, &numbers[id], "{} {:?}: {}", name, args, field);
                }
            }
        }
    }
}
