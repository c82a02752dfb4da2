//! What the user may have meant by a name that is not defined.

use super::library;
use crate::record::near::distance;

/// A name of so few letters is near to some function by chance.
const LETTERS_FEW: usize = 3;

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
    let letters = name.chars().count();
    let near = names
        .iter()
        .map(|(known, takes)| (distance(name, known), *takes != arity, *known))
        .min()
        .filter(|(distance, ..)| *distance <= 1 + letters / 4 && *distance < letters);
    // Most often it is a field that lacks its dot.
    let is_field = arity == 0 && !name.starts_with('@');
    let meant = match near {
        // One letter more or less is a slip; more of them, or one of a few, may be chance.
        Some((edits, _, near)) if is_field && (edits > 1 || letters <= LETTERS_FEW) => {
            Some(format!("did you mean '.{name}' or '{near}'?"))
        }
        Some((_, _, near)) => Some(format!("did you mean '{near}'?")),
        None if is_field => Some(format!("did you mean '.{name}'?")),
        None => None,
    };
    (format!("undefined function '{name}'"), meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let remedy = |name, arity| function(name, arity).1.unwrap_or_default();
        assert_eq!(remedy("lenght", 0), "did you mean 'length'?");
        assert_eq!(remedy("time", 0), "did you mean '.time' or 'gmtime'?");
        assert_eq!(remedy("n", 0), "did you mean '.n'?");
        assert_eq!(remedy("nn", 0), "did you mean '.nn' or 'nan'?");
        assert_eq!(remedy("ad", 0), "did you mean '.ad' or 'add'?");
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
}
