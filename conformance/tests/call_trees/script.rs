//! Scripts: what the contract of `contract.wat` is asked to do, as a tree, and how it is written as bytes.

use unfork_conformance::generators::random::Random;

pub type Bytes32 = [u8; 32];

/// One step of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Set { transient: bool, key: u8, value: Vec<u8> },
    Get { transient: bool, key: u8 },
    Clear { key: u8 },
    Emit { topic: Option<Bytes32>, data: Vec<u8> },
    Transfer { to: Bytes32, value: u128 },
    Call { flags: u8, callee: Callee, gas: u64, value: u128, script: Vec<Op> },
    Delegate { flags: u8, code: usize, script: Vec<Op> },
    Instantiate { code: usize, gas: u64, value: u128, salt: u8, script: Vec<Op> },
    Terminate { beneficiary: Bytes32 },
    SetCode { code: usize },
    Info { kind: u8 },
    Burn { rounds: u16 },
    Return { reverts: bool },
    Unreachable,
    DivideByZero,
    ReentranceCount,
    Mark,
}

/// Whom a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// This address.
    At(Bytes32),
    /// The contract that this frame has created last; 32 zeros before any.
    Created,
}

pub mod flag {
    pub const TAIL_CALL: u8 = 4;
    pub const ALLOW_REENTRY: u8 = 8;
    pub const READ_ONLY: u8 = 16;
}

/// The bytes of a script. `codes` are the hashes that code numbers stand for.
pub fn encode(script: &[Op], codes: &[Bytes32]) -> Vec<u8> {
    let mut out = Vec::new();
    for op in script {
        one(op, codes, &mut out);
    }
    out
}

fn one(op: &Op, codes: &[Bytes32], out: &mut Vec<u8>) {
    let nested = |script: &[Op], out: &mut Vec<u8>| {
        let bytes = encode(script, codes);
        out.extend(u16::try_from(bytes.len()).expect("generated scripts are short").to_le_bytes());
        out.extend(bytes);
    };
    let short = |bytes: &[u8], out: &mut Vec<u8>| {
        out.push(u8::try_from(bytes.len()).expect("generated values are short"));
        out.extend(bytes);
    };
    match op {
        Op::Set { transient, key, value } => {
            out.extend([if *transient { 4 } else { 1 }, *key]);
            short(value, out);
        }
        Op::Get { transient, key } => out.extend([if *transient { 5 } else { 2 }, *key]),
        Op::Clear { key } => out.extend([3, *key]),
        Op::Emit { topic, data } => {
            // A SCALE vector of one element begins with 4.
            let topics = topic.iter().flat_map(|topic| [&[4], topic.as_slice()].concat()).collect::<Vec<u8>>();
            out.push(6);
            short(&topics, out);
            short(data, out);
        }
        Op::Transfer { to, value } => {
            out.push(7);
            out.extend(to);
            out.extend(value.to_le_bytes());
        }
        Op::Call { flags, callee, gas, value, script } => {
            match callee {
                Callee::At(address) => {
                    out.push(8);
                    out.extend(address);
                }
                Callee::Created => out.push(9),
            }
            out.push(*flags);
            out.extend(gas.to_le_bytes());
            out.extend(value.to_le_bytes());
            nested(script, out);
        }
        Op::Delegate { flags, code, script } => {
            out.extend([10, *flags]);
            out.extend(codes[*code]);
            nested(script, out);
        }
        Op::Instantiate { code, gas, value, salt, script } => {
            out.push(11);
            out.extend(codes[*code]);
            out.extend(gas.to_le_bytes());
            out.extend(value.to_le_bytes());
            out.push(*salt);
            nested(script, out);
        }
        Op::Terminate { beneficiary } => {
            out.push(12);
            out.extend(beneficiary);
        }
        Op::SetCode { code } => {
            out.push(13);
            out.extend(codes[*code]);
        }
        Op::Info { kind } => out.extend([14, *kind]),
        Op::Burn { rounds } => {
            out.push(15);
            out.extend(rounds.to_le_bytes());
        }
        Op::Return { reverts } => out.extend([16, u8::from(*reverts)]),
        Op::Unreachable => out.push(17),
        Op::DivideByZero => out.push(18),
        Op::ReentranceCount => out.push(19),
        Op::Mark => out.push(20),
    }
}

/// What a generator may choose from.
pub struct Choices<'a> {
    /// Addresses of contracts that exist.
    pub contracts: &'a [Bytes32],
    /// Other addresses, one of them a contract's that does not exist.
    pub others: &'a [Bytes32],
    /// How many codes there are; one more names a code that does not exist.
    pub codes: usize,
    /// Whether calls may limit the gas of what they call.
    pub limits_gas: bool,
}

/// A random script. `depth` counts down; `room` is how many steps are left for the whole tree.
pub fn generate(random: &mut Random, choices: &Choices<'_>, depth: u32, room: &mut u32) -> Vec<Op> {
    let wanted = 1 + below(random, 7);
    let mut script = Vec::new();
    for _ in 0..wanted {
        if *room == 0 {
            break;
        }
        *room -= 1;
        let op = step(random, choices, depth, room);
        // The same creator, code, input and salt once more.
        let again = matches!(op, Op::Instantiate { .. }) && below(random, 6) == 0;
        script.extend(again.then(|| op.clone()));
        script.push(op);
    }
    script
}

