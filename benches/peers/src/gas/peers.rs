//! Metering by others.

use wasm_instrument::gas_metering::{ConstantCostRules, inject, mutable_global};
use wasm_instrument::{inject_stack_limiter, parity_wasm};

/// The export of wasm-instrument's counter.
pub const GAS_GLOBAL: &str = "gas_left";

/// The module from which code of finite-wasm imports its functions.
pub const FINITE_WASM_MODULE: &str = "finite-wasm";

/// wasm-instrument 0.4.0: gas in a mutable global, and the stack limiter; its parser does not validate.
///
/// # Errors
/// Where it refuses the module, and why.
pub fn wasm_instrument(code: &[u8]) -> Result<Vec<u8>, String> {
    let module =
        parity_wasm::deserialize_buffer(code).map_err(|error: parity_wasm::elements::Error| error.to_string())?;
    let backend = mutable_global::Injector::new(GAS_GLOBAL);
    let metered = inject(module, backend, &ConstantCostRules::default()).map_err(|_| "gas cannot be injected")?;
    let limited = inject_stack_limiter(metered, 1 << 20).map_err(|error| error.to_string())?;
    parity_wasm::serialize(limited).map_err(|error| error.to_string())
}

/// finite-wasm 0.6.1: gas and stack by host functions; it does not validate.
///
/// # Errors
/// Where it refuses the module, and why.
pub fn finite_wasm(code: &[u8]) -> Result<Vec<u8>, String> {
    let outcome = finite_wasm::Analysis::new().with_stack(OneUnit).with_gas(OneGas).analyze(code);
    let outcome = outcome.map_err(|error| format!("{error:?}"))?;
    outcome.instrument(FINITE_WASM_MODULE, code).map_err(|error| format!("{error:?}"))
}

/// One unit for each value.
struct OneUnit;

impl finite_wasm::max_stack::SizeConfig for OneUnit {
    fn size_of_value(&self, _: finite_wasm::wasmparser::ValType) -> u8 {
        1
    }

    fn size_of_function_activation(
        &self,
        locals: &finite_wasm::prefix_sum_vec::PrefixSumVec<finite_wasm::wasmparser::ValType, u32>,
    ) -> u64 {
        locals.max_index().map_or(0, |&last| u64::from(last) + 1)
    }
}

/// One gas for each operator that does something.
struct OneGas;

macro_rules! one_gas {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        $(fn $visit(&mut self $($(, $arg: $argty)*)?) -> finite_wasm::Fee {
            $($(let _ = $arg;)*)?
            let is_structure = matches!(stringify!($op), "Block" | "Loop" | "Else" | "End");
            finite_wasm::Fee::constant(u64::from(!is_structure))
        })*
    };
}

impl<'a> finite_wasm::wasmparser::VisitOperator<'a> for OneGas {
    type Output = finite_wasm::Fee;

    fn simd_visitor(
        &mut self,
    ) -> Option<&mut dyn finite_wasm::wasmparser::VisitSimdOperator<'a, Output = finite_wasm::Fee>> {
        Some(self)
    }

    finite_wasm::wasmparser::for_each_visit_operator!(one_gas);
}

impl finite_wasm::wasmparser::VisitSimdOperator<'_> for OneGas {
    finite_wasm::wasmparser::for_each_visit_simd_operator!(one_gas);
}
