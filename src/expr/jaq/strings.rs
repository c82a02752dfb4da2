//! Functions on strings.

use jaq_core::ValT as _;
use jaq_core::native::{Fun, bome, run, unary, v};

use super::data::Kind;
use super::encodings;
use super::val::errors::{NO_STRING, plain, unfit};
use super::val::{Error, Number, Text, Val, ValR};
use crate::expr::meter;

/// How many bytes of a string are looked at in a step.
const BYTES_A_STEP: usize = 256;

const STARTS: &str = "startswith() requires string inputs";
const ENDS: &str = "endswith() requires string inputs";
const TRIM: &str = "trim input must be a string";
const EXPLODE: &str = "explode input must be a string";
const SPLIT: &str = "split input and separator must be strings";
const NOT_BASE32: &str = "is not valid base32 data";
const NOT_BASE64: &str = "is not valid base64 data";
const NO_CODEPOINT: &str = "can't be imploded, unicode codepoint needs to be numeric";

/// The functions.
pub(super) fn natives() -> impl Iterator<Item = Fun<Kind>> {
    parts().into_iter().chain(whole()).chain(encoded())
}

fn parts() -> [Fun<Kind>; 9] {
    [
        run(("startswith", v(1), |cv| {
            unary(cv, |text, start| {
                let (text, start) = (string(&text, STARTS)?, string(&start, STARTS)?);
                Ok(Val::Bool(text.starts_with(&**start)))
            })
        })),
        run(("endswith", v(1), |cv| {
            unary(cv, |text, end| {
                let (text, end) = (string(&text, ENDS)?, string(&end, ENDS)?);
                Ok(Val::Bool(text.ends_with(&**end)))
            })
        })),
        run(("ltrimstr", v(1), |cv| {
            unary(cv, |text, cut| {
                let (text, cut) = (string(&text, STARTS)?, string(&cut, STARTS)?);
                Ok(part(text, text.strip_prefix(&**cut).unwrap_or(text)))
            })
        })),
        run(("rtrimstr", v(1), |cv| {
            unary(cv, |text, cut| {
                let (text, cut) = (string(&text, ENDS)?, string(&cut, ENDS)?);
                Ok(part(text, text.strip_suffix(&**cut).unwrap_or(text)))
            })
        })),
        run(("trim", v(0), |cv| bome(string(&cv.1, TRIM).map(|text| part(text, text.trim()))))),
        run(("ltrim", v(0), |cv| {
            bome(string(&cv.1, TRIM).map(|text| part(text, text.trim_start())))
        })),
        run(("rtrim", v(0), |cv| {
            bome(string(&cv.1, TRIM).map(|text| part(text, text.trim_end())))
        })),
        run(("__split", v(1), |cv| {
            unary(cv, |text, separator| {
                string(&text, SPLIT).and_then(|_| string(&separator, SPLIT))?;
                text / separator
            })
        })),
        run(("join", v(1), |cv| unary(cv, |value, between| join(&value, &between)))),
    ]
}

fn whole() -> [Fun<Kind>; 6] {
    [
        run(("utf8bytelength", v(0), |cv| bome(byte_length(&cv.1)))),
        run(("explode", v(0), |cv| {
            bome(string(&cv.1, EXPLODE).map(|text| {
                text.chars().map(|letter| Val::Int(u32::from(letter).into())).collect()
            }))
        })),
        run(("implode", v(0), |cv| bome(implode(&cv.1)))),
        run(("ascii_downcase", v(0), |cv| {
            bome(string(&cv.1, EXPLODE).map(|text| Val::text(text.to_ascii_lowercase())))
        })),
        run(("ascii_upcase", v(0), |cv| {
            bome(string(&cv.1, EXPLODE).map(|text| Val::text(text.to_ascii_uppercase())))
        })),
        run(("toboolean", v(0), |cv| bome(to_boolean(cv.1)))),
    ]
}

fn encoded() -> [Fun<Kind>; 8] {
    [
        run(("escape_html", v(0), |cv| bome(with(&cv.1, encodings::html)))),
        run(("escape_sh", v(0), |cv| bome(with(&cv.1, encodings::sh)))),
        run(("encode_uri", v(0), |cv| bome(with(&cv.1, encodings::uri)))),
        run(("decode_uri", v(0), |cv| bome(decode_uri(&cv.1)))),
        run(("encode_base32", v(0), |cv| bome(with(&cv.1, encodings::to_base32)))),
        run(("decode_base32", v(0), |cv| bome(decoded(&cv.1, encodings::from_base32, NOT_BASE32)))),
        run(("encode_base64", v(0), |cv| bome(with(&cv.1, encodings::to_base64)))),
        run(("decode_base64", v(0), |cv| bome(decode_base64(&cv.1)))),
    ]
}

