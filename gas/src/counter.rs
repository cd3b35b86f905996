//! The counter of prepared code: gas and stack units left, in one `i64`, so that one operator charges both.

/// Bits of the stack's part. Its uppermost is set where the stack is exhausted.
const STACK_BITS: u32 = 19;
const STACK_MASK: i64 = (1 << STACK_BITS) - 1;
const EXHAUSTED: i64 = 1 << (STACK_BITS - 1);

/// What is left of gas and stack, as prepared code counts it in the global [`EXPORT_COUNTER`](crate::EXPORT_COUNTER).
///
/// The global is `gas × 2^19 + 262,143 − stack`: what the frames have taken of the stack counts upwards below the gas, and
/// no frame is so large that it could reach it. A negative global is a lack of gas; bit 18 is set where the stack is exhausted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Gas left; below 0 it is exhausted.
    pub gas: i64,
    /// Stack units left; below 0 they are exhausted.
    pub stack: i64,
}

impl Counter {
    /// The most gas that code can be given: more counts as this much.
    pub const GAS_MAX: i64 = 1 << 43;
    /// The most stack units that code can be given: more count as this many.
    pub const STACK_MAX: i64 = EXHAUSTED - 1;

    /// What the global is set to.
    #[must_use]
    pub fn value(self) -> i64 {
        let gas = self.gas.clamp(-Self::GAS_MAX, Self::GAS_MAX);
        let stack = self.stack.clamp(-EXHAUSTED, Self::STACK_MAX);
        charge(gas).wrapping_add(Self::STACK_MAX.wrapping_sub(stack))
    }

    /// What the global says.
    #[must_use]
    pub fn read(value: i64) -> Self {
        Self { gas: value >> STACK_BITS, stack: Self::STACK_MAX.wrapping_sub(value & STACK_MASK) }
    }
}

/// So much gas in the counter. What is charged at once is far below [`Counter::GAS_MAX`].
pub(crate) fn charge(gas: i64) -> i64 {
    gas.wrapping_shl(STACK_BITS)
}

/// What a frame takes in the counter. More than any budget need not be told apart, and must not reach the gas.
pub(crate) fn frame(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(EXHAUSTED).min(EXHAUSTED)
}

/// How far the counter is shifted down to be the gas.
pub(crate) const GAS_SHIFT: i64 = 19;
const _: () = assert!(1 << GAS_SHIFT == STACK_MASK + 1, "the gas lies above the stack");
/// The bits of which one is set where gas or stack are exhausted.
pub(crate) const EITHER_EXHAUSTED: i64 = i64::MIN | EXHAUSTED;
/// Up to this price per unit, no count of units brings the charge near the end of the `i64`.
pub(crate) const UNIT_PRICE_MAX: i64 = 1 << 10;
