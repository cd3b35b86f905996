//! What loading a module costs, by docs/gas.md §1: counted once more, from the lists that the module was decoded into.

use super::height::block_arity;
use super::module::{Defined, Instruction, Module};
use super::operators::Kind;
use unfork_gas::Schedule;
use wasmparser::{FuncType, Operator};

impl Module<'_> {
    /// What the first use of the module, of so many bytes, costs in a transaction.
    #[must_use]
    pub fn loading_gas(&self, bytes: u64, schedule: &Schedule) -> u64 {
        let by_length = schedule.code_load_base + bytes * schedule.code_load_byte;
        let by_parts = self.items() * schedule.code_load_item + self.values() * schedule.code_load_value;
        by_length + by_parts + self.growth() * schedule.code_load_growth
    }

    /// Types, imports, functions, tables, memories, globals, exports and segments.
    #[must_use]
    pub fn items(&self) -> u64 {
        let entities =
            self.imports.len() + self.functions.len() + self.tables.len() + usize::from(self.memory.is_some());
        let rest = self.globals.len() + self.exports.len() + self.elements.len() + self.data.len();
        (self.types.len() + entities + rest) as u64
    }

    /// Values of functions, blocks, calls and branches.
    #[must_use]
    pub fn values(&self) -> u64 {
        self.functions.iter().map(|function| self.values_of(function) as u64).sum()
    }

    /// What any instrumenter may add to it, in bytes, by the table of docs/gas.md §6.
    #[must_use]
    pub fn growth(&self) -> u64 {
        let types: u64 = self.types.iter().map(|of_type| 8 + of_type.results().len() as u64).sum();
        512 + types + 32 * self.mutable_globals + self.functions.iter().map(growth_of).sum::<u64>()
    }

    fn values_of(&self, function: &Defined<'_>) -> usize {
        let of_type = self.type_of(function.of_type);
        let mut labels = vec![of_type.results().len()];
        let mut values = of_type.params().len() + function.locals.len();
        for instruction in &function.operators {
            let carried = |depth: u32| labels[labels.len() - 1 - depth as usize];
            values += match &instruction.operator {
                Operator::Block { blockty } | Operator::If { blockty } | Operator::Loop { blockty } => {
                    let (params, results) = block_arity(self, *blockty);
                    labels.push(if matches!(instruction.operator, Operator::Loop { .. }) { params } else { results });
                    params + results
                }
                Operator::End => {
                    labels.pop();
                    0
                }
                Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => carried(*relative_depth),
                Operator::BrTable { targets } => {
                    let listed: usize = targets.targets().map(|depth| carried(depth.expect("a target"))).sum();
                    listed + carried(targets.default())
                }
                Operator::Return => labels[0],
                Operator::Call { function_index } => both(self.function_type(*function_index)),
                Operator::CallIndirect { type_index, .. } => both(self.type_of(*type_index)),
                _ => 0,
            };
        }
        values
    }
}

fn growth_of(function: &Defined<'_>) -> u64 {
    // Whether what follows in each open block can be reached.
    let mut reached = vec![true];
    let mut growth = 160;
    for instruction in &function.operators {
        let innermost = reached.last_mut().expect("an open block");
        if *innermost || matches!(instruction.kind, Kind::Else | Kind::End) {
            growth += growth_by(instruction);
        }
        match instruction.kind {
            Kind::Block | Kind::Loop | Kind::If => reached.push(true),
            Kind::Else => *innermost = true,
            Kind::Br | Kind::BrTable | Kind::Return | Kind::Unreachable => *innermost = false,
            Kind::End => drop(reached.pop()),
            _ => {}
        }
    }
    growth
}

/// What an operator adds where it can be reached.
fn growth_by(instruction: &Instruction<'_>) -> u64 {
    match &instruction.operator {
        Operator::BrTable { targets } => 96 + 36 * u64::from(targets.len()),
        Operator::I32Store { memarg } | Operator::I32Store8 { memarg } | Operator::I32Store16 { memarg } => {
            if memarg.offset >= 1 << 16 { 4 } else { 0 }
        }
        _ => match instruction.kind {
            Kind::MemoryGrow | Kind::TableGrow => 192,
            Kind::Call | Kind::CallIndirect => 96,
            Kind::MemoryInit | Kind::MemoryCopy | Kind::MemoryFill => 96,
            Kind::TableInit | Kind::TableCopy | Kind::TableFill => 96,
            Kind::Loop => 64,
            Kind::BrIf | Kind::End => 48,
            Kind::Return => 40,
            Kind::If | Kind::Else | Kind::Unreachable => 24,
            Kind::Block => 8,
            Kind::Br | Kind::Select | Kind::TypedSelect => 4,
            kind if makes_nan(kind.row().name) => 32,
            _ => 0,
        },
    }
}

/// Whether an operator of this name makes NaNs.
fn makes_nan(name: &str) -> bool {
    const MAKING: [&str; 13] = [
        "add",
        "sub",
        "mul",
        "div",
        "min",
        "max",
        "sqrt",
        "ceil",
        "floor",
        "trunc",
        "nearest",
        "demote_f64",
        "promote_f32",
    ];
    name.strip_prefix("f32.").or_else(|| name.strip_prefix("f64.")).is_some_and(|operation| MAKING.contains(&operation))
}

/// Parameters and results.
fn both(of_type: &FuncType) -> usize {
    of_type.params().len() + of_type.results().len()
}
