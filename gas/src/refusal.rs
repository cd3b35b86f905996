//! Why code was refused: a stable number for receipts, and what a person needs to repair it.

use alloc::string::String;
use core::fmt;

/// Declares the codes: meaning as a doc comment, then `Name = number, "remedy";` per row.
macro_rules! refusal_codes {
    ($($(#[doc = $meaning:literal])* $name:ident = $number:literal, $remedy:literal;)*) => {
        /// Why code was refused. The numbers are consensus: pinned by a golden test, never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum RefusalCode { $($(#[doc = $meaning])* $name = $number,)* }

        impl RefusalCode {
            /// Every code, in the order of its number.
            pub const ALL: &'static [RefusalCode] = &[$(RefusalCode::$name,)*];

            /// The code's name, for logs and tools.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(RefusalCode::$name => stringify!($name),)* }
            }

            /// The number that receipts carry.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $(RefusalCode::$name => $number,)* }
            }

            /// What it means, in one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(RefusalCode::$name => concat!($($meaning),*).trim_start(),)* }
            }

            /// What a contract author can do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(RefusalCode::$name => $remedy,)* }
            }
        }
    };
}

refusal_codes! {
    /// Not a core WebAssembly module of version 1.
    NotAModule = 1, "upload a core WebAssembly module (magic 00 61 73 6d, version 1), not a component or text";
    /// The bytes cannot be decoded or do not validate.
    Invalid = 2, "the module does not validate: rebuild it with a current compiler";
    /// The bytes are empty.
    Empty = 3, "upload the bytes of a WebAssembly module";

    /// Vector instructions or the vector type.
    FeatureSimd = 10, "build without SIMD: -C target-feature=-simd128, or -mno-simd128";
    /// Relaxed vector instructions.
    FeatureRelaxedSimd = 11, "build without relaxed SIMD: -C target-feature=-relaxed-simd";
    /// Atomics or shared memory.
    FeatureThreads = 12, "build without threads: -C target-feature=-atomics, and no shared memory";
    /// Tail calls.
    FeatureTailCall = 13, "build without tail calls: -C target-feature=-tail-call";
    /// Exception handling or tags.
    FeatureExceptions = 14, "build without exceptions: -C panic=abort, or -fno-exceptions";
    /// Garbage-collected types.
    FeatureGc = 15, "garbage-collected types are not available: target linear memory";
    /// 64-bit memories or tables.
    FeatureMemory64 = 16, "build for wasm32, not wasm64";
    /// More than one memory.
    FeatureMultiMemory = 17, "use one memory";
    /// Memory pages of another size than 64 KiB.
    FeatureCustomPageSizes = 18, "use the page size of 64 KiB";
    /// 128-bit arithmetic.
    FeatureWideArithmetic = 19, "build without wide arithmetic: -C target-feature=-wide-arithmetic";
    /// External references.
    FeatureExternRef = 20, "externref is not available: funcref is the only reference type";
    /// Typed or non-nullable function references.
    FeatureFunctionReferences = 21, "typed function references are not available: use nullable funcref";
    /// Continuations.
    FeatureStackSwitching = 22, "stack switching is not available";
    /// Any other disabled proposal.
    FeatureOther = 23, "the module uses a proposal that is not admitted: build for the generic or mvp target";
    /// An operator that this version has no price for.
    OperatorUnknown = 24, "the operator has no price in this version: build for the generic or mvp target";
    /// A float type, constant or operator under a profile that forbids floats.
    Float = 30, "use integers or fixed point: floats are not available under this profile";

    /// A start function.
    StartFunction = 40, "remove the start function: nothing runs before the entry is called";
    /// An import or export whose name begins with the reserved prefix.
    ReservedName = 41, "rename it: names beginning with `unfork:` are reserved; upload original, not prepared code";
    /// An import that the profile does not have.
    ImportUnknown = 42, "import only functions of the profile; check module name, spelling and version";
    /// A known import with another signature.
    ImportSignature = 43, "declare the import with the signature of the profile";
    /// An imported table, global or tag, or a memory that is not the profile's.
    ImportKind = 44, "import functions only, and the memory only under the profile's name";
    /// A required export is missing.
    EntryMissing = 45, "export every entry function of the profile";
    /// A required export is not a function or has another signature.
    EntrySignature = 46, "export the entry as a function with the signature of the profile";
    /// An active data segment does not lie in the initial memory.
    DataOutOfRange = 47, "enlarge the initial memory: active data must lie inside it";
    /// An active element segment does not lie in the initial table.
    ElementOutOfRange = 48, "enlarge the initial table: active elements must lie inside it";

    /// The module is too long.
    CodeBytes = 60, "make the module smaller: optimise for size, strip names and debug information";
    /// The instrumented module is too long.
    InstrumentedBytes = 61, "make the module smaller: too much of it is branches and calls";
    /// A function body is too long.
    FunctionBytes = 62, "split the function";
    /// A function body costs too much between checkpoints.
    FunctionGas = 63, "split the function";
    /// Too many types.
    Types = 64, "use fewer function types";
    /// A type has too many parameters.
    Params = 65, "pass fewer parameters, or a pointer";
    /// A type has too many results.
    Results = 66, "return fewer results, or a pointer";
    /// Too many functions.
    Functions = 67, "use fewer functions";
    /// Too many imports.
    Imports = 68, "import fewer functions";
    /// Too many exports.
    Exports = 69, "export fewer items";
    /// A name is too long.
    NameBytes = 70, "use shorter import and export names";
    /// Too many globals.
    Globals = 71, "use fewer globals";
    /// Too many tables.
    Tables = 72, "use fewer tables";
    /// A table is too large.
    TableElements = 73, "use a smaller table";
    /// Too many data segments.
    DataSegments = 74, "merge data segments";
    /// Too many element segments.
    ElementSegments = 75, "merge element segments";
    /// Too many element items.
    ElementItems = 76, "use fewer element items";
    /// A constant expression is too long.
    ConstantOperators = 77, "fold the constant expression";
    /// A function has too many locals.
    Locals = 78, "use fewer locals: split the function or optimise";
    /// A function has too many groups of locals.
    LocalGroups = 79, "use fewer groups of locals: optimise the module";
    /// The module has too many locals.
    LocalsTotal = 80, "use fewer locals: split the module or optimise";
    /// The operand stack grows too high.
    OperandHeight = 81, "keep fewer operands on the stack: split the expression";
    /// Blocks are nested too deeply.
    Nesting = 82, "nest fewer blocks: split the function";
    /// A br_table is too long.
    BrTableTargets = 83, "split the switch";
    /// All br_tables together are too long.
    BrTableTargetsTotal = 84, "use fewer or smaller switches";
    /// The initial memory is too large.
    MemoryPages = 85, "declare a smaller initial memory, for instance with --stack-size or --initial-memory";
    /// Too many custom sections.
    CustomSections = 86, "strip custom sections";

    /// An instrumented function body is too long.
    InstrumentedFunctionBytes = 87, "split the function: too much of it is branches, calls and float arithmetic";

    /// A price of the schedule is beyond what arithmetic allows: a mistake of the chain specification.
    SchedulePrice = 120, "correct the chain specification: prices of operators must not exceed 2^20";
}

