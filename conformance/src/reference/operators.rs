//! Every admitted operator: its name, what it costs, and how many operands it takes and leaves.
//!
//! The one list of the reference meter, read off the descriptions of `Schedule`'s prices. Operators whose operands depend
//! on types (blocks, branches, calls) have zeros here; [`super::height`] counts those.

use unfork_gas::Schedule;
use wasmparser::Operator;

/// The price of an operator in a schedule.
pub(super) type Price = fn(&Schedule) -> u64;

/// What is known about an operator whatever its immediates are.
pub(super) struct Row {
    /// Name in the text format.
    pub name: &'static str,
    /// Its static price.
    pub price: Price,
    /// Operands taken.
    pub pops: usize,
    /// Results left.
    pub pushes: usize,
}

fn nothing(_: &Schedule) -> u64 {
    0
}

macro_rules! operators {
    ($($operator:ident $name:literal $price:tt $pops:literal $pushes:literal;)*) => {
        /// An admitted operator without its immediates.
        #[allow(missing_docs, reason = "named as in the parser")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($operator),* }

        impl Kind {
            /// Every admitted operator.
            pub const ALL: &'static [Kind] = &[$(Kind::$operator),*];

            /// The kind of an operator; `None` when no operator of this kind is admitted.
            #[must_use]
            pub fn of(operator: &Operator<'_>) -> Option<Kind> {
                match operator {
                    $(Operator::$operator { .. } => Some(Kind::$operator),)*
                    _ => None,
                }
            }

            /// Name in the text format.
            #[must_use]
            pub fn name(self) -> &'static str {
                self.row().name
            }

            pub(super) fn row(self) -> Row {
                match self {
                    $(Kind::$operator => Row { name: $name, price: price!($price), pops: $pops, pushes: $pushes },)*
                }
            }
        }
    };
}

macro_rules! price {
    (free) => {
        nothing
    };
    ($field:ident) => {
        |schedule| schedule.$field
    };
}

