//! Whether it matters which NaN a value is, by the operators that follow.

/// How many bytes are looked at.
pub(super) const LOOKED_AT: u64 = 24;

/// Whether the operators of these bytes, one after the other, take the float that is on top of the stack such that nobody can
/// tell which NaN it was: they compare it, make a NaN of it that is seen to for itself, or throw it away.
///
/// Until then only such operators may come as leave it where it is, and end the frame if they trap. The last of them may be
/// cut off.
pub(super) fn is_lost_in(mut bytes: &[u8]) -> bool {
    // How many values lie above it.
    let mut above: u32 = 0;
    while let [operator, rest @ ..] = bytes {
        bytes = rest;
        match operator {
            // drop
            0x1a if above == 0 => return true,
            0x1a => above = above.saturating_sub(1),
            // local.get, global.get, constants
            0x20 | 0x23 | 0x41 | 0x42 => (above, bytes) = (above.saturating_add(1), behind_number(bytes)),
            0x43 => (above, bytes) = (above.saturating_add(1), bytes.get(4..).unwrap_or_default()),
            0x44 => (above, bytes) = (above.saturating_add(1), bytes.get(8..).unwrap_or_default()),
            // Loads, of an address above it.
            0x28..=0x35 if above > 0 => bytes = behind_number(behind_number(bytes)),
            // Operators with two operands: comparisons and arithmetic.
            0x46..=0x4f | 0x51..=0x66 | 0x6a..=0x78 | 0x7c..=0x8a | 0x92..=0x98 | 0xa0..=0xa6 => {
                if above < 2 {
                    // Float comparisons, and float arithmetic but copysign.
                    return matches!(operator, 0x5b..=0x66 | 0x92..=0x97 | 0xa0..=0xa5);
                }
                above = above.saturating_sub(1);
            }
            // Operators with one operand.
            0x45 | 0x50 | 0x67..=0x69 | 0x79..=0x7b | 0x8b..=0x91 | 0x99..=0x9f | 0xa7..=0xc4 => {
                if above == 0 {
                    // Rounding, square root, conversions.
                    return matches!(
                        operator,
                        0x8d..=0x91 | 0x9b..=0x9f | 0xa8..=0xab | 0xae..=0xb1 | 0xb6 | 0xbb
                    );
                }
            }
            _ => return false,
        }
    }
    false
}

/// What comes behind a number in LEB128.
fn behind_number(bytes: &[u8]) -> &[u8] {
    let last = bytes.iter().position(|byte| byte & 0x80 == 0);
    last.and_then(|last| bytes.get(last.saturating_add(1)..)).unwrap_or_default()
}
