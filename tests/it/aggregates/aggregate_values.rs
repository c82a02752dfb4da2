//! What aggregates make of unusual values: several results, ties, numbers at their limits.

use crate::common::{Ran, run, tool};

fn aggregate(arguments: &[&str], input: &str) -> Ran {
    run(&mut tool("aggregate", arguments), input)
}

/// The output of an aggregation in which nothing is wrong.
#[track_caller]
fn good(arguments: &[&str], input: &str) -> String {
    aggregate(arguments, input).good()
}

/// What is said where one value is wanted and an expression gives several.
const SEVERAL: &str = "it returns more than one result, and needs one; combine them, as in \
                       [EXPR] | add, take first(EXPR), or split the record with map before";

#[test]
fn an_expression_with_several_results_is_refused_where_one_value_is_wanted() {
    let input = "{\"a\":[2,3],\"t\":1}\n";
    let refused = |name: &str, arguments: &[&str]| {
        let ran = run(&mut tool(name, arguments), input);
        let records = ran.stdout.lines().filter(|line| !line.contains("@millstream"));
        assert_eq!((ran.status, records.count()), (65, 0), "{arguments:?}");
        assert!(ran.stderr.contains(SEVERAL), "{arguments:?}: {}", ran.stderr);
    };
    for function in ["sum", "count", "min", "distinct", "collect", "last", "median", "stddev"] {
        refused("aggregate", &[&format!("x={function}(.a[])")]);
    }
    for one in ["x=top(2; .a[])", "x=arg_max(.t; .a[])", "x=arg_max(.a[]; .t)"] {
        refused("aggregate", &[one]);
    }
    refused("aggregate", &["--by", "a=.a[]", "count"]);
    refused("aggregate", &["--over", "2", "--by", "a=.a[]", "count"]);
    refused("aggregate", &["--tumbling", "1s", "--time", ".a[]", "count"]);
    refused("window", &["--tumbling", "1s", "--time", ".a[]"]);
    refused("filter", &["true", "--unique", ".a[]"]);
    let directory = tempfile::tempdir().unwrap();
    refused("produce", &["--data", directory.path().to_str().unwrap(), "t", "--key", ".a[]"]);
}

#[test]
fn a_record_with_several_results_leaves_no_trace() {
    let rejects = tempfile::tempdir().unwrap();
    let file = rejects.path().join("rejects");
    let file = file.to_str().unwrap();
    let input = "{\"a\":[1],\"n\":1}\n{\"a\":[2,3],\"n\":2}\n{\"a\":[],\"n\":3}\n";
    let ran = aggregate(
        &["--rejects", file, "n=sum(.n)", "count", "s=sum(.a[])", "c=collect(.a[])"],
        input,
    );
    assert_eq!(ran.status, 65);
    assert_eq!(ran.stdout, "{\"n\":4,\"count\":2,\"s\":1,\"c\":[1]}\n");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "{\"a\":[2,3],\"n\":2}\n");
    let none = "{\"a\":[]}\n{}\n";
    assert_eq!(good(&["--by", "a=.a[]?", "count"], none), "{\"a\":null,\"count\":2}\n");
}

#[test]
fn a_condition_holds_if_one_of_its_results_is_true() {
    let conditions = ["a=count where (false,true)", "b=count_if((false,true))"];
    let never = ["c=count where (false,null)", "d=count_if((false,null))"];
    let nothing = ["e=count where empty", "f=count_if(empty)", "g=count_if(.x) where (true,false)"];
    let arguments = [&conditions[..], &never[..], &nothing[..]].concat();
    assert_eq!(
        good(&arguments, "{\"x\":1}\n"),
        "{\"a\":1,\"b\":1,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":1}\n"
    );
    assert_eq!(good(&["count", "--having", "false, .count > 0"], "{}\n"), "{\"count\":1}\n");
    assert_eq!(run(&mut tool("filter", &["false, .x"]), "{\"x\":1}\n").stdout, "{\"x\":1}\n");
}

