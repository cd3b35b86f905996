//! Gas derived by hand: a `.gas` file beside a vector says, for each of its transactions in order, what is paid for and
//! how often. The test looks up the prices; the counts are read off the contract's text by a person.
//!
//! ```text
//! define load L            # a part with parameters; parts of common.gas may be used everywhere
//!   1 code_load_base
//!   L code_load_byte
//!
//! call counter: again      # one entry a transaction: action, label, and a remark
//!   2*3+1 op_const         # a count and a price
//!   load 91                # a part
//!   1023 x load 91         # a part many times
//! ```
//!
//! A count is a sum of products of numbers, parameters and `compact(n)`, the length of a SCALE compact integer; it has
//! no spaces. `gas` is the price of one unit, for what a contract gave away in a sum. `all` stands for the whole gas limit, `none` for a transaction that has no place in a block.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use unfork_gas::Schedule;

/// How deep parts may use parts.
const DEPTH_MAX: usize = 16;

/// What costs 1 under every schedule.
const UNIT: &str = "gas";

/// Whether a line may count this.
fn is_price(name: &str) -> bool {
    name == UNIT || Schedule::ROWS.iter().any(|row| row.0 == name)
}

/// How often each price is paid.
pub type Counts = BTreeMap<String, u64>;

/// What a transaction should cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cost {
    /// The whole gas limit.
    All,
    /// It is not in a block.
    NotInBlock,
    /// So much.
    Sum(Counts),
}

/// What one transaction of the vector should cost.
#[derive(Debug)]
pub struct Entry {
    /// `upload`, `instantiate`, `call` or `transfer`, and the label of what it is about.
    pub about: String,
    pub line: usize,
    pub cost: Cost,
}

/// The cost under `schedule`.
pub fn sum(counts: &Counts, schedule: &Schedule) -> u64 {
    let prices: BTreeMap<&str, u64> = schedule.fields().chain([(UNIT, 1)]).collect();
    counts.iter().map(|(name, count)| prices[name.as_str()] * count).sum()
}

/// The entries of a `.gas` file, which may use the parts of `common`.
pub fn load(common: &Path, file: &Path) -> Vec<Entry> {
    let mut reader = Reader { parts: BTreeMap::new(), file: common.to_path_buf(), used: BTreeMap::new() };
    assert!(reader.read().is_empty(), "{}: only parts stand here", common.display());
    reader.used.clear();
    reader.file = file.to_path_buf();
    let blocks = reader.read();
    let entries = blocks.into_iter().map(|block| reader.entry(block)).collect();
    for (name, line) in &reader.used {
        assert_ne!(*line, 0, "{}: the part {name} is not used", file.display());
    }
    entries
}

struct Part {
    parameters: Vec<String>,
    lines: Vec<(usize, String)>,
}

/// A heading and the lines below it.
struct Block {
    about: String,
    line: usize,
    lines: Vec<(usize, String)>,
}

struct Reader {
    parts: BTreeMap<String, Part>,
    file: PathBuf,
    /// Parts of the file itself, with the line that used them last; 0 while none has.
    used: BTreeMap<String, usize>,
}

type Values = BTreeMap<String, u64>;

impl Reader {
    fn wrong(&self, line: usize, what: &str) -> ! {
        panic!("{}:{line}: {what}", self.file.display())
    }

    /// Takes in the parts of the file and gives its other blocks.
    fn read(&mut self) -> Vec<Block> {
        let text = std::fs::read_to_string(&self.file).unwrap_or_else(|e| panic!("{}: {e}", self.file.display()));
        let mut blocks: Vec<Block> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let code = line.split('#').next().unwrap_or_default().trim_end();
            if code.trim().is_empty() {
                continue;
            }
            if !code.starts_with(' ') {
                let about = code.split(':').next().unwrap_or_default().trim().to_string();
                blocks.push(Block { about, line: number, lines: Vec::new() });
                continue;
            }
            match blocks.last_mut() {
                Some(block) => block.lines.push((number, code.trim().to_string())),
                None => self.wrong(number, "stands under no heading"),
            }
        }
        let (parts, entries) = blocks.into_iter().partition(|block: &Block| block.about.starts_with("define "));
        for Block { about, line, lines } in parts {
            let mut words = about.split_whitespace().skip(1).map(str::to_string);
            let Some(name) = words.next() else { self.wrong(line, "a part without a name") };
            if is_price(&name) || self.parts.contains_key(&name) {
                self.wrong(line, "this name is taken");
            }
            self.used.insert(name.clone(), 0);
            self.parts.insert(name, Part { parameters: words.collect(), lines });
        }
        entries
    }

    fn entry(&mut self, block: Block) -> Entry {
        let Block { about, line, lines } = block;
        if lines.is_empty() {
            self.wrong(line, "an entry without a line");
        }
        let cost = match (lines.len(), lines[0].1.as_str()) {
            (1, "all") => Cost::All,
            (1, "none") => Cost::NotInBlock,
            _ => {
                let mut counts = Counts::new();
                self.add(&lines, &Values::new(), 1, 0, &mut counts);
                Cost::Sum(counts)
            }
        };
        Entry { about, line, cost }
    }

    /// Adds `times` what the lines say.
    fn add(&mut self, lines: &[(usize, String)], values: &Values, times: u64, depth: usize, counts: &mut Counts) {
        for (line, text) in lines {
            let words: Vec<&str> = text.split_whitespace().collect();
            let (times, words) = match words.as_slice() {
                [count, "x", rest @ ..] => (times * self.number(count, values, *line), rest),
                words => (times, words),
            };
            if let [count, price] = words
                && is_price(price)
            {
                *counts.entry((*price).to_string()).or_default() += times * self.number(count, values, *line);
                continue;
            }
            let (name, arguments) = words.split_first().unwrap_or_else(|| self.wrong(*line, "says nothing"));
            let arguments: Vec<u64> = arguments.iter().map(|text| self.number(text, values, *line)).collect();
            let Some(part) = self.parts.get(*name) else { self.wrong(*line, "is neither a price nor a part") };
            if part.parameters.len() != arguments.len() || depth > DEPTH_MAX {
                self.wrong(*line, "wrong number of arguments, or parts of parts without end");
            }
            let inner: Values = part.parameters.iter().cloned().zip(arguments).collect();
            let body = part.lines.clone();
            self.used.entry((*name).to_string()).and_modify(|used| *used = *line);
            self.add(&body, &inner, times, depth + 1, counts);
        }
    }

    fn number(&self, text: &str, values: &Values, line: usize) -> u64 {
        text.split('+').map(|term| self.product(term, values, line)).sum()
    }

    fn product(&self, text: &str, values: &Values, line: usize) -> u64 {
        let factor = |text: &str| {
            let inner = text.strip_prefix("compact(").and_then(|rest| rest.strip_suffix(')'));
            if let Some(inner) = inner {
                return match self.product(inner, values, line) {
                    0..64 => 1,
                    64..16_384 => 2,
                    16_384..1_073_741_824 => 4,
                    _ => self.wrong(line, "no length is so large"),
                };
            }
            let number = values.get(text).copied().or_else(|| text.replace('_', "").parse().ok());
            number.unwrap_or_else(|| self.wrong(line, &format!("{text} is no number and no parameter")))
        };
        text.split('*').map(factor).product()
    }
}
