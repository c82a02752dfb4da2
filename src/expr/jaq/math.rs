//! Functions of mathematics: those of the C library, computed in the same way on every machine.

use jaq_core::native::{Fun, bome, run, v};

use super::data::Kind;
use super::val::errors::{NUMBER, unfit};
use super::val::{Error, Number, Val, ValR};

/// A function of the number that it is called on.
macro_rules! of_one {
    ($($name:ident)*) => {
        [$(run((stringify!($name), v(0), |cv| {
            bome(float(&cv.1).map(|x| Val::Float(libm::$name(x))))
        }))),*]
    };
}

/// A function of two numbers, whatever it is called on.
macro_rules! of_two {
    ($($name:ident)*) => {
        [$(run((stringify!($name), v(2), |mut cv| {
            let (y, x) = (cv.0.pop_var(), cv.0.pop_var());
            bome(two(&x, &y, libm::$name))
        }))),*]
    };
}

/// The functions.
pub(super) fn natives() -> impl Iterator<Item = Fun<Kind>> {
    let one = of_one!(
        acos acosh asin asinh atan atanh cbrt cos cosh erf erfc exp exp10 exp2 expm1 fabs j0 j1
        lgamma log log10 log1p log2 rint sin sinh sqrt tan tanh tgamma trunc y0 y1
    );
    let two = of_two!(
        atan2 copysign fdim fmax fmin fmod hypot nextafter pow remainder
    );
    one.into_iter().chain(two).chain(others())
}

/// Those with whole numbers, or with other numbers of arguments or results.
fn others() -> [Fun<Kind>; 8] {
    [
        run(("frexp", v(0), |cv| {
            bome(float(&cv.1).map(|x| {
                let (fraction, exponent) = libm::frexp(x);
                [Val::Float(fraction), Val::Int(exponent.into())].into_iter().collect()
            }))
        })),
        run(("modf", v(0), |cv| {
            bome(float(&cv.1).map(|x| {
                let (fraction, whole) = libm::modf(x);
                [fraction, whole].map(Val::Float).into_iter().collect()
            }))
        })),
        run(("ilogb", v(0), |cv| bome(float(&cv.1).map(|x| Val::Int(libm::ilogb(x).into()))))),
        run(("ldexp", v(2), |mut cv| {
            let (power, x) = (cv.0.pop_var(), cv.0.pop_var());
            bome(two(&x, &power, |x, power| libm::ldexp(x, power as i32)))
        })),
        run(("scalbln", v(2), |mut cv| {
            let (power, x) = (cv.0.pop_var(), cv.0.pop_var());
            bome(two(&x, &power, |x, power| libm::scalbn(x, power as i32)))
        })),
        run(("jn", v(2), |mut cv| {
            let (x, order) = (cv.0.pop_var(), cv.0.pop_var());
            bome(two(&order, &x, |order, x| libm::jn(order as i32, x)))
        })),
        run(("yn", v(2), |mut cv| {
            let (x, order) = (cv.0.pop_var(), cv.0.pop_var());
            bome(two(&order, &x, |order, x| libm::yn(order as i32, x)))
        })),
        run(("fma", v(3), |mut cv| {
            let (z, y, x) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
            bome((|| Ok(Val::Float(libm::fma(float(&x)?, float(&y)?, float(&z)?))))())
        })),
    ]
}

fn two(x: &Val, y: &Val, f: fn(f64, f64) -> f64) -> ValR {
    Ok(Val::Float(f(float(x)?, float(y)?)))
}

fn float(value: &Val) -> Result<f64, Error> {
    value.number().map(Number::as_f64).ok_or_else(|| unfit(value, NUMBER))
}
