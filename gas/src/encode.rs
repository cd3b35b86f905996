//! Writing the binary format.

use alloc::vec::Vec;

/// Appends an unsigned LEB128 number.
pub(crate) fn unsigned(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = low_seven_bits(value);
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// An unsigned LEB128 number of 32 bits.
pub(crate) fn unsigned_bytes(value: u32) -> Vec<u8> {
    let mut out = Vec::new();
    unsigned(&mut out, u64::from(value));
    out
}

/// Appends a signed LEB128 number.
pub(crate) fn signed(out: &mut Vec<u8>, mut value: i64) {
    loop {
        let low = low_seven_bits(value.cast_unsigned());
        value >>= 7;
        let sign = low & 0x40 != 0;
        if (value == 0 && !sign) || (value == -1 && sign) {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends a name: length and bytes.
pub(crate) fn name(out: &mut Vec<u8>, name: &str) {
    unsigned(out, length(name.len()));
    out.extend_from_slice(name.as_bytes());
}

/// Appends a section: id, length, content.
pub(crate) fn section(out: &mut Vec<u8>, id: u8, content: &[u8]) {
    out.push(id);
    unsigned(out, length(content.len()));
    out.extend_from_slice(content);
}

/// A length as the 64-bit number every supported platform can hold.
pub(crate) fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn low_seven_bits(value: u64) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or(0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leb128_edges() {
        let mut out = Vec::new();
        for value in [0, 63, 64, -1, -64, -65, i64::MAX, i64::MIN] {
            out.clear();
            signed(&mut out, value);
            let mut reader = wasmparser::BinaryReader::new(&out, 0);
            assert_eq!(reader.read_var_i64().unwrap(), value);
            assert!(reader.eof());
        }
        for value in [0, 127, 128, u64::from(u32::MAX)] {
            out.clear();
            unsigned(&mut out, value);
            let mut reader = wasmparser::BinaryReader::new(&out, 0);
            assert_eq!(u64::from(reader.read_var_u32().unwrap()), value);
        }
    }
}