/// Code was refused. Only [`code`](Self::code) belongs in a receipt; the rest is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub code: RefusalCode,
    /// Where, as a byte offset into the uploaded bytes.
    pub offset: u32,
    /// The limit that was passed, where the code is about one.
    pub limit: Option<u64>,
    /// What was found instead, where it was counted.
    pub found: Option<u64>,
    /// Local text: never hashed, may change with any build.
    pub detail: String,
}

impl Refusal {
    pub(crate) fn new(code: RefusalCode, offset: u64, detail: impl Into<String>) -> Refusal {
        Refusal { code, offset: offset_of(offset), limit: None, found: None, detail: detail.into() }
    }

    pub(crate) fn over(code: RefusalCode, offset: u64, limit: u64, found: u64) -> Refusal {
        Refusal { code, offset: offset_of(offset), limit: Some(limit), found: Some(found), detail: String::new() }
    }
}

/// Offsets beyond 4 GiB cannot be: the size limit comes first. They are clamped rather than wrapped.
fn offset_of(offset: u64) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {}) at byte {}", self.code.name(), self.code.number(), self.offset)?;
        if let (Some(found), Some(limit)) = (self.found, self.limit) {
            write!(f, ": found {found}, limit {limit}")?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        write!(f, "; {}", self.code.remedy())
    }
}

impl core::error::Error for Refusal {}
