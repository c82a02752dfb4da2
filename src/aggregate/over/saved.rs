//! Running aggregates, saved and restored.

use std::collections::VecDeque;

use super::groups::{Found, Groups};
use super::sliding::Sliding;
use super::waiting::Waiting;
use super::{Extent, Over, OverState};
use crate::state::{Reader, StateError, Writer};
use crate::time::timestamp::load_ms;

impl Over {
    /// Saves all that is held, for [`Over::restore`].
    pub fn save(&self, to: &mut Writer) {
        self.state.save(to);
        self.reading.save(to);
    }

    /// Restores what [`Over::save`] saved, with the same groups, aggregates and extent. The rest of
    /// the stream then has the results that it would have had.
    ///
    /// Limits and the selection of results are not part of the state; nor is what was held at most.
    ///
    /// # Errors
    /// When it is no such state, or that of another aggregation. Nothing but the watermark may then
    /// have changed, and it must not be used any more.
    pub fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.state.restore(from)?;
        self.reading.restore(from)
    }
}

impl OverState {
    fn save(&self, to: &mut Writer) {
        to.put_bytes(&self.signature());
        self.progress.save(to);
        let groups = self.groups.numbers();
        to.put_len(groups.len());
        groups.iter().for_each(|group| to.put_bytes(self.groups.key(*group)));
        self.sliding.save(&groups, to);
        to.put_len(self.counting.len());
        for (time_ms, group) in &self.counting {
            to.put_i64(*time_ms);
            // Whoever counts has its group.
            to.put_len(groups.binary_search(group).unwrap_or_default());
        }
        self.waiting.save(to);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        if from.take_bytes()? != self.signature() {
            return Err(StateError::Changed("groups, aggregates or extent"));
        }
        self.progress.restore(from)?;
        let groups = load_groups(from)?;
        let sliding = Sliding::new(|| self.projection.columns(true));
        let sliding = sliding.load(groups.len(), from)?;
        let counting = load_counting(groups.len(), from)?;
        if let Extent::Time(_) = self.extent {
            check_counting(&counting, &groups, &sliding)?;
        } else if !counting.is_empty() {
            return Err(StateError::Invalid("times in a frame that counts records"));
        }
        self.waiting = Waiting::load(from)?;
        (self.groups, self.sliding, self.counting) = (groups, sliding, counting);
        Ok(())
    }

    /// What was asked for, as far as states depend on it.
    fn signature(&self) -> Vec<u8> {
        let mut signature = Writer::new();
        self.projection.save(&mut signature);
        match self.extent {
            Extent::Records(records) => {
                signature.put_u8(0);
                signature.put_len(records);
            }
            Extent::Time(length) => {
                signature.put_u8(1);
                signature.put_i64(length.ms());
            }
        }
        signature.into_bytes()
    }
}

fn load_groups(from: &mut Reader<'_>) -> Result<Groups, StateError> {
    let mut groups = Groups::default();
    for _ in 0..from.take_count(1)? {
        let key = from.take_bytes()?;
        match groups.find(key) {
            Found::Known(_) => return Err(StateError::Invalid("a group occurs twice")),
            Found::New(hash) => groups.add(hash, key),
        };
    }
    Ok(groups)
}

/// The times of the records that count, with the places of their groups.
fn load_counting(
    groups: usize,
    from: &mut Reader<'_>,
) -> Result<VecDeque<(i64, usize)>, StateError> {
    let count = from.take_count(9)?;
    (0..count).map(|_| Ok((load_ms(from)?, from.take_place(groups)?))).collect()
}

