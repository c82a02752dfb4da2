//! What each of 64 bytes is, with AVX-512: one register holds them all, a comparison gives its
//! mask at once, and the positions of set bits are gathered without a loop. `unsafe` as in the
//! module for AVX2, and for storing 16 positions.

use std::arch::x86_64::*;
use std::is_x86_feature_detected as has;

use super::avx2::parity;
use super::classify::{Classify, Masks};
use super::{Fill, STEP, State, fill as fill_with};

/// The scan for processors that can do this, if this is one.
pub(super) fn fill() -> Option<Fill> {
    let able = has!("avx512f")
        && has!("avx512bw")
        && has!("avx512vbmi2")
        && has!("pclmulqdq")
        && has!("bmi1")
        && has!("bmi2")
        && has!("lzcnt")
        && has!("popcnt");
    able.then_some(on_avx512 as Fill)
}

/// Only [`fill`] hands this out.
fn on_avx512(text: &[u8], state: &mut State, ahead: &mut [u32], trusted: bool) -> usize {
    // SAFETY: `fill` gives this function away only on a processor that has all the features that
    // `compiled` is compiled for.
    unsafe { compiled(text, state, ahead, trusted) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
fn compiled(text: &[u8], state: &mut State, ahead: &mut [u32], trusted: bool) -> usize {
    match trusted {
        false => fill_with::<Avx512, false>(text, state, ahead),
        true => fill_with::<Avx512, true>(text, state, ahead),
    }
}

/// Only used inside [`compiled`].
struct Avx512;

impl Classify for Avx512 {
    #[inline(always)]
    fn classify<const TRUSTED: bool>(bytes: &[u8; STEP]) -> Masks {
        // SAFETY: only `compiled` uses this type, so the processor has AVX-512. The load reads an
        // array of 64 bytes, and needs no alignment.
        unsafe { classify::<TRUSTED>(_mm512_loadu_si512(bytes.as_ptr().cast())) }
    }

    #[inline(always)]
    fn parity(bits: u64) -> u64 {
        // SAFETY: only `compiled` uses this type, so the processor has PCLMULQDQ.
        unsafe { parity(bits) }
    }

    #[inline(always)]
    fn write(bits: u64, base: u32, out: &mut [u32; STEP]) -> usize {
        // SAFETY: only `compiled` uses this type, so the processor has AVX-512 with VBMI2.
        unsafe { write(bits, base, out) }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn classify<const TRUSTED: bool>(bytes: __m512i) -> Masks {
    // As with AVX2: in each table the place of a byte's low four bits holds the one byte of its
    // kind that has them, and something that has other low bits where there is none.
    let spaces = _mm_setr_epi8(
        b' ' as i8, 100, 100, 100, 17, 100, 113, 2, 100, 9, 10, 112, 100, 13, 100, 100,
    );
    let operators = _mm_setr_epi8(
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b':' as i8, b'{' as i8, b',' as i8, b'}' as i8, 0, 0,
    );
    let (spaces, operators) = (_mm512_broadcast_i32x4(spaces), _mm512_broadcast_i32x4(operators));
    let is = |byte: u8| _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte as i8));
    // Brackets and braces differ in the bit 0x20 alone.
    let folded = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
    let (control, high) = match TRUSTED {
        true => (0, 0),
        false => {
            (_mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20)), _mm512_movepi8_mask(bytes))
        }
    };
    Masks {
        quote: is(b'"'),
        backslash: is(b'\\'),
        operator: _mm512_cmpeq_epi8_mask(folded, _mm512_shuffle_epi8(operators, bytes)),
        space: _mm512_cmpeq_epi8_mask(bytes, _mm512_shuffle_epi8(spaces, bytes)),
        line_end: is(b'\n'),
        control,
        high,
    }
}

/// Every number below 64 in its place.
const PLACES: [u8; STEP] = {
    let mut places = [0; STEP];
    let mut at = 0;
    while at < STEP {
        places[at] = at as u8;
        at += 1;
    }
    places
};

/// The places of set bits move to the front, and become positions, 16 at a time.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
fn write(bits: u64, base: u32, out: &mut [u32; STEP]) -> usize {
    let count = bits.count_ones() as usize;
    // SAFETY: the load reads an array of 64 bytes, and needs no alignment.
    let places = unsafe { _mm512_loadu_si512(PLACES.as_ptr().cast()) };
    let set = _mm512_maskz_compress_epi8(bits, places);
    let base = _mm512_set1_epi32(base as i32);
    let (sixteens, _) = out.as_chunks_mut::<16>();
    for (number, sixteen) in sixteens.iter_mut().enumerate().take(count.div_ceil(16)) {
        let places = match number {
            0 => _mm512_castsi512_si128(set),
            1 => _mm512_extracti32x4_epi32::<1>(set),
            2 => _mm512_extracti32x4_epi32::<2>(set),
            _ => _mm512_extracti32x4_epi32::<3>(set),
        };
        let positions = _mm512_add_epi32(base, _mm512_cvtepu8_epi32(places));
        // SAFETY: the store writes an array of 16 numbers of 32 bits, and needs no alignment.
        unsafe { _mm512_storeu_si512(sixteen.as_mut_ptr().cast(), positions) }
    }
    count
}
