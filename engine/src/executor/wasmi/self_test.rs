//! Shows at the start of the engine that this build, on this machine, does what consensus needs.

use super::{config, report};
use crate::outcome::Fault;
use wasmi::{Caller, Engine, Error, Linker, Module, Store};

/// Shows that this build, on this machine, does what consensus needs: NaNs are canonical, and running an operator
/// leaves nothing on the host stack, however often it runs. Takes about a millisecond.
///
/// wasmi jumps from operator to operator where the compiler makes jumps of its calls. Whether it does depends on
/// target, optimisation level and operator; where it does not, a contract's loop would overflow the node's stack.
pub(super) fn self_test() -> Result<(), Fault> {
    let failed = |what: String| Fault::internal(format!("self-test of the interpreter: {what}"));
    let during = |error: Error| report("self-test", &error);
    let linking = |error| during(Error::from(error));
    let engine = Engine::new(&config());
    let module = Module::new(&engine, SELF_TEST).map_err(during)?;
    let mut linker = Linker::<Vec<usize>>::new(&engine);
    linker.func_wrap("self_test", "probe", probe_stack).map_err(linking)?;
    linker.func_wrap("self_test", "nothing", || ()).map_err(linking)?;
    let mut store = Store::new(&engine, Vec::new());
    let instance = linker.instantiate_and_start(&mut store, &module).map_err(during)?;
    let mut call = |name: &str, argument: i64| {
        let function = instance.get_typed_func::<i64, i64>(&store, name);
        function.and_then(|function| function.call(&mut store, argument)).map_err(during)
    };
    // 0/0 in both widths, with the sign that x86-64 would give removed.
    if call("nan64", 0)? != 0x7ff8_0000_0000_0000 || call("nan32", 0)? != 0x7fc0_0000 {
        return Err(failed("a NaN is not canonical".into()));
    }
    if call("dispatch", SELF_TEST_TURNS)? != 0 {
        return Err(failed("a loop miscounts".into()));
    }
    match store.data().as_slice() {
        [before, after] if before.abs_diff(*after) <= SELF_TEST_STACK_BYTES_MAX => Ok(()),
        [before, after] => Err(failed(format!(
            "{SELF_TEST_TURNS} turns of a loop keep {} bytes of the host stack; build this crate and wasmi at the \
             same optimisation level, 2 or more, and wasmi without debug assertions (docs/embedding.md), or with the \
             feature portable-dispatch",
            before.abs_diff(*after)
        ))),
        _ => Err(failed("the stack was not probed twice".into())),
    }
}

/// Notes where the host stack is.
fn probe_stack(mut caller: Caller<'_, Vec<usize>>) {
    let here = 0u8;
    let address = std::ptr::from_ref(std::hint::black_box(&here)).addr();
    caller.data_mut().push(address);
}

/// Turns of the self-test's loop. One frame kept in each would be some 100 bytes.
const SELF_TEST_TURNS: i64 = 256;
/// How far apart the two probes may be.
const SELF_TEST_STACK_BYTES_MAX: usize = 4 << 10;

/// `self_test.wat`, assembled; a test keeps the two together.
const SELF_TEST: &[u8] = include_bytes!("../self_test.wasm");

#[cfg(test)]
mod tests {
    use super::{SELF_TEST, self_test};

    #[test]
    fn the_self_test_is_the_text_beside_it_and_passes() {
        assert_eq!(wat::parse_str(include_str!("../self_test.wat")).expect("the text assembles"), SELF_TEST);
        self_test().expect("the self-test passes");
    }
}
