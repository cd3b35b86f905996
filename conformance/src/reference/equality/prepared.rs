//! Prepared code of one module on the executor, its imports answered by the host.

use super::super::host::Host;
use super::super::{Contents, Module, Run, Start};
use crate::executor::{self, Exposing, Observed, Watch, config, contents, give, observe, to_val};
use std::borrow::Cow;
use unfork_gas::{EXPORT_COUNTER, Prepared};
use wasmi::{Engine, Extern, ExternType, Instance, Store, Val};

/// Prepared code, translated.
pub struct Ready {
    module: wasmi::Module,
    exposing: Exposing,
    host: Host,
}

impl Ready {
    /// Translates prepared code.
    ///
    /// # Panics
    /// When the executor refuses it.
    #[must_use]
    pub fn new(prepared: &Prepared, original: &Module<'_>, host: Host) -> Self {
        let exposing = Exposing::new(prepared.has_memory(), original.globals(), original.tables(), None);
        let code = exposing.copy(prepared.code());
        let module = wasmi::Module::new(&Engine::new(&config()), code)
            .unwrap_or_else(|error| panic!("the executor refuses prepared code: {error}"));
        Ready { module, exposing, host }
    }

    /// Runs an entry to its end.
    ///
    /// # Panics
    /// When something happens that an executor must never show: one of its own limits, or an unknown trap.
    #[must_use]
    pub fn run(&self, start: Start<'_>) -> Run<Observed> {
        let mut store = Store::new(self.module.engine(), Watch::new(self.host));
        let mut linked: Vec<((&str, &str), Extern)> = Vec::new();
        for (number, import) in self.module.imports().enumerate() {
            let ExternType::Func(of_type) = import.ty() else { panic!("only functions are imported") };
            let names = (import.module(), import.name());
            let earlier = linked.iter().find(|(other, _)| *other == names).map(|(_, function)| *function);
            let number = u32::try_from(number).expect("few imports");
            let function =
                earlier.unwrap_or_else(|| Extern::Func(executor::host_function(&mut store, of_type, number)));
            linked.push((names, function));
        }
        let imports: Vec<Extern> = linked.into_iter().map(|(_, function)| function).collect();
        executor::litter(&mut store);
        let instance = Instance::new(&mut store, &self.module, &imports).expect("prepared code makes an instance");
        let counter = instance.get_global(&store, EXPORT_COUNTER).expect("prepared code exports its counter");
        let memory = instance.get_memory(&store, unfork_gas::EXPORT_MEMORY);
        give(&mut store, Some(counter), memory, start.budget);
        let entry = instance.get_func(&store, start.entry).expect("the entry is exported");
        let arguments: Vec<Val> = start.arguments.iter().map(to_val).collect();
        let mut results = vec![Val::I32(0); entry.ty(&store).results().len()];
        let result = entry.call(&mut store, &arguments, &mut results);
        let call = observe(&mut store, result, &results);
        let Contents { memory, globals, nulls } = contents(&store, &instance, &self.exposing);
        Run { call, contents: Contents { memory: Cow::Owned(memory.into_owned()), globals, nulls } }
    }
}
