//! The table of all aggregate functions.

use super::function::Function;
use super::{collect, count, distinct, extreme, pick, quantile, spread, sum, top};
use crate::record::near::distance;

/// All functions, in the order in which the help tells of them.
pub const FUNCTIONS: [&Function; 26] = [
    &count::COUNT,
    &count::COUNT_IF,
    &sum::SUM,
    &sum::AVG,
    &sum::RATE,
    &extreme::MIN,
    &extreme::MAX,
    &pick::ARG_MIN,
    &pick::ARG_MAX,
    &pick::LAST_BY,
    &pick::FIRST,
    &pick::LAST,
    &spread::STDDEV,
    &spread::STDDEV_POP,
    &spread::VARIANCE,
    &spread::VARIANCE_POP,
    &quantile::MEDIAN,
    &quantile::PERCENTILE,
    &quantile::QUANTILE,
    &quantile::MEDIAN_EXACT,
    &quantile::PERCENTILE_EXACT,
    &quantile::QUANTILE_EXACT,
    &distinct::DISTINCT,
    &distinct::DISTINCT_EXACT,
    &top::TOP,
    &collect::COLLECT,
];

impl Function {
    /// The function of this name.
    pub fn find(name: &str) -> Option<&'static Function> {
        let called =
            |function: &&Function| function.name == name || function.aliases.contains(&name);
        FUNCTIONS.into_iter().find(called).or_else(|| match quantile::percentile(name)? {
            (_, true) => Some(&quantile::PERCENTILE_EXACT),
            (_, false) => Some(&quantile::PERCENTILE),
        })
    }

    /// The function that somebody who wrote `name` may have meant.
    pub fn nearest(name: &str) -> Option<&'static Function> {
        let name = name.to_ascii_lowercase();
        let called = |function: &&Function| {
            let others = || function.aliases.iter().chain(function.synonyms);
            function.name == name || others().any(|other| *other == name)
        };
        FUNCTIONS.into_iter().find(called).or_else(|| {
            let far = |function: &&'static Function| distance(&name, function.name);
            FUNCTIONS
                .into_iter()
                .min_by_key(far)
                .filter(|function| far(function) <= function.name.len() / 3)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<&str> = FUNCTIONS
            .iter()
            .flat_map(|function| {
                let others = function.aliases.iter().chain(function.synonyms);
                others.chain([&function.name]).copied()
            })
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_slip_is_understood() {
        for (slip, meant) in [
            ("avgg", "avg"),
            ("agv", "avg"),
            ("AVG", "avg"),
            ("mean", "avg"),
            ("cuont", "count"),
            ("counts", "count"),
            ("Sum", "sum"),
            ("mx", "max"),
            ("percentile", "quantile"),
            ("last_value", "last"),
            ("stdev", "stddev"),
            ("argmax", "arg_max"),
        ] {
            assert_eq!(Function::nearest(slip).map(|f| f.name), Some(meant), "{slip}");
        }
        for nothing in ["", "a", "flights", "data", "summer", "x"] {
            assert!(Function::nearest(nothing).is_none(), "{nothing}");
        }
    }
}
