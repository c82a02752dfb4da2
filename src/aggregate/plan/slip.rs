//! What can be wrong with what the user writes as an aggregate or a group.

use crate::aggregate::functions::catalog::FUNCTIONS;
use crate::aggregate::functions::function::Function;
use crate::expr::ExprError;

/// Why a text is not an aggregate, or not something to group by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// There is no function of this name.
    #[error("'{text}': there is no aggregate '{name}'; {}", hint(.name))]
    Unknown {
        /// The whole text.
        text: String,
        /// The name in it.
        name: String,
    },
    /// The function needs an argument.
    #[error("'{text}': {function} needs an expression; write it like {function}(.field)")]
    NoArgument {
        /// The whole text.
        text: String,
        /// The function.
        function: &'static str,
    },
    /// The function takes something else.
    #[error("'{text}': write it like {function}{form}")]
    Form {
        /// The whole text.
        text: String,
        /// The function.
        function: &'static str,
        /// What it takes.
        form: &'static str,
    },
    /// The number that the function takes is none, or not in its range.
    #[error("'{text}': '{number}' is not {range}")]
    BadNumber {
        /// The whole text.
        text: String,
        /// What stands for the number.
        number: String,
        /// What it can be.
        range: &'static str,
    },
    /// The closing parenthesis is missing.
    #[error("'{0}': an aggregate ends with the closing parenthesis of its expression")]
    Unclosed(String),
    /// Something other than a condition follows.
    #[error("'{0}': only a condition may follow an aggregate, like where .ms > 100")]
    Behind(String),
    /// SQL's way to count records.
    #[error("'{text}': write {function} for all records, and {function}(.field) for some")]
    Star {
        /// The whole text.
        text: String,
        /// The function.
        function: &'static str,
    },
    /// A field without its point.
    #[error("'{text}': '{word}' is not a jq expression; did you mean '.{word}'?")]
    NoPoint {
        /// The whole text.
        text: String,
        /// What stands for the field.
        word: String,
    },
    /// The expression, which would have to suggest a name, does not even compile.
    #[error("'{text}': {error}")]
    Expression {
        /// The whole text.
        text: String,
        /// What is wrong with the expression.
        error: ExprError,
    },
    /// Several things to group by in one.
    #[error("'{text}' has several expressions; write {each}")]
    Several {
        /// The whole text.
        text: String,
        /// The options that are meant.
        each: String,
    },
    /// Only a simple path names its result.
    #[error("'{0}' needs a name for its result; write it like NAME={0}")]
    NoName(String),
    /// A name that would not stand well as a field.
    #[error(
        "'{text}': '{name}' is not a name; a name begins with a letter or _, and has letters, digits, _ \
         and -"
    )]
    BadName {
        /// The whole text.
        text: String,
        /// The name in it.
        name: String,
    },
}

/// What to do about an unknown function.
fn hint(name: &str) -> String {
    match Function::nearest(name) {
        Some(function) => format!("did you mean {}?", function.name),
        None => {
            let names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
            format!("the aggregates are {}", names.join(", "))
        }
    }
}
