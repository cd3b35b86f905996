//! The greatest operand height of a function: what the validation algorithm of the Wasm specification has on its stack
//! after each operator, in unreachable code too. Types do not matter for it, only how many operands there are.

use super::module::{Defined, Module};
use super::operators::Kind;
use wasmparser::{BlockType, Operator};

/// One open block.
struct Control {
    /// Operands below it.
    height: usize,
    params: usize,
    results: usize,
    /// Whether a branch to it carries its parameters.
    is_loop: bool,
    unreachable: bool,
}

struct Stack {
    height: usize,
    controls: Vec<Control>,
}

impl Stack {
    /// Takes operands; in unreachable code those that are missing come from nowhere.
    fn pop(&mut self, count: usize) {
        let control = self.controls.last().expect("an open block");
        let there = self.height - control.height;
        assert!(count <= there || control.unreachable, "operands are missing in an admitted function");
        self.height -= count.min(there);
    }

    fn push(&mut self, count: usize) {
        self.height += count;
    }

    fn open(&mut self, (params, results): (usize, usize), is_loop: bool) {
        self.pop(params);
        self.controls.push(Control { height: self.height, params, results, is_loop, unreachable: false });
        self.push(params);
    }

    fn close(&mut self) -> Control {
        let results = self.controls.last().expect("an open block").results;
        self.pop(results);
        self.controls.pop().expect("an open block")
    }

    /// How many operands a branch to a block carries.
    fn carried(&self, depth: u32) -> usize {
        let control = &self.controls[self.controls.len() - 1 - depth as usize];
        if control.is_loop { control.params } else { control.results }
    }

    fn unreachable(&mut self) {
        let control = self.controls.last_mut().expect("an open block");
        control.unreachable = true;
        self.height = control.height;
    }
}

/// Parameters and results of a block.
pub(super) fn block_arity(module: &Module<'_>, block: BlockType) -> (usize, usize) {
    match block {
        BlockType::Empty => (0, 0),
        BlockType::Type(_) => (0, 1),
        BlockType::FuncType(index) => arity(module.type_of(index)),
    }
}

fn arity(of_type: &wasmparser::FuncType) -> (usize, usize) {
    (of_type.params().len(), of_type.results().len())
}

/// The greatest height after any operator of a function, and the greatest when unreachable code is left out.
pub(super) fn greatest(module: &Module<'_>, function: &Defined<'_>) -> (usize, usize) {
    let (_, results) = arity(module.type_of(function.of_type));
    let whole = Control { height: 0, params: 0, results, is_loop: false, unreachable: false };
    let mut stack = Stack { height: 0, controls: vec![whole] };
    let (mut greatest, mut reachable) = (0, 0);
    for instruction in &function.operators {
        step(module, &mut stack, &instruction.operator, instruction.kind);
        greatest = greatest.max(stack.height);
        if stack.controls.last().is_none_or(|control| !control.unreachable) {
            reachable = reachable.max(stack.height);
        }
    }
    (greatest, reachable)
}

fn step(module: &Module<'_>, stack: &mut Stack, operator: &Operator<'_>, kind: Kind) {
    match operator {
        Operator::Block { blockty } => stack.open(block_arity(module, *blockty), false),
        Operator::Loop { blockty } => stack.open(block_arity(module, *blockty), true),
        Operator::If { blockty } => {
            stack.pop(1);
            stack.open(block_arity(module, *blockty), false);
        }
        Operator::Else => {
            let control = stack.close();
            stack.push(control.params);
            stack.controls.push(Control { unreachable: false, ..control });
        }
        Operator::End => {
            let control = stack.close();
            stack.push(control.results);
        }
        Operator::Br { .. } | Operator::BrTable { .. } | Operator::Return | Operator::Unreachable => {
            stack.unreachable();
        }
        Operator::BrIf { relative_depth } => {
            stack.pop(1);
            let carried = stack.carried(*relative_depth);
            stack.pop(carried);
            stack.push(carried);
        }
        Operator::Call { function_index } => call(stack, arity(module.function_type(*function_index))),
        Operator::CallIndirect { type_index, .. } => {
            stack.pop(1);
            call(stack, arity(module.type_of(*type_index)));
        }
        _ => {
            let row = kind.row();
            stack.pop(row.pops);
            stack.push(row.pushes);
        }
    }
}

fn call(stack: &mut Stack, (params, results): (usize, usize)) {
    stack.pop(params);
    stack.push(results);
}
