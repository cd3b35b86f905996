//! Linked instances on the executor.

use super::{Code, Misfit, Source, spectest};
use crate::executor::{self, Cutting, Exposing, Observed, Watch, config, from_val, give, observe, to_val};
use crate::reference::host::Host;
use crate::reference::{Budget, Contents, Value};
use wasmi::errors::{ErrorKind, InstantiationError};
use wasmi::{
    Engine, Extern, FuncType, Global, Instance, Memory, MemoryType, Module, Mutability, Nullable, Ref, RefType, Store,
    Table, TableType, Val, ValType,
};

/// See [`super`].
pub struct OnExecutor {
    engine: Engine,
    store: Store<Watch>,
    /// Where prepared code counts; `None` on original code.
    counter: Option<Global>,
    spectest: Vec<(&'static str, Extern)>,
    /// By number; `None` for what was not made.
    instances: Vec<Option<(Instance, Exposing)>>,
}

impl OnExecutor {
    /// A world of original code with nothing but `spectest`.
    #[must_use]
    pub fn plain(host: Host) -> Self {
        let mut config = config();
        config.allow_start_fn(true);
        let engine = Engine::new(&config);
        let mut store = Store::new(&engine, Watch::new(host));
        let spectest = spectest(&mut store);
        OnExecutor { engine, store, counter: None, spectest, instances: Vec::new() }
    }

    /// A world of prepared code with nothing but `spectest`.
    #[must_use]
    pub fn prepared(host: Host) -> Self {
        let mut world = OnExecutor::plain(host);
        executor::litter(&mut world.store);
        world.counter = Some(Global::new(&mut world.store, Val::I64(0), Mutability::Var));
        world
    }

    fn find(&self, source: Source, name: &str) -> Option<Extern> {
        match source {
            Source::Spectest => self.spectest.iter().find(|(other, _)| *other == name).map(|(_, found)| *found),
            Source::Instance(number) => self.instances[number].as_ref()?.0.get_export(&self.store, name),
        }
    }

    /// Makes an instance, calling its start function. `None` when it does not link.
    ///
    /// # Panics
    /// When the executor refuses the code.
    pub fn instantiate(&mut self, code: &Code, sources: &[Source], budget: Budget) -> Option<Observed> {
        let bytes = if self.counter.is_some() { &code.prepared } else { &code.plain };
        let module = Module::new(&self.engine, bytes)
            .unwrap_or_else(|error| panic!("the executor refuses what was admitted: {error}"));
        let mut imports = Vec::new();
        for (import, source) in module.imports().zip(sources) {
            match self.find(*source, import.name()) {
                Some(found) => imports.push(found),
                None => {
                    self.instances.push(None);
                    return None;
                }
            }
        }
        imports.extend(self.counter.map(Extern::Global));
        give(&mut self.store, self.counter, None, budget);
        let made = Instance::new(&mut self.store, &module, &imports);
        let (instance, result) = match made {
            Ok(instance) => (Some((instance, code.exposing.clone())), Ok(())),
            Err(error) if is_mismatch(&error) => {
                self.instances.push(None);
                return None;
            }
            Err(error) => (None, Err(error)),
        };
        let observed = observe(&mut self.store, result, &[]);
        // A start function that came back without enough gas is out of gas: then there is no instance either.
        let returned = matches!(observed.end, crate::reference::End::Returned(_));
        self.instances.push(instance.filter(|_| returned));
        Some(observed)
    }

    /// Makes an instance that failed once more, without the active segments that did not fit and those after them.
    ///
    /// Functions of an instance that failed stay in the tables of others. wasmi 2.0 crashes when such a function is called:
    /// it belongs to no instance. Made again, it overwrites them, and what was written to memories is the same.
    ///
    /// # Panics
    /// When it fails again.
    pub fn make_again(&mut self, code: &Code, sources: &[Source], misfit: Misfit) {
        let bytes = if self.counter.is_some() { &code.prepared } else { &code.plain };
        let bytes = Cutting { elements: misfit.elements, data: misfit.data }.copy(bytes);
        let module = Module::new(&self.engine, &bytes).expect("it is valid without them");
        let found = module.imports().zip(sources).map(|(import, source)| self.find(*source, import.name()));
        let mut imports: Vec<Extern> = found.map(|found| found.expect("it links")).collect();
        imports.extend(self.counter.map(Extern::Global));
        Instance::new(&mut self.store, &module, &imports).expect("what is left fits");
    }

    /// Calls an export.
    ///
    /// # Panics
    /// When there is no such function, or when something happens that an executor must never show.
    pub fn invoke(&mut self, instance: usize, name: &str, arguments: &[Value], budget: Budget) -> Observed {
        let Some(Extern::Func(function)) = self.find(Source::Instance(instance), name) else {
            panic!("{name} is no exported function");
        };
        give(&mut self.store, self.counter, None, budget);
        let arguments: Vec<Val> = arguments.iter().map(to_val).collect();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        let result = function.call(&mut self.store, &arguments, &mut results);
        observe(&mut self.store, result, &results)
    }

    /// The value of an exported global.
    #[must_use]
    pub fn get(&self, instance: usize, name: &str) -> Option<Value> {
        match self.find(Source::Instance(instance), name)? {
            Extern::Global(global) => Some(from_val(&global.get(&self.store))),
            _ => None,
        }
    }

    /// What an instance holds; `None` where it was not made.
    #[must_use]
    pub fn contents(&self, instance: usize) -> Option<Contents<'_>> {
        let (instance, exposing) = self.instances[instance].as_ref()?;
        Some(executor::contents(&self.store, instance, exposing))
    }
}

/// Whether an instance was not made because its imports do not fit.
fn is_mismatch(error: &wasmi::Error) -> bool {
    use InstantiationError::{
        FuncTypeMismatch, GlobalTypeMismatch, ImportTypeMismatch, MemoryTypeMismatch, TableTypeMismatch,
    };
    matches!(
        error.kind(),
        ErrorKind::Instantiation(
            ImportTypeMismatch { .. }
                | FuncTypeMismatch { .. }
                | GlobalTypeMismatch { .. }
                | MemoryTypeMismatch { .. }
                | TableTypeMismatch { .. }
        )
    )
}

fn spectest(store: &mut Store<Watch>) -> Vec<(&'static str, Extern)> {
    let mut found: Vec<(&'static str, Extern)> = Vec::new();
    for ((name, params), number) in spectest::FUNCTIONS.iter().zip(0..) {
        let of_type = FuncType::new(params.iter().map(|each| executed_type(*each)), []);
        found.push((*name, executor::host_function(store, &of_type, number).into()));
    }
    for (name, value) in spectest::GLOBALS {
        found.push((*name, Global::new(&mut *store, to_val(value), Mutability::Const).into()));
    }
    let table = TableType::new(RefType::Func, spectest::TABLE.0, Some(spectest::TABLE.1));
    let table = Table::new(&mut *store, table, Ref::Func(Nullable::Null)).expect("a small table");
    let memory = MemoryType::new(spectest::MEMORY.0, Some(spectest::MEMORY.1));
    let memory = Memory::new(&mut *store, memory).expect("a small memory");
    found.push(("table", table.into()));
    found.push(("memory", memory.into()));
    found
}

fn executed_type(of_type: wasmparser::ValType) -> ValType {
    match of_type {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        other => panic!("{other:?} is in no signature of spectest"),
    }
}
