//! Admission and instrumentation of contract code: gas, stack depth and bulk costs, in one linear walk.
