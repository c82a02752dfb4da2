//! What each of 64 bytes is, with the registers that every aarch64 has. `unsafe` is only the call
//! of what is compiled for them.

use std::arch::aarch64::*;

use super::classify::{Classify, Masks, Portable};
use super::{STEP, State, fill as fill_with};

/// The scan for all processors of this kind.
pub(super) fn fill(text: &[u8], state: &mut State, ahead: &mut [u32], trusted: bool) -> usize {
    match trusted {
        false => fill_with::<Neon, false>(text, state, ahead),
        true => fill_with::<Neon, true>(text, state, ahead),
    }
}

struct Neon;

/// 64 bytes.
type Bytes = [uint8x16_t; 4];

impl Classify for Neon {
    #[inline(always)]
    fn classify<const TRUSTED: bool>(bytes: &[u8; STEP]) -> Masks {
        // SAFETY: NEON is part of every target of this architecture that we build for, and Rust
        // enables it on them all.
        unsafe { classify::<TRUSTED>(bytes) }
    }

    #[inline(always)]
    fn parity(bits: u64) -> u64 {
        Portable::parity(bits)
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn classify<const TRUSTED: bool>(bytes: &[u8; STEP]) -> Masks {
    let bytes = load(bytes);
    // In each table the place of a byte's low four bits holds the one byte of its kind that has
    // them, and something that has other low bits where there is none.
    let spaces = table([b' ', 0, 0, 0, 0, 0, 0, 0, 0, b'\t', b'\n', 0, 0, b'\r', 0, 0]);
    let operators = table([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b':', b'{', b',', b'}', 0, 0]);
    let found =
        |bytes, table| vceqq_u8(bytes, vqtbl1q_u8(table, vandq_u8(bytes, vdupq_n_u8(0x0f))));
    let is = |byte: u8| gather(bytes.map(|bytes| vceqq_u8(bytes, vdupq_n_u8(byte))));
    // Brackets and braces differ in the bit 0x20 alone.
    let folded = bytes.map(|bytes| vorrq_u8(bytes, vdupq_n_u8(0x20)));
    let (control, high) = match TRUSTED {
        true => (0, 0),
        false => {
            let [a, b, c, d] = bytes;
            let all = vorrq_u8(vorrq_u8(a, b), vorrq_u8(c, d));
            let control = bytes.map(|bytes| vcltq_u8(bytes, vdupq_n_u8(0x20)));
            (gather(control), u64::from(vmaxvq_u8(all) & 0x80))
        }
    };
    Masks {
        quote: is(b'"'),
        backslash: is(b'\\'),
        operator: gather(folded.map(|bytes| found(bytes, operators))),
        space: gather(bytes.map(|bytes| found(bytes, spaces))),
        line_end: is(b'\n'),
        control,
        high,
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn load(bytes: &[u8; STEP]) -> Bytes {
    let (parts, _) = bytes.as_chunks::<16>();
    [0, 1, 2, 3].map(|part| parts.get(part).map_or(vdupq_n_u8(0), |part| table(*part)))
}

/// A register with these bytes, which is read at once.
#[inline]
#[target_feature(enable = "neon")]
fn table(bytes: [u8; 16]) -> uint8x16_t {
    let bits = u128::from_le_bytes(bytes);
    vcombine_u8(vcreate_u8(bits as u64), vcreate_u8((bits >> 64) as u64))
}

/// The mask of 64 bytes that are all ones or zero: each keeps the bit of its place among eight, and
/// neighbours are added until eight bytes are left.
#[inline]
#[target_feature(enable = "neon")]
fn gather(bytes: Bytes) -> u64 {
    let places = table([1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128]);
    let [a, b, c, d] = bytes.map(|bytes| vandq_u8(bytes, places));
    let all = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
    vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(all, all)))
}