fn below(random: &mut Random, bound: u64) -> u64 {
    random.next_number() % bound
}

fn byte(random: &mut Random, bound: u8) -> u8 {
    u8::try_from(below(random, bound.into())).expect("below a byte")
}

fn pick<T: Copy>(random: &mut Random, from: &[T]) -> T {
    from[usize::try_from(below(random, from.len() as u64)).expect("an index")]
}

fn address(random: &mut Random, choices: &Choices<'_>) -> Bytes32 {
    if below(random, 8) == 0 { pick(random, choices.others) } else { pick(random, choices.contracts) }
}

fn code(random: &mut Random, choices: &Choices<'_>) -> usize {
    let all = choices.codes as u64;
    let one = if below(random, 12) == 0 { all } else { below(random, all) };
    usize::try_from(one).expect("an index")
}

fn value(random: &mut Random) -> u128 {
    match below(random, 8) {
        0 if below(random, 3) == 0 => 1_000_000,
        0..=2 => u128::from(below(random, 400)),
        _ => 0,
    }
}

fn bytes(random: &mut Random, longest: u64) -> Vec<u8> {
    let length = below(random, longest + 1);
    (0..length).map(|_| byte(random, 255)).collect()
}

fn gas(random: &mut Random, choices: &Choices<'_>) -> u64 {
    match below(random, 4) {
        _ if !choices.limits_gas => 0,
        0 => below(random, 30_000),
        1 => below(random, 400_000),
        2 => u64::MAX,
        _ => 0,
    }
}

// Long on purpose: one arm an operation.
fn step(random: &mut Random, choices: &Choices<'_>, depth: u32, room: &mut u32) -> Op {
    let kinds = if depth == 0 { 22 } else { 52 };
    match below(random, kinds) {
        0..=3 => Op::Set { transient: below(random, 4) == 0, key: byte(random, 3), value: bytes(random, 12) },
        4..=6 => Op::Get { transient: below(random, 3) == 0, key: byte(random, 3) },
        7 => Op::Clear { key: byte(random, 3) },
        8 | 9 => {
            let topic = (below(random, 2) == 0).then(|| [byte(random, 9); 32]);
            Op::Emit { topic, data: bytes(random, 10) }
        }
        10 | 11 => Op::Transfer { to: address(random, choices), value: value(random) },
        12 | 13 => Op::Info { kind: byte(random, 5) },
        14 => Op::Burn { rounds: u16::try_from(below(random, 2_000)).expect("it fits") },
        15 => Op::ReentranceCount,
        16 => Op::Mark,
        17 => match below(random, 6) {
            0 | 1 => Op::Return { reverts: false },
            2 | 3 => Op::Return { reverts: true },
            4 => Op::Unreachable,
            _ => Op::DivideByZero,
        },
        18 => match below(random, 3) {
            0 => Op::Terminate { beneficiary: address(random, choices) },
            _ => Op::SetCode { code: code(random, choices) },
        },
        19..=21 => Op::Set { transient: false, key: byte(random, 3), value: bytes(random, 40) },
        22..=25 => Op::Instantiate {
            code: code(random, choices),
            gas: gas(random, choices),
            value: value(random),
            salt: byte(random, 2),
            script: generate(random, choices, depth - 1, room),
        },
        26..=28 => Op::Delegate {
            flags: if below(random, 6) == 0 { flag::TAIL_CALL } else { 0 },
            code: code(random, choices),
            script: generate(random, choices, depth - 1, room),
        },
        _ => {
            let mut flags = 0;
            // In eighths of a hundred.
            for (one, odds) in [(flag::TAIL_CALL, 60), (flag::ALLOW_REENTRY, 650), (flag::READ_ONLY, 90), (32, 10)] {
                if below(random, 800) < odds {
                    flags |= one;
                }
            }
            let callee = if below(random, 5) == 0 { Callee::Created } else { Callee::At(address(random, choices)) };
            let script = generate(random, choices, depth - 1, room);
            Op::Call { flags, callee, gas: gas(random, choices), value: value(random), script }
        }
    }
}

/// Every script that is `script` with one step left out, or one call replaced by what it asks for.
pub fn smaller(script: &[Op]) -> Vec<Vec<Op>> {
    let mut all = Vec::new();
    for index in 0..script.len() {
        let with = |steps: &[Op]| [&script[..index], steps, &script[index + 1..]].concat();
        all.push(with(&[]));
        let inner = match &script[index] {
            Op::Call { script, .. } | Op::Delegate { script, .. } | Op::Instantiate { script, .. } => script,
            _ => continue,
        };
        for less in smaller(inner) {
            let mut op = script[index].clone();
            if let Op::Call { script, .. } | Op::Delegate { script, .. } | Op::Instantiate { script, .. } = &mut op {
                *script = less;
            }
            all.push(with(&[op]));
        }
    }
    all
}
