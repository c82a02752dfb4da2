//! The order against a plain model: all records, sorted.

use proptest::prelude::*;

use super::*;
use crate::time::Duration;

fn duration(ms: i64) -> Duration {
    Duration::from_ms(ms).unwrap()
}

/// What comes of inputs with these times, by input and position: all of it sorted.
fn model(inputs: &[Vec<i64>], out_of_order_ms: i64) -> (Vec<(usize, u64)>, usize) {
    let mut all = Vec::new();
    let mut later = 0;
    for (input, times) in inputs.iter().enumerate() {
        let mut greatest_ms: Option<i64> = None;
        for (position, &time_ms) in (0_u64..).zip(times) {
            let mark_ms = greatest_ms.map(|ms| ms.saturating_sub(out_of_order_ms));
            let at_ms = mark_ms.map_or(time_ms, |mark_ms| time_ms.max(mark_ms));
            later += usize::from(at_ms > time_ms);
            greatest_ms = greatest_ms.max(Some(time_ms));
            all.push((at_ms, input, position));
        }
    }
    all.sort_unstable();
    (all.into_iter().map(|(_, input, position)| (input, position)).collect(), later)
}

/// Takes all that is certain, up to a number of records.
fn drain(merge: &mut Merge, most: usize, out: &mut Vec<(usize, u64)>) {
    for _ in 0..most {
        let Some(next) = merge.first() else { break };
        assert_eq!(next.bytes, bytes(next.input, next.tag));
        out.push((next.input, next.tag));
        merge.pass();
    }
}

/// What a record is: it tells where it stands.
fn bytes(input: usize, position: u64) -> Vec<u8> {
    let mut bytes = format!("{input}:{position}").into_bytes();
    bytes.resize(bytes.len() + usize::try_from(position % 7).unwrap() * 40, b'.');
    bytes
}

/// Gives the inputs to a merge as `choices` say; what comes of it, and how many came later.
fn merged(
    inputs: &[Vec<i64>],
    out_of_order_ms: i64,
    mut choices: impl FnMut(usize) -> usize,
) -> (Vec<(usize, u64)>, usize) {
    let mut merge = Merge::new(inputs.len(), duration(out_of_order_ms));
    let (mut out, mut later) = (Vec::new(), 0);
    let mut at = vec![0; inputs.len()];
    let mut open: Vec<usize> = (0..inputs.len()).collect();
    while !open.is_empty() {
        let place = choices(open.len());
        let input = open[place];
        for _ in 0..choices(5) {
            let Some(&time_ms) = inputs[input].get(at[input]) else {
                merge.end(input);
                open.retain(|it| *it != input);
                break;
            };
            let position = at[input] as u64;
            let came = merge.push(input, time_ms, position, &bytes(input, position));
            later += usize::from(came.is_some());
            at[input] += 1;
        }
        drain(&mut merge, choices(8), &mut out);
    }
    drain(&mut merge, usize::MAX, &mut out);
    assert_eq!(merge.held(), Held::default());
    (out, later)
}

/// Times that go on, with disorder, ties, gaps and ones that are far off.
fn times() -> impl Strategy<Value = Vec<i64>> {
    let step = prop_oneof![
        8 => 0_i64..4,
        4 => -6_i64..8,
        1 => 100_i64..1_000,
        1 => Just(i64::MAX),
        1 => Just(i64::MIN),
    ];
    proptest::collection::vec(step, 0..30).prop_map(|steps| {
        let mut now_ms = 0_i64;
        let time = |step: i64| match step {
            i64::MIN | i64::MAX => step,
            step => {
                now_ms += step;
                now_ms
            }
        };
        steps.into_iter().map(time).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the order in which records come, what goes out is the same: that of the model.
    #[test]
    fn the_order_is_that_of_the_model(
        inputs in proptest::collection::vec(times(), 1..6),
        out_of_order_ms in prop_oneof![Just(0_i64), 0_i64..10, Just(i64::MAX)],
        seed in any::<u64>(),
    ) {
        let expected = model(&inputs, out_of_order_ms);
        let mut state = seed | 1;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 33).unwrap() % below
        };
        for _ in 0..200 {
            let seen = merged(&inputs, out_of_order_ms, &mut random);
            prop_assert_eq!(&seen, &expected);
        }
    }

    /// What waits is no more than it must be: the input that is awaited is the only one that can
    /// let anything go out.
    #[test]
    fn the_awaited_input_lets_others_go(inputs in proptest::collection::vec(times(), 1..5)) {
        let mut merge = Merge::new(inputs.len(), duration(3));
        let mut at = vec![0; inputs.len()];
        let mut out = Vec::new();
        while let Some(input) = merge.awaited() {
            let position = at[input];
            match inputs[input].get(position) {
                Some(&time_ms) => {
                    let bytes = bytes(input, position as u64);
                    merge.push(input, time_ms, position as u64, &bytes);
                    at[input] += 1;
                }
                None => merge.end(input),
            }
            drain(&mut merge, usize::MAX, &mut out);
        }
        prop_assert_eq!(out, model(&inputs, 3).0);
    }
}

