//! The encodings behind jq's `@html`, `@sh`, `@uri`, `@urid`, `@base32`, `@base32d`, `@base64` and
//! `@base64d`.
//!
//! What becomes many times as long is measured before it is made.

use crate::expr::meter;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &[u8; 16] = b"0123456789ABCDEF";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Escapes what HTML takes for markup, as jq does.
pub(super) fn html(text: &str) -> String {
    escaped(text, |byte| match byte {
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'&' => Some("&amp;"),
        b'\'' => Some("&#39;"),
        b'"' => Some("&quot;"),
        _ => None,
    })
}

/// Escapes what ends a quotation of a shell.
pub(super) fn sh(text: &str) -> String {
    escaped(text, |byte| (byte == b'\'').then_some(r"'\''"))
}

/// Puts ASCII characters' escapes in their place.
fn escaped(text: &str, escape: fn(u8) -> Option<&'static str>) -> String {
    let escaped_len = |byte| escape(byte).map_or(1, str::len);
    let mut escaped = with_room(text.bytes().map(escaped_len).sum());
    let mut rest = text;
    while let Some((at, by)) = rest.bytes().enumerate().find_map(|(at, b)| Some((at, escape(b)?))) {
        let (before, behind) = rest.split_at(at);
        escaped.push_str(before);
        escaped.push_str(by);
        rest = behind.get(1..).unwrap_or_default();
    }
    escaped.push_str(rest);
    escaped
}

/// Percent-encodes all bytes but the unreserved ones of RFC 3986.
pub(super) fn uri(text: &str) -> String {
    let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let mut encoded = with_room(text.bytes().map(|byte| if is_kept(byte) { 1 } else { 3 }).sum());
    for byte in text.bytes() {
        if is_kept(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded
}

/// A string for so many bytes, if an evaluation may hold them.
fn with_room(bytes: usize) -> String {
    meter::room(bytes);
    String::with_capacity(bytes)
}

/// What percent-encoding stands for; none if a percent sign is not followed by two digits.
pub(super) fn from_uri(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => (digit(bytes.next())? << 4 | digit(bytes.next())?) as u8,
            byte => byte,
        });
    }
    Some(decoded)
}

/// RFC 4648, section 6, with padding.
pub(super) fn to_base32(text: &str) -> String {
    encode(text, BASE32, 5, 5)
}

/// RFC 4648, section 4, with padding.
pub(super) fn to_base64(text: &str) -> String {
    encode(text, BASE64, 6, 3)
}

/// Encodes by letters that stand for `width` bits each, `bytes` bytes at a time.
fn encode(text: &str, alphabet: &[u8], width: usize, bytes: usize) -> String {
    let letters_max = bytes * 8 / width;
    let mut encoded = with_room(text.len().div_ceil(bytes).saturating_mul(letters_max));
    for chunk in text.as_bytes().chunks(bytes) {
        let bits = (0..bytes).fold(0_u64, |bits, at| {
            bits << 8 | u64::from(chunk.get(at).copied().unwrap_or_default())
        });
        let letters = (chunk.len() * 8).div_ceil(width);
        for letter in 0..letters_max {
            let index = (bits >> (bytes * 8 - width * (letter + 1))) as usize % alphabet.len();
            encoded.push(if letter < letters { char::from(alphabet[index]) } else { '=' });
        }
    }
    encoded
}

/// RFC 4648, section 6; padding may be missing.
pub(super) fn from_base32(text: &str) -> Option<Vec<u8>> {
    decode(text, BASE32, 5)
}

/// RFC 4648, section 4; padding may be missing.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    decode(text, BASE64, 6)
}

/// Decodes letters that stand for `width` bits each; none where there are other letters, or where a
/// letter holds not even a part of a byte.
fn decode(text: &str, alphabet: &[u8], width: u32) -> Option<Vec<u8>> {
    let letters = text.trim_end_matches('=');
    let mut decoded = Vec::with_capacity(letters.len());
    let (mut bits, mut count) = (0_u32, 0);
    for letter in letters.bytes() {
        let value = alphabet.iter().position(|known| *known == letter)?;
        bits = bits << width | u32::try_from(value).ok()?;
        count += width;
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (count < width).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_vectors_of_the_rfc() {
        let vectors = [
            ("", "", ""),
            ("f", "Zg==", "MY======"),
            ("fo", "Zm8=", "MZXQ===="),
            ("foo", "Zm9v", "MZXW6==="),
            ("foob", "Zm9vYg==", "MZXW6YQ="),
            ("fooba", "Zm9vYmE=", "MZXW6YTB"),
            ("foobar", "Zm9vYmFy", "MZXW6YTBOI======"),
        ];
        for (plain, base64, base32) in vectors {
            assert_eq!(to_base32(plain), base32);
            assert_eq!(to_base64(plain), base64);
            assert_eq!(from_base32(base32).as_deref(), Some(plain.as_bytes()), "{base32}");
            assert_eq!(from_base64(base64).as_deref(), Some(plain.as_bytes()), "{base64}");
            let unpadded = base64.trim_end_matches('=');
            assert_eq!(from_base64(unpadded).as_deref(), Some(plain.as_bytes()), "{unpadded}");
        }
        assert_eq!(from_base64("Zm9v!"), None);
        assert_eq!(from_base64("Z"), None);
        assert_eq!(
            html("<a href='x'>\"&\"</a>"),
            "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;"
        );
        assert_eq!(sh("it's"), r"it'\''s");
        assert_eq!(uri("a-_.~ /\u{e9}"), "a-_.~%20%2F%C3%A9");
    }
}
