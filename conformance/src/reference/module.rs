//! The original module, decoded into plain lists. Nothing is checked: the module was admitted.

use super::height;
use super::operators::Kind;
use super::value::Value;
use unfork_gas::{Limits, Schedule};
use wasmparser::{
    ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, FunctionBody, Operator, Parser, Payload, TypeRef,
};

/// A function type.
pub use wasmparser::FuncType;

/// Pages and elements: what there is at first, and the most that there may ever be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub least: u32,
    pub most: u32,
}

/// What a module takes from others, and under which names.
pub(super) struct Import<'a> {
    pub module: &'a str,
    pub name: &'a str,
    pub entity: Imported,
}

/// What an import is of, as it is declared.
pub(super) enum Imported {
    /// A function of this type.
    Function(u32),
    Table,
    Memory(Size),
    Global,
}

/// What an export names, by index.
#[derive(Clone, Copy)]
pub(super) enum Exported {
    Function(u32),
    Table(u32),
    Memory,
    Global(u32),
}

/// A function with a body.
pub(super) struct Defined<'a> {
    pub of_type: u32,
    /// Declared locals, as the values they begin with.
    pub locals: Vec<Value>,
    pub operators: Vec<Instruction<'a>>,
    /// Units of stack it takes; `None` when there is no call in it, reachable or not.
    pub units: Option<u64>,
    /// How many of those only unreachable code asks for.
    pub unreachable_units: u64,
    /// The static prices of all its operators together.
    pub price_of_all: u64,
    /// Whether there is a call or a loop in it, reachable or not.
    pub calls_or_loops: bool,
}

/// An operator with what is known of it beforehand.
pub(super) struct Instruction<'a> {
    pub kind: Kind,
    pub operator: Operator<'a>,
    pub price: u64,
    /// For `block`, `loop`, `if` and `else`, where their `end` is.
    pub end: usize,
    /// For an `if`, where its `else` is; its `end` when it has none.
    pub otherwise: usize,
}

/// A segment of data or elements: what it holds, and where it goes when the instance is made.
pub(super) struct Segment<'a, T> {
    pub items: Vec<T>,
    pub place: Place<'a>,
}

/// An item of an element segment.
pub(super) enum Item<'a> {
    Function(u32),
    Constant(ConstExpr<'a>),
}

/// When and where a segment is used.
pub(super) enum Place<'a> {
    Passive,
    Declared,
    Active { table: usize, offset: ConstExpr<'a> },
}

/// A module. Tables, memory, globals and functions are those that it defines itself; imported ones come before them.
pub struct Module<'a> {
    pub(super) types: Vec<FuncType>,
    /// The type of each function, imported ones first.
    types_of_functions: Vec<u32>,
    pub(super) imports: Vec<Import<'a>>,
    pub(super) functions: Vec<Defined<'a>>,
    pub(super) tables: Vec<Size>,
    pub(super) memory: Option<Size>,
    pub(super) globals: Vec<ConstExpr<'a>>,
    pub(super) mutable_globals: u64,
    pub(super) exports: Vec<(&'a str, Exported)>,
    pub(super) start: Option<u32>,
    pub(super) elements: Vec<Segment<'a, Item<'a>>>,
    pub(super) data: Vec<Segment<'a, u8>>,
}

impl<'a> Module<'a> {
    /// Decodes an admitted module.
    ///
    /// # Panics
    /// When the module is one that admission refuses.
    #[must_use]
    pub fn decode(code: &'a [u8], schedule: &Schedule, limits: &Limits) -> Self {
        let mut module = Module {
            types: Vec::new(),
            types_of_functions: Vec::new(),
            imports: Vec::new(),
            functions: Vec::new(),
            tables: Vec::new(),
            memory: None,
            globals: Vec::new(),
            mutable_globals: 0,
            exports: Vec::new(),
            start: None,
            elements: Vec::new(),
            data: Vec::new(),
        };
        let mut bodies = Vec::new();
        for payload in Parser::new(0).parse_all(code) {
            match payload.expect("an admitted module parses") {
                Payload::FunctionSection(reader) => module.types_of_functions.extend(all(reader)),
                Payload::CodeSectionEntry(body) => bodies.push(body),
                payload => module.section(payload, limits),
            }
        }
        let imported = module.imported_functions();
        for body in bodies {
            let of_type = module.types_of_functions[imported + module.functions.len()];
            let defined = module.body(of_type, &body, schedule, limits);
            module.functions.push(defined);
        }
        module
    }

