//! What the counter has yet to be changed by.

/// How far the counter is from what it must be, at one point or between two: gas, and whether the frame's stack units are
/// taken. One number, four for each gas and -1 for units that are taken, so that sums and differences are those of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pending(i64);

impl Pending {
    pub(crate) const NOTHING: Pending = Pending(0);
    /// Nothing is pending, and the frame's units are taken.
    pub(crate) const TAKEN: Pending = Pending(-1);

    #[inline(always)]
    pub(crate) fn gas(gas: i64) -> Pending {
        Pending(gas.wrapping_shl(2))
    }

    #[inline(always)]
    pub(crate) fn and(self, other: Pending) -> Pending {
        Pending(self.0.wrapping_add(other.0))
    }

    #[inline(always)]
    pub(crate) fn less(self, other: Pending) -> Pending {
        Pending(self.0.wrapping_sub(other.0))
    }

    pub(crate) fn negative(self) -> Pending {
        Pending(self.0.wrapping_neg())
    }

    pub(crate) fn is_nothing(self) -> bool {
        self == Pending::NOTHING
    }

    /// The gas in it.
    pub(crate) fn gas_part(self) -> i64 {
        self.0.wrapping_add(1) >> 2
    }

    /// How many frames' units the counter must be given, where this is charged: 1 takes them, -1 gives them back.
    pub(crate) fn frames(self) -> i64 {
        self.0.wrapping_sub(Pending::gas(self.gas_part()).0)
    }
}