/// Records with these numbers as x.
fn numbers(numbers: &[&str]) -> String {
    numbers.iter().map(|number| format!("{{\"x\":{number}}}\n")).collect()
}

#[test]
fn quantiles_agree_with_their_exact_variants() {
    let powers: Vec<String> = (0..91).map(|power| (1_u128 << power).to_string()).collect();
    let powers: Vec<&str> = powers.iter().map(String::as_str).collect();
    assert_eq!(
        good(&["p70(.x)", "p70_exact(.x)", "q=quantile(.x; 1)"], &numbers(&powers)),
        "{\"p70_x\":9295000000000000000,\"p70_exact_x\":9223372036854775808,\"q\":1237940039285380300000000000}\n"
    );
    let slow = [vec!["5"; 96], vec!["1500"; 6]].concat();
    assert_eq!(
        good(&["p95(.x)", "p95_exact(.x)", "q=quantile(.x; 0)"], &numbers(&slow)),
        "{\"p95_x\":1421,\"p95_exact_x\":1425.25,\"q\":5}\n"
    );
    let same = ["7"; 3];
    assert_eq!(
        good(&["p10(.x)", "p10_exact(.x)", "max(.x)"], &numbers(&same)),
        "{\"p10_x\":7,\"p10_exact_x\":7,\"max_x\":7}\n"
    );
}

#[test]
fn integers_of_64_bits_are_exact() {
    let time = numbers(&["1700000000123456789"]);
    assert_eq!(
        good(
            &["median_exact(.x)", "p99_exact(.x)", "q=quantile_exact(.x; 0)", "median(.x)"],
            &time
        ),
        "{\"median_exact_x\":1700000000123456789,\"p99_exact_x\":1700000000123456789,\
         \"q\":1700000000123456789,\"median_x\":1700000000123456789}\n"
    );
    let times = numbers(&["1700000000000000001", "1700000000000000002"]);
    assert_eq!(
        good(&["avg(.x)", "median_exact(.x)"], &times),
        "{\"avg_x\":1700000000000000001.5,\"median_exact_x\":1700000000000000001.5}\n"
    );
    let cancelling = numbers(&["9007199254740994", "-9007199254740993"]);
    assert_eq!(
        good(&["median_exact(.x)", "avg(.x)"], &cancelling),
        "{\"median_exact_x\":0.5,\"avg_x\":0.5}\n"
    );
    let near = numbers(&["9007199254740993.0", "9007199254740992", "9007199254740993e0"]);
    assert_eq!(
        good(&["--by", ".x", "count"], &near),
        "{\"x\":9007199254740993,\"count\":2}\n{\"x\":9007199254740992,\"count\":1}\n"
    );
    assert_eq!(
        good(&["n=distinct(.x)", "e=distinct_exact(.x)", "max(.x)"], &near),
        "{\"n\":2,\"e\":2,\"max_x\":9007199254740993.0}\n"
    );
}

#[test]
fn no_result_is_a_wrong_number_because_it_is_beyond_the_floats() {
    let all = ["sum(.x)", "avg(.x)", "stddev_pop(.x)", "variance_pop(.x)", "median(.x)"];
    assert_eq!(
        good(&all, &numbers(&["1e308", "1e308"])),
        "{\"sum_x\":null,\"avg_x\":1e+308,\"stddev_pop_x\":0,\"variance_pop_x\":0,\"median_x\":1e+308}\n"
    );
    assert_eq!(
        good(&all[..1], &numbers(&["1.7e308", "1.7e308", "-1.7e308"])),
        "{\"sum_x\":1.7e+308}\n"
    );
    assert_eq!(
        good(&all, &numbers(&["1e160", "-1e160"])),
        "{\"sum_x\":0,\"avg_x\":0,\"stddev_pop_x\":1e+160,\"variance_pop_x\":null,\"median_x\":0}\n"
    );
}