    fn section(&mut self, payload: Payload<'a>, limits: &Limits) {
        match payload {
            Payload::TypeSection(reader) => {
                self.types = reader.into_iter_err_on_gc_types().map(|each| each.expect("a function type")).collect();
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    let wasmparser::Import { module, name, ty } = import.expect("an import");
                    let entity = match ty {
                        TypeRef::Func(of_type) => {
                            self.types_of_functions.push(of_type);
                            Imported::Function(of_type)
                        }
                        TypeRef::Table(_) => Imported::Table,
                        TypeRef::Memory(memory) => Imported::Memory(pages(memory, limits)),
                        TypeRef::Global(_) => Imported::Global,
                        other => panic!("an import of {other:?} is not admitted"),
                    };
                    self.imports.push(Import { module, name, entity });
                }
            }
            Payload::TableSection(reader) => {
                for table in all(reader) {
                    self.tables.push(elements(table.ty, limits));
                }
            }
            Payload::MemorySection(reader) => {
                self.memory = all(reader).first().map(|memory| pages(*memory, limits));
            }
            Payload::GlobalSection(reader) => {
                let globals = all(reader);
                self.mutable_globals = globals.iter().filter(|global| global.ty.mutable).count() as u64;
                self.globals = globals.into_iter().map(|global| global.init_expr).collect();
            }
            Payload::ExportSection(reader) => {
                for wasmparser::Export { name, kind, index } in all(reader) {
                    let exported = match kind {
                        ExternalKind::Func => Exported::Function(index),
                        ExternalKind::Table => Exported::Table(index),
                        ExternalKind::Memory => Exported::Memory,
                        ExternalKind::Global => Exported::Global(index),
                        other => panic!("an export of {other:?} is not admitted"),
                    };
                    self.exports.push((name, exported));
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(reader) => all(reader).into_iter().for_each(|element| self.element(element)),
            Payload::DataSection(reader) => {
                for data in all(reader) {
                    let place = match data.kind {
                        DataKind::Passive => Place::Passive,
                        DataKind::Active { offset_expr, .. } => Place::Active { table: 0, offset: offset_expr },
                    };
                    self.data.push(Segment { items: data.data.to_vec(), place });
                }
            }
            _ => {}
        }
    }

    fn element(&mut self, element: wasmparser::Element<'a>) {
        let place = match element.kind {
            ElementKind::Passive => Place::Passive,
            ElementKind::Declared => Place::Declared,
            ElementKind::Active { table_index, offset_expr } => {
                Place::Active { table: table_index.unwrap_or(0) as usize, offset: offset_expr }
            }
        };
        let items = match element.items {
            ElementItems::Functions(reader) => all(reader).into_iter().map(Item::Function).collect(),
            ElementItems::Expressions(_, reader) => all(reader).into_iter().map(Item::Constant).collect(),
        };
        self.elements.push(Segment { items, place });
    }

    fn body(&self, of_type: u32, body: &FunctionBody<'a>, schedule: &Schedule, limits: &Limits) -> Defined<'a> {
        let mut locals = Vec::new();
        for group in body.get_locals_reader().expect("locals") {
            let (count, of_type) = group.expect("a group of locals");
            locals.extend((0..count).map(|_| Value::zero(of_type)));
        }
        let mut operators = Vec::new();
        for operator in body.get_operators_reader().expect("operators") {
            let operator = operator.expect("an operator");
            let kind = Kind::of(&operator).unwrap_or_else(|| panic!("{operator:?} is not admitted"));
            let price = (kind.row().price)(schedule);
            operators.push(Instruction { kind, operator, price, end: 0, otherwise: 0 });
        }
        find_ends(&mut operators);
        let price_of_all = operators.iter().map(|instruction| instruction.price).sum();
        let calls = |instruction: &Instruction<'_>| matches!(instruction.kind, Kind::Call | Kind::CallIndirect);
        let loops = |instruction: &Instruction<'_>| matches!(instruction.kind, Kind::Loop);
        let calls_or_loops = operators.iter().any(|instruction| calls(instruction) || loops(instruction));
        let unreachable_units = 0;
        let mut defined =
            Defined { of_type, locals, operators, units: None, unreachable_units, price_of_all, calls_or_loops };
        if defined.operators.iter().any(calls) {
            let values = self.type_of(of_type).params().len() + defined.locals.len();
            let (height, reachable) = height::greatest(self, &defined);
            defined.units = Some(limits.stack_frame_base + values as u64 + height as u64);
            defined.unreachable_units = (height - reachable) as u64;
        }
        defined
    }

    /// A type of the module.
    pub(super) fn type_of(&self, index: u32) -> &FuncType {
        &self.types[index as usize]
    }

    /// The type of a function, imported or defined.
    pub(super) fn function_type(&self, function: u32) -> &FuncType {
        self.type_of(self.types_of_functions[function as usize])
    }

    fn imported_functions(&self) -> usize {
        self.imports.iter().filter(|import| matches!(import.entity, Imported::Function(_))).count()
    }

    /// The type of an exported function.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&FuncType> {
        match self.export(name)? {
            Exported::Function(function) => Some(self.function_type(function)),
            _ => None,
        }
    }

    pub(super) fn export(&self, name: &str) -> Option<Exported> {
        self.exports.iter().find(|(other, _)| *other == name).map(|(_, exported)| *exported)
    }

    /// Module and name of each import, in order.
    pub fn import_names(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.imports.iter().map(|import| (import.module, import.name))
    }

    /// Whether it has a start function.
    #[must_use]
    pub fn has_start(&self) -> bool {
        self.start.is_some()
    }

    /// The number of globals, imported and defined.
    #[must_use]
    pub fn globals(&self) -> u32 {
        self.imported_globals() + count(self.globals.len())
    }

    /// The number of imported globals.
    pub(crate) fn imported_globals(&self) -> u32 {
        count(self.imports.iter().filter(|import| matches!(import.entity, Imported::Global)).count())
    }

    /// Whether it has a memory, imported or defined.
    pub(crate) fn has_memory(&self) -> bool {
        self.memory.is_some() || self.imports.iter().any(|import| matches!(import.entity, Imported::Memory(_)))
    }

    /// The number of tables, imported and defined.
    #[must_use]
    pub fn tables(&self) -> u32 {
        let imported = self.imports.iter().filter(|import| matches!(import.entity, Imported::Table));
        count(imported.count() + self.tables.len())
    }
}

fn all<'a, T: wasmparser::FromReader<'a>>(reader: wasmparser::SectionLimited<'a, T>) -> Vec<T> {
    reader.into_iter().map(|item| item.expect("an item of an admitted section")).collect()
}

/// A memory may grow to its own maximum or to the limit, whichever is less.
fn pages(memory: wasmparser::MemoryType, limits: &Limits) -> Size {
    let most = memory.maximum.unwrap_or(u64::MAX).min(limits.memory_pages_max);
    Size { least: narrow(memory.initial), most: narrow(most) }
}

/// A table may grow to its own maximum, to the limit, and by the limit of growth, whichever is least.
fn elements(table: wasmparser::TableType, limits: &Limits) -> Size {
    let most = table.maximum.unwrap_or(u64::MAX);
    let most = most.min(limits.table_elements_max).min(table.initial.saturating_add(limits.table_growth_max));
    Size { least: narrow(table.initial), most: narrow(most) }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("within the limits of admission")
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).expect("within the limits of admission")
}

/// Finds the `else` and the `end` of each block.
fn find_ends(operators: &mut [Instruction<'_>]) {
    let mut open = Vec::new();
    for at in 0..operators.len() {
        match operators[at].kind {
            Kind::Block | Kind::Loop | Kind::If => open.push((at, None)),
            Kind::Else => open.last_mut().expect("an else stands in an if").1 = Some(at),
            // The last end closes the function itself.
            Kind::End => {
                if let Some((start, otherwise)) = open.pop() {
                    operators[start].end = at;
                    operators[start].otherwise = otherwise.unwrap_or(at);
                    if let Some(otherwise) = otherwise {
                        operators[otherwise].end = at;
                    }
                }
            }
            _ => {}
        }
    }
}
