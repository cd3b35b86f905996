//! Instances: how they are made, linked and looked at. What they hold is in [`State`].

use super::module::{Defined, Exported, FuncType, Item, Module, Place, Size};
use super::state::{Places, Range, State, put};
use super::value::Value;
use super::{Contents, Trap};
use std::borrow::Cow;
use std::rc::Rc;

/// Instances of modules, which may be linked with each other. A copy goes on by itself.
#[derive(Clone, Default)]
pub struct Store<'m, 'a> {
    pub(super) instances: Vec<Instance<'m, 'a>>,
    pub(super) functions: Vec<Function<'m, 'a>>,
    pub(super) state: State,
    /// The memory that host functions see.
    pub(super) host_memory: Option<usize>,
}

/// A module with what it names by index.
#[derive(Clone)]
pub(super) struct Instance<'m, 'a> {
    pub module: &'m Module<'a>,
    pub places: Places,
}

/// A function of the store.
#[derive(Clone)]
pub(super) enum Function<'m, 'a> {
    Host { number: u32, of_type: Rc<FuncType> },
    Defined { instance: usize, body: &'m Defined<'a>, of_type: &'m FuncType },
}

impl Function<'_, '_> {
    pub fn of_type(&self) -> &FuncType {
        match self {
            Function::Host { of_type, .. } => of_type,
            Function::Defined { of_type, .. } => of_type,
        }
    }
}

/// An active segment that does not fit, and how many segments did before it.
#[derive(Clone, Copy, Debug)]
pub struct Misfit {
    /// How that ends.
    pub trap: Trap,
    /// Element segments before it.
    pub elements: usize,
    /// Data segments before it.
    pub data: usize,
}

/// Something of the store that can be imported.
#[derive(Clone, Copy, Debug)]
pub enum Extern {
    /// A function.
    Function(u32),
    /// A table.
    Table(usize),
    /// A memory.
    Memory(usize),
    /// A global.
    Global(usize),
}

impl<'m, 'a> Store<'m, 'a> {
    /// Adds a host function; events name it by `number`.
    pub fn host_function(&mut self, number: u32, of_type: FuncType) -> Extern {
        Extern::Function(self.add_function(Function::Host { number, of_type: Rc::new(of_type) }))
    }

    /// Adds a memory of so many pages, at first and at most.
    pub fn memory(&mut self, least: u32, most: u32) -> Extern {
        Extern::Memory(self.state.add_memory(Size { least, most }))
    }

    /// Adds a table of so many elements, at first and at most.
    pub fn table(&mut self, least: u32, most: u32) -> Extern {
        Extern::Table(self.state.add_table(Size { least, most }))
    }

    /// Adds a global.
    pub fn global(&mut self, value: Value) -> Extern {
        Extern::Global(put(&mut self.state.globals, value))
    }

    fn add_function(&mut self, function: Function<'m, 'a>) -> u32 {
        u32::try_from(put(&mut self.functions, function)).expect("few functions")
    }

    /// Makes an instance out of a module and what its imports are, in order: globals first, then active segments, elements
    /// before data. A segment that was used at once is dropped. The start function is not called.
    ///
    /// # Panics
    /// When an import is of another kind than is declared.
    pub fn instantiate(&mut self, module: &'m Module<'a>, imports: &[Extern]) -> (usize, Result<(), Misfit>) {
        let mut places = Places::default();
        for import in imports {
            match import {
                Extern::Function(function) => places.functions.push(*function),
                Extern::Table(table) => places.tables.push(*table),
                Extern::Memory(memory) => places.memory = Some(*memory),
                Extern::Global(global) => places.globals.push(*global),
            }
        }
        assert_eq!(imports.len(), module.imports.len(), "as many imports as declared");
        let instance = self.instances.len();
        for body in &module.functions {
            let of_type = module.type_of(body.of_type);
            places.functions.push(self.add_function(Function::Defined { instance, body, of_type }));
        }
        for table in &module.tables {
            places.tables.push(self.state.add_table(*table));
        }
        if let Some(memory) = module.memory {
            places.memory = Some(self.state.add_memory(memory));
        }
        for constant in &module.globals {
            let value = self.state.evaluate(&places, constant);
            places.globals.push(put(&mut self.state.globals, value));
        }
        for segment in &module.data {
            places.data.push(put(&mut self.state.data, segment.items.clone()));
        }
        for segment in &module.elements {
            let items = segment.items.iter().map(|item| self.element(&places, item)).collect();
            places.elements.push(put(&mut self.state.elements, items));
        }
        self.instances.push(Instance { module, places });
        (instance, self.fill(instance))
    }