#[test]
fn computed_floats_have_one_spelling_in_all_tools() {
    for (number, spelled) in [
        ("1e17", "1e+17"),
        ("1.50000000015e-07", "1.50000000015e-07"),
        ("1.0000000001e-5", "1.0000000001e-05"),
        ("0.1", "0.1"),
        ("-2.5e300", "-2.5e+300"),
    ] {
        let input = numbers(&[number]);
        let aggregated = good(&["avg(.x)", "n=median(.x)"], &input);
        assert_eq!(aggregated, format!("{{\"avg_x\":{spelled},\"n\":{spelled}}}\n"));
        let mapped = run(&mut tool("map", &[".x + 0.0"]), &input).stdout;
        assert_eq!(mapped, format!("{spelled}\n"));
        let grouped = good(&["--by", ".x", "count"], &numbers(&[number, spelled]));
        // All spellings of a whole number up to 38 digits are one: that without an exponent.
        let spelled = if number == "1e17" { "100000000000000000" } else { spelled };
        assert_eq!(grouped, format!("{{\"x\":{spelled},\"count\":2}}\n"));
    }
}

#[test]
fn of_records_of_one_time_the_last_is_last() {
    let bids =
        "{\"b\":1,\"p\":10,\"t\":5}\n{\"b\":1,\"p\":20,\"t\":5}\n{\"b\":1,\"p\":30,\"t\":4}\n";
    let arguments = ["l=last_by(.p; .t)", "m=arg_max(.p; .t)", "last(.p)"];
    assert_eq!(good(&arguments, bids), "{\"l\":20,\"m\":10,\"last_p\":30}\n");
    let hopping = ["--hop", "1s", "--size", "4s", "--time", ".t", "l=last_by(.p; .t)"];
    let last = good(&hopping, bids).lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(last.first().is_some_and(|line| line.ends_with("\"l\":30}")), "{last:?}");
    assert_eq!(last.iter().filter(|line| line.ends_with("\"l\":20}")).count(), 4, "{last:?}");
    // What has no value, or nothing to decide by, does not count.
    let nulls = "{\"p\":1,\"t\":1}\n{\"p\":null,\"t\":9}\n{\"p\":2}\n";
    assert_eq!(good(&arguments[..2], nulls), "{\"l\":1,\"m\":1}\n");
}

#[test]
fn a_key_with_escapes_does_not_come_out_twice() {
    let over = ["--over", "2", "count"];
    let input = "{\"\\u0063ount\":7,\"a\":\"\\n\"}\n{ \"a\" : \"\\t count\" }\n";
    assert_eq!(
        good(&over, input),
        "{\"a\":\"\\n\",\"count\":1}\n{ \"a\" : \"\\t count\",\"count\":2}\n"
    );
    let window = ["--tumbling", "1s", "--time", ".t"];
    let ran = run(&mut tool("window", &window), "{\"\\u0077indow_start\":1,\"t\":1}\n");
    assert!(ran.stdout.contains("\n{\"t\":1,\"window_start\":"), "{}", ran.stdout);
}

#[test]
fn a_condition_that_fails_names_the_result_and_a_way_on() {
    let input = "{\"k\":\"a\",\"n\":0}\n{\"k\":\"b\",\"n\":2}\n";
    let by = ["--by", ".k", "sum(.n)"];
    let ran = aggregate(&[&by[..], &["--having", "4 / .sum_n > 1"]].concat(), input);
    assert_eq!((ran.status, ran.stdout.as_str()), (65, ""));
    assert_eq!(
        ran.stderr,
        "aggregate: --having '4 / .sum_n > 1' fails for the result {\"k\":\"a\",\"sum_n\":0}: \
         number (4) and number (0) cannot be divided because the divisor is zero; --having '(4 / .sum_n > 1)?' leaves such results out\n"
    );
    let mended = [&by[..], &["--having", "(4 / .sum_n > 1)?"]].concat();
    assert_eq!(good(&mended, input), "{\"k\":\"b\",\"sum_n\":2}\n");
}
