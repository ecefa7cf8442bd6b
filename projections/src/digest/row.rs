//! One row in its canonical form, and sums of hashes of rows. The same on every engine and for ever: stored sums are compared with it.

use rusqlite::types::ValueRef;
use sha2::{Digest as _, Sha256};

/// What some rows add up to. Their order does not count, and taking a row away undoes adding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    pub rows: i64,
    pub high: u64,
    pub low: u64,
}

impl Sum {
    pub const NOTHING: Self = Self {
        rows: 0,
        high: 0,
        low: 0,
    };

    pub fn add(&mut self, (high, low): (u64, u64)) {
        self.rows += 1;
        self.high = self.high.wrapping_add(high);
        self.low = self.low.wrapping_add(low);
    }

    pub fn take(&mut self, (high, low): (u64, u64)) {
        self.rows -= 1;
        self.high = self.high.wrapping_sub(high);
        self.low = self.low.wrapping_sub(low);
    }

    pub fn join(&mut self, other: Self) {
        self.rows += other.rows;
        self.high = self.high.wrapping_add(other.high);
        self.low = self.low.wrapping_add(other.low);
    }
}

/// The first 16 bytes of SHA-256 over the canonical form. `scratch` is only reused memory.
pub fn hash_of<'a>(values: impl Iterator<Item = ValueRef<'a>>, scratch: &mut Vec<u8>) -> (u64, u64) {
    scratch.clear();
    values.for_each(|value| append(value, scratch));
    let hash = Sha256::digest(scratch.as_slice());
    let half = |from: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash[from..from + 8]);
        u64::from_be_bytes(bytes)
    };
    (half(0), half(8))
}

/// Each value says its kind and where it ends, so that no two rows share a form.
fn append(value: ValueRef<'_>, form: &mut Vec<u8>) {
    match value {
        ValueRef::Null => form.push(b'N'),
        ValueRef::Integer(number) => {
            form.push(b'I');
            append_decimal(number, form);
            form.push(b';');
        }
        // The bits, since the decimal digits of a number differ between engines.
        ValueRef::Real(number) => {
            form.push(b'R');
            append_hex(&number.to_bits().to_be_bytes(), form);
            form.push(b';');
        }
        ValueRef::Text(text) => {
            form.push(b'T');
            append_decimal(text.len() as i64, form);
            form.push(b':');
            form.extend_from_slice(text);
        }
        ValueRef::Blob(bytes) => {
            form.push(b'B');
            append_hex(bytes, form);
            form.push(b';');
        }
    }
}

fn append_decimal(number: i64, form: &mut Vec<u8>) {
    use std::io::Write as _;
    // Writing to memory cannot fail.
    let _written = write!(form, "{number}");
}

fn append_hex(bytes: &[u8], form: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        form.push(DIGITS[usize::from(byte >> 4)]);
        form.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// A key as it is kept beside its sum: the bytes of an id or a text. Nothing for null.
pub fn key_bytes(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => bytes.to_vec(),
        ValueRef::Null => vec![],
        ValueRef::Integer(number) => number.to_be_bytes().to_vec(),
        ValueRef::Real(number) => number.to_bits().to_be_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(values: &[ValueRef<'_>]) -> String {
        let mut form = vec![];
        values.iter().for_each(|value| append(*value, &mut form));
        String::from_utf8(form).expect("plain characters")
    }

    #[test]
    fn the_canonical_form_never_changes() {
        let row = [
            ValueRef::Null,
            ValueRef::Integer(-7),
            ValueRef::Text("grün;".as_bytes()),
            ValueRef::Blob(&[0, 0xff]),
            ValueRef::Real(0.5),
        ];
        assert_eq!(form(&row), "NI-7;T6:grün;B00ff;R3fe0000000000000;");
        // Computed once with another implementation of SHA-256.
        let hash = hash_of(row[..4].iter().copied(), &mut vec![]);
        assert_eq!(hash, (6_246_349_207_856_594_189, 2_921_883_160_382_945_227));
    }

    #[test]
    fn a_byte_that_moves_from_one_column_to_the_next_counts() {
        let hash = |left: &str, right: &str| {
            let row = [ValueRef::Text(left.as_bytes()), ValueRef::Text(right.as_bytes())];
            hash_of(row.into_iter(), &mut vec![])
        };
        assert_ne!(hash("ab", "c"), hash("a", "bc"));
    }

    #[test]
    fn the_order_does_not_count_and_taking_undoes_adding() {
        let (one, other) = ((u64::MAX, 3), (5, u64::MAX - 1));
        let mut there = Sum::NOTHING;
        there.add(one);
        there.add(other);
        let mut back = Sum::NOTHING;
        back.add(other);
        back.add(one);
        assert_eq!(there, back);
        there.take(one);
        there.take(other);
        assert_eq!(there, Sum::NOTHING);
    }
}
