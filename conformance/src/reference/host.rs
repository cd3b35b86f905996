//! Host functions for tests: any signature, answers made of the number of the call.

use super::value::Value;
use crate::generators::random::Random;
use wasmparser::ValType;

/// Answers host calls, always the same to the same calls.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// What the answers are made of; with 0 all of them are zero and cost nothing.
    pub seed: u64,
}

/// What a host function gives back.
pub struct Answer {
    /// Its results.
    pub results: Vec<Value>,
    /// What it charges.
    pub gas: u64,
}

impl Host {
    /// Answers the call `number`, counted from 0: values, now and then a charge, and now and then a byte in memory.
    #[must_use]
    pub fn answer(self, number: usize, arguments: &[Value], results: &[ValType], memory: &mut [u8]) -> Answer {
        let mut random = Random::new(self.seed ^ (number as u64) << 8 ^ arguments.len() as u64);
        let results = results.iter().map(|of_type| self.value(*of_type, &mut random)).collect();
        let (choice, amount) = (random.next_number() % 8, random.next_number());
        if self.seed == 0 {
            return Answer { results, gas: 0 };
        }
        if choice < 2 && !memory.is_empty() {
            let place = usize::try_from(amount % memory.len().min(4096) as u64).expect("a short distance");
            memory[place] = memory[place].wrapping_add(1);
        }
        Answer { results, gas: if choice == 7 { amount % 200 } else { 0 } }
    }

    fn value(self, of_type: ValType, random: &mut Random) -> Value {
        let (choice, any) = (random.next_number() % 8, random.next_number());
        // Conditions should go both ways, and loops should end.
        let whole = match choice {
            _ if self.seed == 0 => 0,
            0..=3 => 0,
            4 | 5 => 1,
            6 => any % 64,
            _ => any,
        };
        let half = u32::try_from(whole & u64::from(u32::MAX)).expect("masked");
        match of_type {
            ValType::I32 => Value::I32(half),
            ValType::I64 => Value::I64(whole),
            // A NaN that no arithmetic makes, or any bits.
            ValType::F32 if choice == 0 => Value::F32(0xffa0_0001),
            ValType::F32 => Value::F32(half),
            ValType::F64 if choice == 0 => Value::F64(0xfff4_0000_0000_0001),
            ValType::F64 => Value::F64(whole),
            ValType::Ref(_) => Value::Function(None),
            ValType::V128 => panic!("vectors are not admitted"),
        }
    }
}
