//! The values of settings as they are given on the command line; "default" takes one back to its
//! default, which is null.

use serde_json::{Value, json};

use crate::cli::options::parse_bytes;
use crate::log::Fsync;
use crate::log::access::Principal;
use crate::time::duration::Duration;

fn or_default(text: &str, read: impl Fn(&str) -> Result<Value, String>) -> Result<Value, String> {
    if text == "default" { Ok(Value::Null) } else { read(text) }
}

/// An fsync policy.
///
/// # Errors
/// When it is none.
pub fn fsync(text: &str) -> Result<Value, String> {
    or_default(text, |text| Ok(String::from(text.parse::<Fsync>()?).into()))
}

/// A duration, in milliseconds.
///
/// # Errors
/// When it is none.
pub fn ms(text: &str) -> Result<Value, String> {
    let read = |text: &str| text.parse::<Duration>().map_err(|error| error.to_string());
    or_default(text, |text| Ok(read(text)?.ms().into()))
}

/// How much is kept. Nothing at all is refused: elsewhere 0 means not to do a thing, and here it
/// would remove all.
///
/// # Errors
/// When it is 0, or `read` refuses it.
pub fn kept(text: &str, read: impl Fn(&str) -> Result<Value, String>) -> Result<Value, String> {
    match read(text)? {
        value if value == json!(0) => {
            Err("0 would delete all closed segments; 'default' keeps all".to_owned())
        }
        value => Ok(value),
    }
}

/// true or false.
///
/// # Errors
/// When it is none.
pub fn whether(text: &str) -> Result<Value, String> {
    or_default(text, |text| Ok(text.parse::<bool>().map_err(|error| error.to_string())?.into()))
}

/// Any text.
///
/// # Errors
/// When it is none.
pub fn text(text: &str) -> Result<Value, String> {
    or_default(text, |text| Ok(text.into()))
}

/// A size, in bytes.
///
/// # Errors
/// When it is none.
pub fn bytes(text: &str) -> Result<Value, String> {
    or_default(text, |text| Ok(parse_bytes(text)?.into()))
}

/// Users and groups, separated by commas.
///
/// # Errors
/// When it is none.
pub fn principals(text: &str) -> Result<Value, String> {
    let read = |name: &str| name.trim().parse::<Principal>().map(|one| one.to_string());
    or_default(text, |text| Ok(text.split(',').map(read).collect::<Result<Vec<_>, _>>()?.into()))
}

/// A number, at least 1.
///
/// # Errors
/// When it is none.
pub fn count(text: &str) -> Result<Value, String> {
    let read = |text: &str| match text.parse::<u64>() {
        Ok(count) if count > 0 => Ok(count.into()),
        _ => Err("not a number from 1".to_owned()),
    };
    or_default(text, read)
}
