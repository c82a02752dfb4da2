//! The best results, found without holding the others.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::emit::Row;
use crate::aggregate::functions::function::Column;
use crate::aggregate::memory::{allocated, vector};
use crate::record::number::Number;

/// How results are ranked.
#[derive(Clone, Copy, Debug)]
pub struct Top {
    /// How many are wanted.
    pub count: usize,
    /// The aggregate that they are ranked by.
    pub column: usize,
    /// Whether those that are as good as the last of them come too.
    pub ties: bool,
}

/// The best of the results that came so far.
pub struct Ranking<'a> {
    top: Top,
    /// The worst of them first.
    best: BinaryHeap<Candidate<'a>>,
    /// Those that are as good as the worst of them, and came later; only if ties are wanted.
    tied: Vec<Candidate<'a>>,
    /// How many came.
    came: usize,
    /// The value of the result in hand.
    value: Vec<u8>,
}

impl<'a> Ranking<'a> {
    /// None came yet.
    pub fn new(top: Top) -> Ranking<'a> {
        let (best, tied, value) = (BinaryHeap::new(), Vec::new(), Vec::new());
        Ranking { top, best, tied, came: 0, value }
    }

    /// Takes a result.
    pub fn take(&mut self, row: Row<'a>, columns: &mut [Box<dyn Column>]) {
        let rank = self.rank(&row, columns);
        self.came += 1;
        let new = Candidate { rank, number: self.came, row };
        if self.best.len() < self.top.count {
            return self.best.push(new);
        }
        let Some(mut worst) = self.best.peek_mut() else { return };
        match new.rank.cmp(&worst.rank) {
            Ordering::Less => {}
            Ordering::Equal if self.top.ties => self.tied.push(new),
            Ordering::Equal => {}
            Ordering::Greater => {
                let beaten = std::mem::replace(&mut *worst, new);
                drop(worst);
                match self.best.peek().is_some_and(|worst| worst.rank == beaten.rank) {
                    true if self.top.ties => self.tied.push(beaten),
                    _ => self.tied.clear(),
                }
            }
        }
    }

    fn rank(&mut self, row: &Row<'_>, columns: &mut [Box<dyn Column>]) -> Rank {
        let Some(column) = columns.get_mut(self.top.column) else { return Rank::Null };
        if let Some(number) = column.number(row.group, row.scope) {
            return Rank::Number(number);
        }
        self.value.clear();
        column.write(row.group, row.scope, &mut self.value);
        Rank::of(&self.value)
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        let best = allocated(self.best.capacity() * size_of::<Candidate<'_>>());
        best + vector(&self.tied) + vector(&self.value)
    }

    /// The best, best first; of those that are as good, the first.
    pub fn into_rows(self) -> impl Iterator<Item = Row<'a>> {
        let mut tied = self.tied;
        tied.sort_unstable_by_key(|candidate| candidate.number);
        self.best.into_sorted_vec().into_iter().chain(tied).map(|candidate| candidate.row)
    }
}

/// A result that may be among the best. The greater one is the worse: of a lower rank, or later.
struct Candidate<'a> {
    rank: Rank,
    number: usize,
    row: Row<'a>,
}

impl Ord for Candidate<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank.cmp(&self.rank).then(self.number.cmp(&other.number))
    }
}

impl PartialOrd for Candidate<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate<'_> {}

/// A result to compare: jq's order, but for arrays and objects, which are compared as JSON text.
#[derive(Debug)]
enum Rank {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Json(Vec<u8>),
}

impl Rank {
    fn of(json: &[u8]) -> Rank {
        let text = || str::from_utf8(json).unwrap_or_default();
        match json.first() {
            None | Some(b'n') => Rank::Null,
            Some(b't') => Rank::Bool(true),
            Some(b'f') => Rank::Bool(false),
            Some(b'"') => Rank::Text(serde_json::from_slice(json).unwrap_or_default()),
            Some(b'[' | b'{') => Rank::Json(json.to_vec()),
            // What is beyond the floats in size is so on one of the two sides.
            Some(_) => Rank::Number(Number::parse(text()).unwrap_or(Number::Float(
                if json.starts_with(b"-") { f64::MIN } else { f64::MAX },
            ))),
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Rank::Null => 0,
            Rank::Bool(_) => 1,
            Rank::Number(_) => 2,
            Rank::Text(_) => 3,
            Rank::Json(_) => 4,
        }
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Rank) -> Ordering {
        match (self, other) {
            (Rank::Bool(one), Rank::Bool(other)) => one.cmp(other),
            (Rank::Number(one), Rank::Number(other)) => one.compare(*other),
            (Rank::Text(one), Rank::Text(other)) => one.cmp(other),
            (Rank::Json(one), Rank::Json(other)) => one.cmp(other),
            _ => self.kind().cmp(&other.kind()),
        }
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Rank) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rank {
    fn eq(&self, other: &Rank) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Rank {}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use proptest::prelude::*;

    use super::*;
    use crate::aggregate::functions::function::{Call, Function, Input, Scope};
    use crate::expr::Value;

    #[test]
    fn results_are_ranked_as_jq_orders_them() {
        let rising = [
            "null",
            "false",
            "true",
            "-1e300",
            "-2",
            "9.5",
            "10",
            "1e400",
            "\"\"",
            "\"B\"",
            "\"\\u0061\"",
            "[1]",
            "{}",
        ];
        for (at, one) in rising.iter().enumerate() {
            for (other_at, other) in rising.iter().enumerate() {
                let order = Rank::of(one.as_bytes()).cmp(&Rank::of(other.as_bytes()));
                assert_eq!(order, at.cmp(&other_at), "{one} {other}");
            }
        }
        assert_eq!(Rank::of(b"1.0"), Rank::of(b"1"));
        assert_eq!(Rank::of(b"\"a\""), Rank::of(b"\"\\u0061\""));
    }

    proptest! {
        /// The plain way: all results, sorted.
        #[test]
        fn the_best_are_the_first_when_all_are_sorted(
            ranks in proptest::collection::vec(0..6_u64, 0..40), count in 1..12_usize, ties: bool,
        ) {
            let mut column = (Function::find("count").unwrap().column)(Call { bare: true, number: 0.0, merges: false });
            for (group, rank) in ranks.iter().enumerate() {
                column.add_group();
                for _ in 0..*rank {
                    column.stage(Some(group), &Input::new(Value::Bool(true))).unwrap();
                    column.apply(group, 0);
                }
            }
            let mut columns = [column];
            let mut ranking = Ranking::new(Top { count, column: 0, ties });
            for group in 0..ranks.len() {
                ranking.take(Row { head: b"", key: b"", group, scope: Scope::default() }, &mut columns);
            }
            let mut sorted: Vec<usize> = (0..ranks.len()).collect();
            sorted.sort_by_key(|group| Reverse(ranks[*group]));
            let last = sorted.get(count - 1).map(|last| ranks[*last]);
            let among = |(at, group): &(usize, usize)| *at < count || ties && Some(ranks[*group]) == last;
            let expected: Vec<usize> =
                sorted.into_iter().enumerate().filter(among).map(|(_, group)| group).collect();
            prop_assert_eq!(ranking.into_rows().map(|row| row.group).collect::<Vec<_>>(), expected);
        }
    }
}
