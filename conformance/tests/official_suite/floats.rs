//! Each admitted module where floats are forbidden: refused with the code for floats where a plain look finds one, and
//! else admitted and prepared to the same bytes.

use crate::run::needs;
use crate::script::{Directive, Script};
use crate::tally::Tally;
use unfork_conformance::admit;
use unfork_conformance::linked::{LIMITS, PROFILE};
use unfork_conformance::reference::Kind;
use unfork_gas::{Floats, Profile, RefusalCode, V1};
use wasmparser::{BlockType, CompositeInnerType, Operator, Parser, Payload, TypeRef, ValType};

/// Counts the verdicts on the modules of a script that it wants to be valid.
pub fn judge(script: &Script, tally: &mut Tally, failures: &mut Vec<String>) {
    for step in &script.steps {
        let (Directive::Module { module, .. }
        | Directive::Definition { module, .. }
        | Directive::TrapOfModule { module, .. }
        | Directive::Unlinkable { module }) = &step.directive
        else {
            continue;
        };
        let code = &script.modules[*module];
        let canonical = match admit(code, &V1, &LIMITS, &PROFILE) {
            Ok(canonical) => canonical,
            Err(refusal) => {
                tally.module(Some(needs(&refusal, code).unwrap_or("nothing, but are refused")));
                continue;
            }
        };
        tally.module(None);
        let forbid = admit(code, &V1, &LIMITS, &Profile { floats: Floats::Forbid, ..PROFILE });
        let right = match &forbid {
            Ok(forbid) => !has_floats(code) && forbid == &canonical,
            Err(refusal) => has_floats(code) && refusal.code == RefusalCode::Float,
        };
        if !right {
            let forbid = forbid.as_ref().map(|_| "admitted");
            failures.push(format!("{}:{}: where floats are forbidden: {forbid:?}", script.file, step.line));
        }
        tally.under_forbid(forbid.map(|_| ()).map_err(|refusal| refusal.code));
    }
}

/// Whether a valid module mentions a float anywhere.
fn has_floats(code: &[u8]) -> bool {
    Parser::new(0).parse_all(code).any(|payload| match payload.expect("an admitted module parses") {
        Payload::TypeSection(types) => types.into_iter().flatten().any(|group| {
            group.types().any(|each| match &each.composite_type.inner {
                CompositeInnerType::Func(function) => function.params().iter().chain(function.results()).any(is_float),
                other => panic!("{other:?} is not admitted"),
            })
        }),
        Payload::ImportSection(imports) => imports.into_imports().flatten().any(|import| match import.ty {
            TypeRef::Global(global) => is_float(&global.content_type),
            _ => false,
        }),
        Payload::GlobalSection(globals) => globals.into_iter().flatten().any(|global| {
            is_float(&global.ty.content_type)
                || global.init_expr.get_operators_reader().into_iter().flatten().any(|each| is_about_floats(&each))
        }),
        Payload::CodeSectionEntry(body) => {
            let mut locals = body.get_locals_reader().expect("locals").into_iter().flatten();
            let mut operators = body.get_operators_reader().expect("operators").into_iter().flatten();
            locals.any(|(_, of_type)| is_float(&of_type)) || operators.any(|each| is_about_floats(&each))
        }
        _ => false,
    })
}

fn is_float(of_type: &ValType) -> bool {
    matches!(of_type, ValType::F32 | ValType::F64)
}

/// Whether an operator has a float operand or result: its name says so.
fn is_about_floats(operator: &Operator<'_>) -> bool {
    let name = Kind::of(operator).expect("an admitted operator").name();
    let by_type = match operator {
        Operator::Block { blockty: BlockType::Type(of_type) }
        | Operator::Loop { blockty: BlockType::Type(of_type) }
        | Operator::If { blockty: BlockType::Type(of_type) }
        | Operator::TypedSelect { ty: of_type } => is_float(of_type),
        _ => false,
    };
    by_type || name.contains("f32") || name.contains("f64")
}
