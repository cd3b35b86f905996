//! The module `spectest`: what the suite's interpreter offers for import.

use wasmparser::{FuncType, ValType};

/// Functions that take these and give back nothing, by the number that events call them by.
pub(super) const FUNCTIONS: &[(&str, &[ValType])] = &[
    ("print", &[]),
    ("print_i32", &[ValType::I32]),
    ("print_i64", &[ValType::I64]),
    ("print_f32", &[ValType::F32]),
    ("print_f64", &[ValType::F64]),
    ("print_i32_f32", &[ValType::I32, ValType::F32]),
    ("print_f64_f64", &[ValType::F64, ValType::F64]),
];

/// Globals that cannot be set.
pub(super) const GLOBALS: &[(&str, crate::reference::Value)] = {
    use crate::reference::Value::{F32, F64, I32, I64};
    &[
        ("global_i32", I32(666)),
        ("global_i64", I64(666)),
        ("global_f32", F32(0x4426_a666)),
        ("global_f64", F64(0x4084_d4cc_cccc_cccd)),
    ]
};

/// The table `table`: elements at first and at most.
pub(super) const TABLE: (u32, u32) = (10, 20);
/// The memory `memory`: pages at first and at most.
pub(super) const MEMORY: (u32, u32) = (1, 2);

pub(super) fn function_type(params: &[ValType]) -> FuncType {
    FuncType::new(params.iter().copied(), [])
}
