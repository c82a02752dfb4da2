//! jq's arithmetic, for both evaluators.

use jaq_core::ops::Math;

use crate::record::number::jq::Number;

/// jq's calculations on numbers: on integers, and on doubles where integers of 64 bits do not hold
/// the result. None for a division by zero.
pub(super) fn calculate(left: Number, op: Math, right: Number) -> Option<Number> {
    let exact: fn(i64, i64) -> Option<i64> = match op {
        Math::Add => i64::checked_add,
        Math::Sub => i64::checked_sub,
        Math::Mul => i64::checked_mul,
        Math::Div if right.as_f64() == 0.0 => return None,
        Math::Div => |left, right| match left.checked_rem(right) {
            Some(0) => left.checked_div(right),
            _ => None,
        },
        Math::Rem => return remainder(left, right),
    };
    if let (Number::Int(left), Number::Int(right)) = (left, right)
        && let Some(result) = exact(left, right)
    {
        return Some(Number::Int(result));
    }
    let (left, right) = (left.as_f64(), right.as_f64());
    Some(Number::Float(match op {
        Math::Add => left + right,
        Math::Sub => left - right,
        Math::Mul => left * right,
        Math::Div | Math::Rem => left / right,
    }))
}

/// On the integer parts; the sign is the dividend's.
fn remainder(dividend: Number, divisor: Number) -> Option<Number> {
    if dividend.as_f64().is_nan() || divisor.as_f64().is_nan() {
        return Some(Number::Float(f64::NAN));
    }
    match divisor.truncated() {
        0 => None,
        divisor => Some(Number::Int(dividend.truncated().checked_rem(divisor).unwrap_or(0))),
    }
}