operators! {
    Block "block" free 0 0;
    Loop "loop" op_loop 0 0;
    If "if" op_if 0 0;
    Else "else" free 0 0;
    End "end" free 0 0;
    Br "br" op_br 0 0;
    BrIf "br_if" op_br_if 0 0;
    BrTable "br_table" op_br_table 0 0;
    Return "return" op_br 0 0;
    Unreachable "unreachable" op_br 0 0;
    Call "call" op_call 0 0;
    CallIndirect "call_indirect" op_call_indirect 0 0;
    Nop "nop" op_drop 0 0;
    Drop "drop" op_drop 1 0;
    Select "select" op_select 3 1;
    TypedSelect "select (result)" op_select 3 1;
    LocalGet "local.get" op_local 0 1;
    LocalSet "local.set" op_local 1 0;
    LocalTee "local.tee" op_local 1 1;
    GlobalGet "global.get" op_global 0 1;
    GlobalSet "global.set" op_global 1 0;
    I32Const "i32.const" op_const 0 1;
    I64Const "i64.const" op_const 0 1;
    F32Const "f32.const" op_const 0 1;
    F64Const "f64.const" op_const 0 1;
    I32Load "i32.load" op_load 1 1;
    I64Load "i64.load" op_load 1 1;
    F32Load "f32.load" op_load 1 1;
    F64Load "f64.load" op_load 1 1;
    I32Load8S "i32.load8_s" op_load 1 1;
    I32Load8U "i32.load8_u" op_load 1 1;
    I32Load16S "i32.load16_s" op_load 1 1;
    I32Load16U "i32.load16_u" op_load 1 1;
    I64Load8S "i64.load8_s" op_load 1 1;
    I64Load8U "i64.load8_u" op_load 1 1;
    I64Load16S "i64.load16_s" op_load 1 1;
    I64Load16U "i64.load16_u" op_load 1 1;
    I64Load32S "i64.load32_s" op_load 1 1;
    I64Load32U "i64.load32_u" op_load 1 1;
    I32Store "i32.store" op_store 2 0;
    I64Store "i64.store" op_store 2 0;
    F32Store "f32.store" op_store 2 0;
    F64Store "f64.store" op_store 2 0;
    I32Store8 "i32.store8" op_store 2 0;
    I32Store16 "i32.store16" op_store 2 0;
    I64Store8 "i64.store8" op_store 2 0;
    I64Store16 "i64.store16" op_store 2 0;
    I64Store32 "i64.store32" op_store 2 0;
    MemorySize "memory.size" op_memory_size 0 1;
    MemoryGrow "memory.grow" op_grow 1 1;
    MemoryFill "memory.fill" op_bulk 3 0;
    MemoryCopy "memory.copy" op_bulk 3 0;
    MemoryInit "memory.init" op_bulk 3 0;
    DataDrop "data.drop" op_segment_drop 0 0;
    TableSize "table.size" op_memory_size 0 1;
    TableGrow "table.grow" op_grow 2 1;
    TableFill "table.fill" op_bulk 3 0;
    TableCopy "table.copy" op_bulk 3 0;
    TableInit "table.init" op_bulk 3 0;
    ElemDrop "elem.drop" op_segment_drop 0 0;
    TableGet "table.get" op_table_access 1 1;
    TableSet "table.set" op_table_access 2 0;
    RefNull "ref.null" op_ref 0 1;
    RefIsNull "ref.is_null" op_ref 1 1;
    RefFunc "ref.func" op_ref 0 1;
    I32Eqz "i32.eqz" op_simple 1 1;
    I32Eq "i32.eq" op_simple 2 1;
    I32Ne "i32.ne" op_simple 2 1;
    I32LtS "i32.lt_s" op_simple 2 1;
    I32LtU "i32.lt_u" op_simple 2 1;
    I32GtS "i32.gt_s" op_simple 2 1;
    I32GtU "i32.gt_u" op_simple 2 1;
    I32LeS "i32.le_s" op_simple 2 1;
    I32LeU "i32.le_u" op_simple 2 1;
    I32GeS "i32.ge_s" op_simple 2 1;
    I32GeU "i32.ge_u" op_simple 2 1;
    I64Eqz "i64.eqz" op_simple 1 1;
    I64Eq "i64.eq" op_simple 2 1;
    I64Ne "i64.ne" op_simple 2 1;
    I64LtS "i64.lt_s" op_simple 2 1;
    I64LtU "i64.lt_u" op_simple 2 1;
    I64GtS "i64.gt_s" op_simple 2 1;
    I64GtU "i64.gt_u" op_simple 2 1;
    I64LeS "i64.le_s" op_simple 2 1;
    I64LeU "i64.le_u" op_simple 2 1;
    I64GeS "i64.ge_s" op_simple 2 1;
    I64GeU "i64.ge_u" op_simple 2 1;
    I32Clz "i32.clz" op_simple 1 1;
    I32Ctz "i32.ctz" op_simple 1 1;
    I32Popcnt "i32.popcnt" op_simple 1 1;
    I32Add "i32.add" op_simple 2 1;
    I32Sub "i32.sub" op_simple 2 1;
    I32And "i32.and" op_simple 2 1;
    I32Or "i32.or" op_simple 2 1;
    I32Xor "i32.xor" op_simple 2 1;
    I32Shl "i32.shl" op_simple 2 1;
    I32ShrS "i32.shr_s" op_simple 2 1;
    I32ShrU "i32.shr_u" op_simple 2 1;
    I32Rotl "i32.rotl" op_simple 2 1;
    I32Rotr "i32.rotr" op_simple 2 1;
    I64Clz "i64.clz" op_simple 1 1;
    I64Ctz "i64.ctz" op_simple 1 1;
    I64Popcnt "i64.popcnt" op_simple 1 1;
    I64Add "i64.add" op_simple 2 1;
    I64Sub "i64.sub" op_simple 2 1;
    I64And "i64.and" op_simple 2 1;
    I64Or "i64.or" op_simple 2 1;
    I64Xor "i64.xor" op_simple 2 1;
    I64Shl "i64.shl" op_simple 2 1;
    I64ShrS "i64.shr_s" op_simple 2 1;
    I64ShrU "i64.shr_u" op_simple 2 1;
    I64Rotl "i64.rotl" op_simple 2 1;
    I64Rotr "i64.rotr" op_simple 2 1;
    I32Mul "i32.mul" op_mul 2 1;
    I64Mul "i64.mul" op_mul 2 1;
    I32DivS "i32.div_s" op_div 2 1;
    I32DivU "i32.div_u" op_div 2 1;
    I32RemS "i32.rem_s" op_div 2 1;
    I32RemU "i32.rem_u" op_div 2 1;
    I64DivS "i64.div_s" op_div 2 1;
    I64DivU "i64.div_u" op_div 2 1;
    I64RemS "i64.rem_s" op_div 2 1;
    I64RemU "i64.rem_u" op_div 2 1;
    I32WrapI64 "i32.wrap_i64" op_conversion 1 1;
    I64ExtendI32S "i64.extend_i32_s" op_conversion 1 1;
    I64ExtendI32U "i64.extend_i32_u" op_conversion 1 1;
    I32Extend8S "i32.extend8_s" op_conversion 1 1;
    I32Extend16S "i32.extend16_s" op_conversion 1 1;
    I64Extend8S "i64.extend8_s" op_conversion 1 1;
    I64Extend16S "i64.extend16_s" op_conversion 1 1;
    I64Extend32S "i64.extend32_s" op_conversion 1 1;
    I32ReinterpretF32 "i32.reinterpret_f32" op_conversion 1 1;
    I64ReinterpretF64 "i64.reinterpret_f64" op_conversion 1 1;
    F32ReinterpretI32 "f32.reinterpret_i32" op_conversion 1 1;
    F64ReinterpretI64 "f64.reinterpret_i64" op_conversion 1 1;
    F32Eq "f32.eq" op_float_simple 2 1;
    F32Ne "f32.ne" op_float_simple 2 1;
    F32Lt "f32.lt" op_float_simple 2 1;
    F32Gt "f32.gt" op_float_simple 2 1;
    F32Le "f32.le" op_float_simple 2 1;
    F32Ge "f32.ge" op_float_simple 2 1;
    F32Abs "f32.abs" op_float_simple 1 1;
    F32Neg "f32.neg" op_float_simple 1 1;
    F32Copysign "f32.copysign" op_float_simple 2 1;
    F64Eq "f64.eq" op_float_simple 2 1;
    F64Ne "f64.ne" op_float_simple 2 1;
    F64Lt "f64.lt" op_float_simple 2 1;
    F64Gt "f64.gt" op_float_simple 2 1;
    F64Le "f64.le" op_float_simple 2 1;
    F64Ge "f64.ge" op_float_simple 2 1;
    F64Abs "f64.abs" op_float_simple 1 1;
    F64Neg "f64.neg" op_float_simple 1 1;
    F64Copysign "f64.copysign" op_float_simple 2 1;
    F32Ceil "f32.ceil" op_float_arithmetic 1 1;
    F32Floor "f32.floor" op_float_arithmetic 1 1;
    F32Trunc "f32.trunc" op_float_arithmetic 1 1;
    F32Nearest "f32.nearest" op_float_arithmetic 1 1;
    F32Add "f32.add" op_float_arithmetic 2 1;
    F32Sub "f32.sub" op_float_arithmetic 2 1;
    F32Mul "f32.mul" op_float_arithmetic 2 1;
    F32Min "f32.min" op_float_arithmetic 2 1;
    F32Max "f32.max" op_float_arithmetic 2 1;
    F32DemoteF64 "f32.demote_f64" op_float_arithmetic 1 1;
    F64Ceil "f64.ceil" op_float_arithmetic 1 1;
    F64Floor "f64.floor" op_float_arithmetic 1 1;
    F64Trunc "f64.trunc" op_float_arithmetic 1 1;
    F64Nearest "f64.nearest" op_float_arithmetic 1 1;
    F64Add "f64.add" op_float_arithmetic 2 1;
    F64Sub "f64.sub" op_float_arithmetic 2 1;
    F64Mul "f64.mul" op_float_arithmetic 2 1;
    F64Min "f64.min" op_float_arithmetic 2 1;
    F64Max "f64.max" op_float_arithmetic 2 1;
    F64PromoteF32 "f64.promote_f32" op_float_arithmetic 1 1;
    F32Sqrt "f32.sqrt" op_float_div 1 1;
    F32Div "f32.div" op_float_div 2 1;
    F64Sqrt "f64.sqrt" op_float_div 1 1;
    F64Div "f64.div" op_float_div 2 1;
    I32TruncF32S "i32.trunc_f32_s" op_float_conversion 1 1;
    I32TruncF32U "i32.trunc_f32_u" op_float_conversion 1 1;
    I32TruncF64S "i32.trunc_f64_s" op_float_conversion 1 1;
    I32TruncF64U "i32.trunc_f64_u" op_float_conversion 1 1;
    I64TruncF32S "i64.trunc_f32_s" op_float_conversion 1 1;
    I64TruncF32U "i64.trunc_f32_u" op_float_conversion 1 1;
    I64TruncF64S "i64.trunc_f64_s" op_float_conversion 1 1;
    I64TruncF64U "i64.trunc_f64_u" op_float_conversion 1 1;
    I32TruncSatF32S "i32.trunc_sat_f32_s" op_float_conversion 1 1;
    I32TruncSatF32U "i32.trunc_sat_f32_u" op_float_conversion 1 1;
    I32TruncSatF64S "i32.trunc_sat_f64_s" op_float_conversion 1 1;
    I32TruncSatF64U "i32.trunc_sat_f64_u" op_float_conversion 1 1;
    I64TruncSatF32S "i64.trunc_sat_f32_s" op_float_conversion 1 1;
    I64TruncSatF32U "i64.trunc_sat_f32_u" op_float_conversion 1 1;
    I64TruncSatF64S "i64.trunc_sat_f64_s" op_float_conversion 1 1;
    I64TruncSatF64U "i64.trunc_sat_f64_u" op_float_conversion 1 1;
    F32ConvertI32S "f32.convert_i32_s" op_float_conversion 1 1;
    F32ConvertI32U "f32.convert_i32_u" op_float_conversion 1 1;
    F32ConvertI64S "f32.convert_i64_s" op_float_conversion 1 1;
    F32ConvertI64U "f32.convert_i64_u" op_float_conversion 1 1;
    F64ConvertI32S "f64.convert_i32_s" op_float_conversion 1 1;
    F64ConvertI32U "f64.convert_i32_u" op_float_conversion 1 1;
    F64ConvertI64S "f64.convert_i64_s" op_float_conversion 1 1;
    F64ConvertI64U "f64.convert_i64_u" op_float_conversion 1 1;
}
