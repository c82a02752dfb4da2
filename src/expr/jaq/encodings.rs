//! The encodings behind jq's `@html`, `@base32`, `@base32d` and `@base64d`.

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Escapes what HTML takes for markup, as jq does.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\'' => escaped.push_str("&#39;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// RFC 4648, section 6, with padding.
pub(super) fn to_base32(text: &str) -> String {
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(5) {
        let bits = (0..5).fold(0_u64, |bits, at| {
            bits << 8 | u64::from(chunk.get(at).copied().unwrap_or_default())
        });
        let letters = (chunk.len() * 8).div_ceil(5);
        for letter in 0..8 {
            let index = (bits >> (35 - 5 * letter)) as usize % BASE32.len();
            encoded.push(if letter < letters { char::from(BASE32[index]) } else { '=' });
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
    }
}
