//! What each of 64 bytes is, with AVX2 and carry-less multiplication.
//!
//! Two things need `unsafe`, and nothing else is done here: reading 32 bytes into a register, and
//! calling a function that is compiled for processors with AVX2 after making sure that this is one.

use std::arch::x86_64::*;
use std::is_x86_feature_detected as has;

use super::classify::{Classify, Masks};
use super::{Fill, STEP, State, fill as fill_with};

/// The scan for processors that can do this, if this is one.
pub(super) fn fill() -> Option<Fill> {
    let able = has!("avx2")
        && has!("pclmulqdq")
        && has!("bmi1")
        && has!("bmi2")
        && has!("lzcnt")
        && has!("popcnt");
    able.then_some(on_avx2 as Fill)
}

/// Only [`fill`] hands this out.
fn on_avx2(text: &[u8], state: &mut State, ahead: &mut [u32], trusted: bool) -> usize {
    // SAFETY: `fill` gives this function away only on a processor that has all the features that
    // `compiled` is compiled for.
    unsafe { compiled(text, state, ahead, trusted) }
}

#[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
fn compiled(text: &[u8], state: &mut State, ahead: &mut [u32], trusted: bool) -> usize {
    match trusted {
        false => fill_with::<Avx2, false>(text, state, ahead),
        true => fill_with::<Avx2, true>(text, state, ahead),
    }
}

/// Only used inside [`compiled`].
struct Avx2;

impl Classify for Avx2 {
    #[inline(always)]
    fn classify<const TRUSTED: bool>(bytes: &[u8; STEP]) -> Masks {
        // SAFETY: only `compiled` uses this type, so the processor has AVX2. The two loads read
        // bytes 0..32 and 32..64 of an array of 64, and need no alignment.
        unsafe {
            let low = _mm256_loadu_si256(bytes.as_ptr().cast());
            let high = _mm256_loadu_si256(bytes.as_ptr().add(32).cast());
            classify::<TRUSTED>(low, high)
        }
    }

    #[inline(always)]
    fn parity(bits: u64) -> u64 {
        // SAFETY: only `compiled` uses this type, so the processor has PCLMULQDQ.
        unsafe { parity(bits) }
    }
}

/// Multiplying by all ones without carries sums up, bit by bit, all bits below.
#[inline]
#[target_feature(enable = "pclmulqdq")]
pub(super) fn parity(bits: u64) -> u64 {
    let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product) as u64
}

#[inline]
#[target_feature(enable = "avx2")]
fn classify<const TRUSTED: bool>(low: __m256i, high: __m256i) -> Masks {
    // In each table the place of a byte's low four bits holds the one byte of its kind that has
    // them, and something that has other low bits where there is none.
    let spaces = _mm256_setr_epi8(
        b' ' as i8, 100, 100, 100, 17, 100, 113, 2, 100, 9, 10, 112, 100, 13, 100, 100, //
        b' ' as i8, 100, 100, 100, 17, 100, 113, 2, 100, 9, 10, 112, 100, 13, 100, 100,
    );
    let operators = _mm256_setr_epi8(
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b':' as i8, b'{' as i8, b',' as i8, b'}' as i8, 0, 0, //
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b':' as i8, b'{' as i8, b',' as i8, b'}' as i8, 0, 0,
    );
    let is = |byte: u8| {
        let byte = _mm256_set1_epi8(byte as i8);
        gather(_mm256_cmpeq_epi8(low, byte), _mm256_cmpeq_epi8(high, byte))
    };
    let space = |bytes| _mm256_cmpeq_epi8(bytes, _mm256_shuffle_epi8(spaces, bytes));
    // Brackets and braces differ in the bit 0x20 alone.
    let fold = _mm256_set1_epi8(0x20);
    let operator = |bytes| {
        let folded = _mm256_or_si256(bytes, fold);
        _mm256_cmpeq_epi8(folded, _mm256_shuffle_epi8(operators, bytes))
    };
    let last = _mm256_set1_epi8(0x1f);
    let control = |bytes| _mm256_cmpeq_epi8(_mm256_max_epu8(bytes, last), last);
    let (controls, outside) = match TRUSTED {
        true => (0, 0),
        false => {
            let outside = _mm256_movemask_epi8(_mm256_or_si256(low, high));
            (gather(control(low), control(high)), u64::from(outside as u32))
        }
    };
    Masks {
        quote: is(b'"'),
        backslash: is(b'\\'),
        operator: gather(operator(low), operator(high)),
        space: gather(space(low), space(high)),
        line_end: is(b'\n'),
        control: controls,
        high: outside,
    }
}

/// The high bits of 64 bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn gather(low: __m256i, high: __m256i) -> u64 {
    let low = _mm256_movemask_epi8(low) as u32;
    let high = _mm256_movemask_epi8(high) as u32;
    u64::from(low) | u64::from(high) << 32
}
