//! How far two names are apart: for what may have been meant by one of them.

/// How many letters must be added, removed, changed or swapped with their neighbour to make one
/// name of the other.
pub fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let change = at(&above, j) + usize::from(a != b);
            let mut least = change.min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && from.get(i - 1) == Some(b) && to.get(j - 1) == Some(a);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or_default()
}

/// The name among these that was most likely meant; none if all are too far away.
pub fn nearest<'n>(meant: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let letters = meant.chars().count();
    let near = names.into_iter().map(|name| (distance(meant, name), name));
    let near = near.filter(|(edits, _)| *edits <= 1 + letters / 4 && *edits < letters);
    near.min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (from, to, edits) in
            [("", "abc", 3), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "xbcd", 2)]
        {
            assert_eq!(distance(from, to), edits, "{from} {to}");
        }
    }

    #[test]
    fn the_nearest_name_is_near() {
        let names = ["flights", "flight", "clicks"];
        for (meant, name) in [
            ("fligths", Some("flights")),
            ("clik", Some("clicks")),
            ("x", None),
            ("orders", None),
            ("", None),
        ] {
            assert_eq!(nearest(meant, names), name, "{meant}");
        }
    }
}
