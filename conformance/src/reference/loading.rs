//! What loading a module costs, by docs/gas.md §1: counted once more, from the lists that the module was decoded into.

use super::height::block_arity;
use super::module::{Defined, Module};
use unfork_gas::Schedule;
use wasmparser::{FuncType, Operator};

impl Module<'_> {
    /// What the first use of the module, of so many bytes, costs in a transaction.
    #[must_use]
    pub fn loading_gas(&self, bytes: u64, schedule: &Schedule) -> u64 {
        let by_length = schedule.code_load_base + bytes * schedule.code_load_byte;
        by_length + self.items() * schedule.code_load_item + self.values() * schedule.code_load_value
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

/// Parameters and results.
fn both(of_type: &FuncType) -> usize {
    of_type.params().len() + of_type.results().len()
}