/// A value that must be a string, or else the error is this.
fn string<'v>(value: &'v Val, why: &'static str) -> Result<&'v Text, Error> {
    match value {
        Val::Text(text) => {
            meter::work(text.len());
            Ok(text)
        }
        _ => Err(plain(why)),
    }
}

fn part(text: &Text, part: &str) -> Val {
    Val::Text(text.part(part.as_bytes()))
}

fn byte_length(value: &Val) -> ValR {
    match value {
        Val::Text(text) => Ok(Val::from(text.len())),
        other => Err(unfit(other, "only strings have UTF-8 byte length")),
    }
}

fn join(value: &Val, between: &Val) -> ValR {
    let mut joined = Val::text(String::new());
    if let Val::Arr(items) = value {
        meter::items(items.len());
    }
    let mut first = true;
    for item in value.clone().values() {
        if !first {
            joined = (joined + between.clone())?;
        }
        first = false;
        joined = match item? {
            Val::Null => joined,
            text @ Val::Text(_) => (joined + text)?,
            other @ (Val::Arr(_) | Val::Obj(_)) => return joined + other,
            other => (joined + other.to_json())?,
        };
    }
    Ok(joined)
}

/// What is no character stands for the replacement character.
fn implode(value: &Val) -> ValR {
    let Val::Arr(points) = value else { return Err(plain("implode input must be an array")) };
    meter::items(points.len());
    let letter = |point: &Val| {
        let number = point.number().map(Number::as_f64).filter(|number| !number.is_nan());
        let number = number.ok_or_else(|| unfit(point, NO_CODEPOINT))?;
        // Fractions are cut off, and what is too large or negative is no character.
        let letter = (number > -1.0).then_some(number as u32).and_then(char::from_u32);
        Ok(letter.unwrap_or(char::REPLACEMENT_CHARACTER))
    };
    points.iter().map(letter).collect::<Result<String, Error>>().map(Val::text)
}

fn to_boolean(value: Val) -> ValR {
    match &value {
        Val::Bool(_) => Ok(value),
        Val::Text(text) if &**text == "true" => Ok(Val::Bool(true)),
        Val::Text(text) if &**text == "false" => Ok(Val::Bool(false)),
        other => Err(unfit(other, "cannot be parsed as a boolean")),
    }
}

fn with(value: &Val, encode: fn(&str) -> String) -> ValR {
    value.as_text().map(|text| Val::text(encode(text)))
}

fn decoded(value: &Val, decode: fn(&str) -> Option<Vec<u8>>, why: &str) -> ValR {
    let bytes = decode(value.as_text()?).ok_or_else(|| unfit(value, why))?;
    Ok(Val::text(Text::from(String::from_utf8_lossy(&bytes).into_owned())))
}

/// As in jq, what stands behind an equals sign does not count.
fn decode_base64(value: &Val) -> ValR {
    let text = value.as_text()?;
    let letters = text.split('=').next().unwrap_or_default();
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/".contains(&byte);
    if letters.len() % 4 == 1 && letters.bytes().all(is_letter) {
        return Err(unfit(value, "trailing base64 byte found"));
    }
    decoded(&part(text, letters), encodings::from_base64, NOT_BASE64)
        .map_err(|_| unfit(value, NOT_BASE64))
}

fn decode_uri(value: &Val) -> ValR {
    let bytes = encodings::from_uri(value.as_text()?);
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Val::text).ok_or_else(|| unfit(value, "is not a valid uri encoding"))
}

/// Where a string is in another, counted in characters.
pub(super) fn places(text: &Text, part: &Val) -> ValR {
    let Val::Text(part) = part else { return Err(unfit(part, NO_STRING)) };
    if part.is_empty() {
        return Ok(Val::from_iter([]));
    }
    meter::work(text.len());
    let begins = |at: usize| {
        meter::steps(part.len() / BYTES_A_STEP);
        text.get(at..).is_some_and(|rest| rest.starts_with(&**part))
    };
    let found = text.char_indices().enumerate().filter(|(_, (at, _))| begins(*at));
    Ok(found.map(|(chars, _)| Val::from(chars)).collect())
}
