//! What the user may have meant by a name that is not defined.

use super::library;

/// Says what is wrong with a call of `name` with `arity` arguments, and what may have been meant.
pub(super) fn function(name: &str, arity: usize) -> (String, Option<String>) {
    let names = library::names();
    let mut arities: Vec<usize> =
        names.iter().filter(|(known, _)| *known == name).map(|(_, arity)| *arity).collect();
    if !arities.is_empty() {
        arities.sort_unstable();
        let takes: Vec<String> = arities.iter().map(usize::to_string).collect();
        let plural = if arities == [1] { "" } else { "s" };
        let takes = takes.join(" or ");
        return (format!("'{name}' takes {takes} argument{plural}, not {arity}"), None);
    }
    let near = names
        .iter()
        .map(|(known, takes)| (distance(name, known), *takes != arity, *known))
        .min()
        .filter(|(distance, ..)| *distance <= 1 + name.chars().count() / 4);
    let meant = match near {
        Some((_, _, near)) => Some(format!("did you mean '{near}'?")),
        // Most often it is a field that lacks its dot.
        None if arity == 0 && !name.starts_with('@') => Some(format!("did you mean '.{name}'?")),
        None => None,
    };
    (format!("undefined function '{name}'"), meant)
}

/// How many letters must be added, removed, changed or swapped with their neighbour to make one
/// name of the other.
fn distance(from: &str, to: &str) -> usize {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let remedy = |name, arity| function(name, arity).1.unwrap_or_default();
        assert_eq!(remedy("lenght", 0), "did you mean 'length'?");
        assert_eq!(remedy("selct", 1), "did you mean 'select'?");
        assert_eq!(remedy("starts_with", 1), "did you mean 'startswith'?");
        assert_eq!(remedy("status", 0), "did you mean '.status'?");
        assert_eq!(remedy("frobnicate_all", 2), "");
        assert_eq!(remedy("@xyzzy", 0), "");
    }

    #[test]
    fn a_wrong_number_of_arguments_is_told() {
        assert_eq!(function("select", 0).0, "'select' takes 1 argument, not 0");
        assert_eq!(function("range", 4).0, "'range' takes 1 or 2 or 3 arguments, not 4");
    }

    #[test]
    fn distance_counts_edits() {
        for (from, to, edits) in
            [("", "abc", 3), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "xbcd", 2)]
        {
            assert_eq!(distance(from, to), edits, "{from} {to}");
        }
    }
}