#[test]
fn an_input_that_is_quiet_does_not_hold_the_others_back() {
    let mut merge = Merge::new(2, duration(0));
    let mut out = Vec::new();
    merge.push(0, 10, 0, &bytes(0, 0));
    drain(&mut merge, 9, &mut out);
    assert_eq!((merge.awaited(), out.len()), (Some(1), 0));
    merge.quieten(1);
    drain(&mut merge, 9, &mut out);
    assert_eq!((merge.awaited(), &out[..]), (Some(0), &[(0, 0)][..]));
    // What comes of it now has its time, or is later than that.
    assert_eq!(merge.push(1, 4, 0, &bytes(1, 0)), Some(Later(6)));
    assert_eq!(merge.push(0, 12, 1, &bytes(0, 1)), None);
    assert_eq!(merge.push(1, 11, 1, &bytes(1, 1)), None);
    drain(&mut merge, 9, &mut out);
    assert_eq!(out, [(0, 0), (1, 0), (1, 1)]);
    merge.end(1);
    drain(&mut merge, 9, &mut out);
    assert_eq!(out.last(), Some(&(0, 1)));
}

#[test]
fn what_has_no_time_is_where_it_came() {
    let mut merge = Merge::new(2, duration(5));
    let mut out = Vec::new();
    merge.push_untimed(0, 7, &bytes(0, 7));
    merge.push(0, 20, 8, &bytes(0, 8));
    merge.push_untimed(0, 9, &bytes(0, 9));
    merge.push(0, 16, 10, &bytes(0, 10));
    merge.push(1, 18, 0, &bytes(1, 0));
    merge.end(0);
    merge.end(1);
    drain(&mut merge, 9, &mut out);
    assert_eq!(out, [(0, 7), (0, 10), (1, 0), (0, 8), (0, 9)]);
}

#[test]
fn nothing_later_goes_out_before_an_end_that_is_none() {
    for first_ms in [None, Some(10)] {
        let mut merge = Merge::new(2, duration(5));
        let mut out = Vec::new();
        if let Some(time_ms) = first_ms {
            merge.push(0, time_ms, 0, &bytes(0, 0));
        }
        merge.push(1, 10, 0, &bytes(1, 0));
        merge.push(1, 11, 1, &bytes(1, 1));
        merge.end(1);
        merge.break_off(0, 1);
        while let Some(next) = merge.first() {
            out.push((next.input, next.tag));
            if out.last() == Some(&(0, 1)) {
                break;
            }
            merge.pass();
        }
        match first_ms {
            None => assert_eq!(out, [(0, 1)]),
            Some(_) => assert_eq!(out, [(0, 0), (0, 1)]),
        }
    }
}

#[test]
fn what_waits_is_counted() {
    let mut merge = Merge::new(2, duration(0));
    assert_eq!(merge.held(), Held::default());
    merge.push(0, 1, 0, b"12345");
    merge.push(0, 2, 1, b"1");
    let held = merge.held();
    assert_eq!((held.records, merge.held_of(0), merge.held_of(1)), (2, 2, 0));
    assert!(held.bytes > 6);
    merge.end(1);
    while merge.first().is_some() {
        merge.pass();
    }
    assert_eq!(merge.held(), Held::default());
}
