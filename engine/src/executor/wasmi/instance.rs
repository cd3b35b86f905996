//! One instance: how it is made, called, and set back to how it began.

use super::host::Host;
use super::pages::{Known, Pages};
use super::{WasmiProgram, classify, report};
use crate::abi;
use crate::outcome::{Abort, Budget, Fault, Status, Trap};
use crate::session::Session;
use unfork_gas::{Counter, EXPORT_COUNTER, EXPORT_GLOBAL, EXPORT_MEMORY, EXPORT_PLACES, Prepared};
use wasmi::{AsContextMut, Error, Extern, Global, Memory, Store, TypedFunc, Val, WasmParams, WasmResults};

/// Bytes of the host that an instance takes besides its memory, measured generously (`engine/tests/kept_memory.rs`): any; for
/// each import, function, global, export, segment and so on; for each mutable global, besides; for each element of a table or
/// item of a segment.
const OVERHEAD_BYTES: usize = 16 << 10;
const BYTES_PER_PART: usize = 96;
const BYTES_PER_GLOBAL: usize = 64;
const BYTES_PER_ELEMENT: usize = 8;
/// What segments fill is noted in pieces of this length; those that are zero are left out.
const GAP: usize = 64;

/// An instance in a store of its own.
pub(super) struct Instance {
    store: Store<Host>,
    handles: Handles,
    /// Mutable globals and how they began. A function that one names belongs to this store alone.
    globals: Vec<(Global, Val)>,
    memory_bytes: usize,
    overhead_bytes: usize,
    /// What is known about its memory.
    known: Known,
}

/// What is looked up once: the injected counter, the memory, the entry points without arguments.
#[derive(Clone, Copy)]
pub(super) struct Handles {
    instance: wasmi::Instance,
    counter: Global,
    memory: Option<Memory>,
    deploy: Option<TypedFunc<(), ()>>,
    call: Option<TypedFunc<(), ()>>,
}

/// How the memory of any instance of a program begins: what of it is not zero.
pub(super) struct Start(Vec<(usize, Box<[u8]>)>);

impl Instance {
    /// Makes an instance of `program`, and notes how it begins if that is not known yet.
    pub fn new(program: &WasmiProgram) -> Result<Box<Self>, Fault> {
        let mut store = Store::new(program.module.engine(), Host::default());
        store.limiter(|host| host);
        let imports: Vec<Extern> = program.links.iter().map(|link| Extern::Func(link(&mut store))).collect();
        let made = wasmi::Instance::new(&mut store, &program.module, &imports);
        let instance = made.map_err(|error| match store.data().memory_fault() {
            Some(fault) => fault,
            None => report("instantiating", &error),
        })?;
        let global = |name: &str| {
            let missing = || Fault::internal(format!("prepared code does not export {name}"));
            instance.get_global(&store, name).ok_or_else(missing)
        };
        let globals = program.mutable_globals.iter().map(|index| {
            let global = global(&format!("{EXPORT_GLOBAL}{index}"))?;
            Ok((global, global.get(&store)))
        });
        let globals = globals.collect::<Result<Vec<_>, Fault>>()?;
        let handles = Handles {
            instance,
            counter: global(EXPORT_COUNTER)?,
            memory: instance.get_memory(&store, EXPORT_MEMORY),
            deploy: instance.get_typed_func(&store, "deploy").ok(),
            call: instance.get_typed_func(&store, "call").ok(),
        };
        let memory_bytes = handles.memory.map_or(0, |memory| memory.data(&store).len());
        store.data_mut().started(handles);
        let overhead_bytes = program.overhead_bytes;
        let made = Box::new(Self { store, handles, globals, memory_bytes, overhead_bytes, known: Known::default() });
        program.start.get_or_init(|| made.start(&program.initial_data));
        Ok(made)
    }

    fn start(&self, initial_data: &[(u32, u32)]) -> Start {
        let memory = self.handles.memory.map_or(&[][..], |memory| memory.data(&self.store));
        Start(parts(memory, initial_data))
    }

    /// The instance, to be called from outside any host function.
    pub fn running(&mut self) -> Running<&mut Store<Host>> {
        Running { handles: self.handles, context: &mut self.store }
    }

    /// Where located code is.
    pub fn places(&self) -> Vec<u32> {
        let globals = (0..).map_while(|part| {
            self.handles.instance.get_global(&self.store, &format!("{EXPORT_PLACES}{part}"))?.get(&self.store).i64()
        });
        unfork_gas::places(&globals.collect::<Vec<_>>())
    }

    /// Sets memory and globals back to how they began. False when that cannot be done, since the memory has grown.
    pub fn set_back(&mut self, start: &Start, pages: &Pages) -> bool {
        if self.store.data().memory_fault().is_some() || self.store.data().live_memory_exhausted() {
            return false;
        }
        if let Some(memory) = self.handles.memory {
            let bytes = memory.data_mut(&mut self.store);
            if bytes.len() != self.memory_bytes {
                return false;
            }
            pages.zero(bytes, &mut self.known);
            for (from, part) in &start.0 {
                let to = from.saturating_add(part.len());
                let Some(place) = bytes.get_mut(*from..to) else { return false };
                place.copy_from_slice(part);
            }
        }
        self.globals.iter().all(|(global, value)| global.set(&mut self.store, value.clone()).is_ok())
    }

    /// Memory of the host that it takes, roughly.
    pub fn bytes(&self) -> usize {
        self.memory_bytes.saturating_add(self.overhead_bytes)
    }
}