/// Checks that the records that count are those of the groups, in the order of their times.
fn check_counting(
    counting: &VecDeque<(i64, usize)>,
    groups: &Groups,
    sliding: &Sliding,
) -> Result<(), StateError> {
    let mut counts = vec![0; groups.len()];
    counting.iter().for_each(|(_, group)| counts[*group] += 1);
    let agree = counts.iter().enumerate().all(|(group, count)| sliding.len(group) == *count);
    match agree && counting.iter().is_sorted_by_key(|(time_ms, _)| time_ms) {
        true => Ok(()),
        false => Err(StateError::Invalid("times that do not agree with the groups")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::aggregate::functions::merging::aggregates;
    use crate::aggregate::{GroupSpec, Plan, Selection};
    use crate::time::Duration;

    fn over(extent: Extent, out_of_order_ms: i64) -> Over {
        let mut aggregates = aggregates();
        aggregates.retain(|one| extent != Extent::Records(3) || !one.function.needs_window);
        let plan = Plan::new(vec![GroupSpec::parse(".k").unwrap()], aggregates).unwrap();
        let out_of_order = Duration::from_ms(out_of_order_ms).unwrap();
        Over::new(plan, extent, out_of_order, Selection::default()).unwrap()
    }

    fn some_extent() -> impl Strategy<Value = Extent> {
        let time = (1_i64..40).prop_map(|ms| Extent::Time(Duration::from_ms(ms).unwrap()));
        prop_oneof![Just(Extent::Records(3)), time]
    }

    /// Records with their times.
    fn some_records() -> impl Strategy<Value = Vec<(i64, String)>> {
        let record = (0..6_i64, -20..1_i64, 0..3_u8, -300..300_i32, 0..5_u8);
        proptest::collection::vec(record, 0..60).prop_map(|records| {
            let mut now_ms = 0;
            let record = |(step_ms, back_ms, key, x, y): (i64, i64, u8, i32, u8)| {
                now_ms += step_ms;
                let x = f64::from(x) / 10.0;
                (now_ms + back_ms, format!("{{\"k\":{key},\"x\":{x},\"y\":{y}}}"))
            };
            records.into_iter().map(record).collect()
        })
    }

    fn take(over: &mut Over, (time_ms, record): &(i64, String), out: &mut Vec<u8>) {
        let taken = match over.state.extent {
            Extent::Records(_) => over.record(record.as_bytes(), out).map(|()| String::new()),
            Extent::Time(_) => {
                over.record_at(*time_ms, record.as_bytes(), out).map(|taken| format!("{taken:?}\n"))
            }
        };
        out.extend_from_slice(taken.unwrap_or_else(|fault| format!("{fault}\n")).as_bytes());
    }

    fn saved(over: &Over) -> Vec<u8> {
        let mut to = Writer::new();
        over.save(&mut to);
        to.into_bytes()
    }

    proptest! {
            #![proptest_config(ProptestConfig::with_cases(48))]

            /// One runs on, and two others continue each other after each record.
            #[test]
            fn what_is_restored_continues_as_if_nothing_had_been(
                extent in some_extent(), out_of_order_ms in 0..30_i64, records in some_records(),
            ) {
                let (mut plain, mut given) = (over(extent, out_of_order_ms), Vec::new());
                let (mut restored, mut expected) = (over(extent, out_of_order_ms), Vec::new());
            let mut other = over(extent, out_of_order_ms);
                for record in &records {
                    take(&mut plain, record, &mut expected);
                    take(&mut restored, record, &mut given);
                    let bytes = saved(&restored);
                        let mut from = Reader::new(&bytes);
                    other.restore(&mut from).and_then(|()| from.end()).unwrap();
                std::mem::swap(&mut other, &mut restored);
                    prop_assert_eq!(str::from_utf8(&given), str::from_utf8(&expected));
                }
                plain.finish(&mut expected).unwrap();
                restored.finish(&mut given).unwrap();
                prop_assert_eq!(str::from_utf8(&given), str::from_utf8(&expected));
                prop_assert_eq!(restored.held().windows, plain.held().windows);
            }

            #[test]
            fn nothing_panics_on_damaged_states(
                extent in some_extent(), records in some_records(), cut in any::<Option<Index>>(),
                damage in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..4),
            ) {
                let mut plain = over(extent, 10);
                records.iter().for_each(|record| take(&mut plain, record, &mut Vec::new()));
                let mut bytes = saved(&plain);
                bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
                let whole = !bytes.is_empty();
    for (at, byte) in damage.iter().filter(|_| whole) {
                    let at = at.index(bytes.len());
                    bytes[at] = *byte;
                }
                let mut damaged = over(extent, 10);
                if damaged.restore(&mut Reader::new(&bytes)).is_ok() {
                    records.iter().for_each(|record| take(&mut damaged, record, &mut Vec::new()));
                    let _ = damaged.finish(&mut Vec::new());
                }
            }
        }

    #[test]
    fn the_state_of_another_extent_is_refused() {
        let time = |ms| Extent::Time(Duration::from_ms(ms).unwrap());
        let bytes = saved(&over(time(10), 0));
        assert_eq!(over(time(10), 5).restore(&mut Reader::new(&bytes)), Ok(()));
        for other in [time(11), Extent::Records(3)] {
            let refused = over(other, 0).restore(&mut Reader::new(&bytes));
            assert_eq!(refused, Err(StateError::Changed("groups, aggregates or extent")));
        }
    }
}
