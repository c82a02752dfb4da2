//! Who reads which partition.

use std::cmp::Reverse;

/// Shares the partitions 0 to `partitions` − 1 among members, in order of joining; `held` is what
/// each had before. Shares differ by one at most, and no more partitions change hands than that
/// needs: a member goes on where it is.
pub fn share(partitions: u32, held: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let quotas = quotas(partitions, held);
    let mut free = vec![true; partitions as usize];
    let mut shares = Vec::with_capacity(held.len());
    for (held, &quota) in held.iter().zip(&quotas) {
        let mut keeps = Vec::with_capacity(quota);
        for &partition in held {
            if keeps.len() < quota
                && let Some(free) = free.get_mut(partition as usize).filter(|free| **free)
            {
                *free = false;
                keeps.push(partition);
            }
        }
        shares.push(keeps);
    }
    let mut rest = (0..partitions).zip(free).filter_map(|(number, free)| free.then_some(number));
    for (share, quota) in shares.iter_mut().zip(quotas) {
        let missing = quota.saturating_sub(share.len());
        share.extend(rest.by_ref().take(missing));
        share.sort_unstable();
    }
    shares
}

/// How many partitions each member gets. Who has the most already gets the odd ones.
fn quotas(partitions: u32, held: &[Vec<u32>]) -> Vec<usize> {
    let (partitions, members) = (partitions as usize, held.len().max(1));
    let mut by_size: Vec<(usize, usize)> =
        held.iter().enumerate().map(|(member, held)| (held.len(), member)).collect();
    by_size.sort_by_key(|&(held, _)| Reverse(held));
    let mut quotas = vec![partitions / members; held.len()];
    for (_, member) in by_size.into_iter().take(partitions % members) {
        if let Some(quota) = quotas.get_mut(member) {
            *quota += 1;
        }
    }
    quotas
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_lone_member_has_all_and_more_members_than_partitions_leave_some_without() {
        assert_eq!(share(3, &[vec![]]), [vec![0, 1, 2]]);
        assert_eq!(share(1, &[vec![], vec![]]), [vec![0], vec![]]);
        assert_eq!(share(0, &[vec![]]), [Vec::<u32>::new()]);
        assert!(share(3, &[]).is_empty());
    }

    #[test]
    fn who_joins_gets_the_surplus_of_the_others_and_who_leaves_gives_to_them() {
        assert_eq!(share(4, &[vec![0, 1, 2, 3], vec![]]), [vec![0, 1], vec![2, 3]]);
        assert_eq!(share(4, &[vec![0, 1], vec![2, 3], vec![]]), [vec![0, 1], vec![2], vec![3]]);
        assert_eq!(share(4, &[vec![2], vec![3]]), [vec![0, 2], vec![1, 3]]);
        // Partitions were added.
        assert_eq!(share(5, &[vec![0, 2], vec![1, 3]]), [vec![0, 2, 4], vec![1, 3]]);
    }

    proptest! {
        /// Members come and go; always every partition has one reader, shares are even, and only
        /// what must move does.
        #[test]
        fn shares_are_whole_even_and_steady(
            partitions in 0..40_u32,
            steps in proptest::collection::vec((any::<bool>(), 0..10_usize), 0..30),
        ) {
            let mut shares: Vec<Vec<u32>> = Vec::new();
            for (joins, at) in steps {
                let moving = if joins || shares.is_empty() {
                    shares.push(Vec::new());
                    partitions as usize / shares.len()
                } else {
                    shares.remove(at % shares.len()).len()
                };
                let next = share(partitions, &shares);
                let mut all: Vec<u32> = next.iter().flatten().copied().collect();
                all.sort_unstable();
                let there = if next.is_empty() { 0 } else { partitions };
                prop_assert_eq!(all, (0..there).collect::<Vec<_>>());
                let sizes = || next.iter().map(Vec::len);
                prop_assert!(sizes().max().unwrap_or(0) - sizes().min().unwrap_or(0) <= 1);
                let got = next.iter().zip(&shares);
                let moved: usize = got
                    .map(|(new, old)| new.iter().filter(|&number| !old.contains(number)).count())
                    .sum();
                prop_assert!(moved <= moving, "{} moved, {} had to", moved, moving);
                shares = next;
            }
        }
    }
}