/// Memory of the host that an instance of this code takes besides its memory, roughly. An instance whose tables have grown is
/// not kept.
pub(super) fn overhead_bytes(code: &Prepared) -> usize {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let parts = number(code.loading().items.into()).saturating_mul(BYTES_PER_PART);
    let globals = code.mutable_globals().len().saturating_mul(BYTES_PER_GLOBAL);
    // Of segments it keeps only passive ones; items are counted of all.
    let elements = number(code.table_elements().saturating_add(code.element_items())).saturating_mul(BYTES_PER_ELEMENT);
    [parts, globals, elements].into_iter().fold(OVERHEAD_BYTES, usize::saturating_add)
}

/// The parts of `memory` that are not zero; all of them lie where `filled` says, as (offset, length).
fn parts(memory: &[u8], filled: &[(u32, u32)]) -> Vec<(usize, Box<[u8]>)> {
    let zero = |part: &[u8]| part.iter().all(|byte| *byte == 0);
    let mut parts: Vec<(usize, Vec<u8>)> = Vec::new();
    for &(offset, length) in filled {
        let (offset, length) = (offset as usize, length as usize);
        let bytes = memory.get(offset..offset.saturating_add(length)).unwrap_or_default();
        let pieces = (offset..).step_by(GAP).zip(bytes.chunks(GAP));
        for (from, piece) in pieces.filter(|(_, piece)| !zero(piece)) {
            match parts.last_mut() {
                Some((start, bytes)) if start.saturating_add(bytes.len()) == from => bytes.extend_from_slice(piece),
                _ => parts.push((from, piece.to_vec())),
            }
        }
    }
    parts.into_iter().map(|(from, bytes)| (from, bytes.into_boxed_slice())).collect()
}

/// An instance that is running, seen from outside or from inside a host function.
pub(super) struct Running<C> {
    pub context: C,
    pub handles: Handles,
}

impl<C: AsContextMut<Data = Host>> Running<C> {
    /// What is left of gas and stack.
    pub fn left(&self) -> Result<Counter, Fault> {
        match self.handles.counter.get(&self.context) {
            Val::I64(value) => Ok(Counter::read(value)),
            _ => Err(Fault::internal("the injected counter is no i64")),
        }
    }

    /// Sets what is left of gas and stack.
    pub fn set_left(&mut self, left: Counter) -> Result<(), Fault> {
        let set = self.handles.counter.set(&mut self.context, Val::I64(left.value()));
        set.map_err(|error| Fault::executor(format!("setting the counter: {error}")))
    }

    fn export(&mut self, name: &str, arguments: &[u32]) -> Result<Called, Abort> {
        let missing = || Abort::from(Trap::ExportMissing);
        let word = |at: usize| arguments.get(at).map_or(0, |argument| argument.cast_signed());
        Ok(match (name, arguments.len()) {
            ("call", 0) => self.nothing(self.handles.call.ok_or_else(missing)?),
            ("deploy", 0) => self.nothing(self.handles.deploy.ok_or_else(missing)?),
            (_, 0) => self.nothing(self.typed(name)?),
            (_, 1) => self.word(name, (word(0),))?,
            (_, 2) => self.word(name, (word(0), word(1)))?,
            _ => self.word(name, (word(0), word(1), word(2)))?,
        })
    }

    fn nothing(&mut self, function: TypedFunc<(), ()>) -> Called {
        function.call(&mut self.context, ()).map(|()| 0)
    }

    /// An export that gives a word.
    fn word<P: WasmParams>(&mut self, name: &str, arguments: P) -> Result<Called, Abort> {
        let function = self.typed::<P, i32>(name)?;
        Ok(function.call(&mut self.context, arguments).map(i32::cast_unsigned))
    }

    fn typed<P: WasmParams, R: WasmResults>(&self, name: &str) -> Result<TypedFunc<P, R>, Abort> {
        let found = self.handles.instance.get_typed_func(&self.context, name);
        found.map_err(|_| Abort::from(Trap::ExportMissing))
    }

    /// What a call came to, with the gas that it has left noted in the session.
    fn ended(&mut self, session: &mut Session, called: Called) -> Result<u32, Abort> {
        if let Some(fault) = self.context.as_context().data().memory_fault() {
            return Err(Abort::Fault(fault));
        }
        if self.context.as_context().data().live_memory_exhausted() {
            return Err(Budget::LiveMemory.into());
        }
        if let Some(abort) = session.abort.take() {
            // A host function ended the run and left the exact gas in the session.
            return Err(abort);
        }
        let left = self.left()?;
        session.gas.left = left.gas;
        match called {
            Ok(_) if left.gas < 0 => Err(Abort::Stop(Status::OutOfGas)),
            Ok(result) => Ok(result),
            Err(error) => Err(Abort::Stop(classify(&error, left)?)),
        }
    }
}

/// What wasmi says of a call.
type Called = Result<u32, Error>;

impl<C: AsContextMut<Data = Host>> abi::GuestInstance for Running<C> {
    fn memory(&mut self) -> &mut [u8] {
        match self.handles.memory {
            Some(memory) => memory.data_mut(&mut self.context),
            None => &mut [],
        }
    }

    fn call(
        &mut self,
        session: Box<Session>,
        stack: i64,
        export: &str,
        arguments: &[u32],
    ) -> (Option<Box<Session>>, Result<u32, Abort>) {
        if let Err(fault) = self.set_left(Counter { gas: session.gas.left, stack }) {
            return (Some(session), Err(fault.into()));
        }
        self.context.as_context_mut().data_mut().session = Some(session);
        let called = self.export(export, arguments);
        let mut session = self.context.as_context_mut().data_mut().session.take();
        let result = match &mut session {
            Some(session) => called.and_then(|called| self.ended(session, called)),
            None => Err(Fault::internal("the session is gone from its store").into()),
        };
        (session, result)
    }
}