    fn element(&self, places: &Places, item: &Item<'_>) -> Option<u32> {
        match item {
            Item::Function(function) => Some(places.functions[*function as usize]),
            Item::Constant(constant) => match self.state.evaluate(places, constant) {
                Value::Function(function) => function,
                other => panic!("a reference, not {other:?}"),
            },
        }
    }

    /// Copies the active segments where they belong.
    fn fill(&mut self, instance: usize) -> Result<(), Misfit> {
        let Instance { module, places } = &self.instances[instance];
        let state = &mut self.state;
        for (number, (segment, place)) in module.elements.iter().zip(&places.elements).enumerate() {
            if let Place::Active { table, offset } = &segment.place {
                let to = offset_of(state.evaluate(places, offset));
                state
                    .table_init(places.tables[*table], *place, Range { to, from: 0, count: segment.items.len() })
                    .map_err(|trap| Misfit { trap, elements: number, data: 0 })?;
            }
            if !matches!(segment.place, Place::Passive) {
                state.elements[*place].clear();
            }
        }
        for (number, (segment, place)) in module.data.iter().zip(&places.data).enumerate() {
            if let Place::Active { offset, .. } = &segment.place {
                let memory = places.memory.expect("an active segment has a memory");
                let to = offset_of(state.evaluate(places, offset));
                state
                    .memory_init(memory, *place, Range { to, from: 0, count: segment.items.len() })
                    .map_err(|trap| Misfit { trap, elements: module.elements.len(), data: number })?;
                state.data[*place].clear();
            }
        }
        Ok(())
    }

    /// What an instance exports under a name.
    #[must_use]
    pub fn export(&self, instance: usize, name: &str) -> Option<Extern> {
        let Instance { module, places } = &self.instances[instance];
        Some(match module.export(name)? {
            Exported::Function(function) => Extern::Function(places.functions[function as usize]),
            Exported::Table(table) => Extern::Table(places.tables[table as usize]),
            Exported::Memory => Extern::Memory(places.memory?),
            Exported::Global(global) => Extern::Global(places.globals[global as usize]),
        })
    }

    /// The value of a global.
    #[must_use]
    pub fn value(&self, global: usize) -> Value {
        self.state.globals[global]
    }

    /// The start function of an instance.
    #[must_use]
    pub fn start(&self, instance: usize) -> Option<u32> {
        let Instance { module, places } = &self.instances[instance];
        Some(places.functions[module.start? as usize])
    }

    /// What an instance holds, imported or its own.
    #[must_use]
    pub fn contents(&self, instance: usize) -> Contents<'_> {
        let Instance { places, .. } = &self.instances[instance];
        let nulls = |table: &usize| self.state.tables[*table].elements.iter().map(Option::is_none).collect();
        Contents {
            memory: Cow::Borrowed(places.memory.map_or(&[][..], |memory| self.state.memory(memory))),
            globals: places.globals.iter().map(|global| self.state.globals[*global].without_identity()).collect(),
            nulls: places.tables.iter().map(nulls).collect(),
        }
    }
}

fn offset_of(value: Value) -> usize {
    match value {
        Value::I32(offset) => offset as usize,
        other => panic!("an offset, not {other:?}"),
    }
}
