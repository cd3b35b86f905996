//! Whole modules to test with, and a profile that fits whatever a module imports.

use std::path::{Path, PathBuf};

use unfork_gas::{Floats, Import, LIMITS_V1, Profile, V1, ValueType, admit};
use wasmparser::{Parser, Payload, TypeRef, ValType};

/// A profile with exactly the imports of `code` as far as they can be read, no entries, and canonical floats.
///
/// It lives as long as the test binary.
pub fn profile_of(code: &[u8]) -> Profile<'static> {
    let mut types = Vec::new();
    let mut imports: Vec<Import<'static>> = Vec::new();
    let mut memory_import = None;
    for payload in Parser::new(0).parse_all(code).map_while(Result::ok) {
        match payload {
            Payload::TypeSection(section) => {
                types = section.into_iter_err_on_gc_types().map_while(Result::ok).collect();
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports().map_while(Result::ok) {
                    let (module, name) = (kept(import.module), kept(import.name));
                    match import.ty {
                        TypeRef::Func(index) => {
                            let Some(of) = types.get(index as usize) else { continue };
                            let (params, results) = (value_types(of.params()), value_types(of.results()));
                            imports.push(Import { module, name, params, results });
                        }
                        TypeRef::Memory(_) => memory_import = Some((module, name)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    imports.sort_by_key(|import| (import.module, import.name));
    imports.dedup_by_key(|import| (import.module, import.name));
    Profile {
        name: "fitting",
        imports: imports.leak(),
        entries: &[],
        memory_import,
        floats: Floats::Canonical,
        linking: unfork_gas::Linking::Closed,
    }
}

fn kept(name: &str) -> &'static str {
    name.to_string().leak()
}

fn value_types(types: &[ValType]) -> &'static [ValueType] {
    let value_type = |of: &ValType| match of {
        ValType::I32 => ValueType::I32,
        ValType::I64 => ValueType::I64,
        ValType::F32 => ValueType::F32,
        ValType::F64 => ValueType::F64,
        _ => ValueType::FuncRef,
    };
    types.iter().map(value_type).collect::<Vec<_>>().leak()
}

/// Every .wasm below a folder, by path.
pub fn wasm_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut folders = vec![folder.to_path_buf()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "wasm") {
                found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The project's own contracts and kernels.
pub fn fixtures() -> Vec<(String, Vec<u8>)> {
    let found = wasm_below(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../contracts/fixtures"));
    assert!(found.len() >= 10, "{} fixtures", found.len());
    found
}

/// The kernels among them.
pub fn kernel_fixtures() -> Vec<(String, Vec<u8>)> {
    let is_kernel = |path: &str| Path::new(path).parent().is_some_and(|folder| folder.ends_with("kernels"));
    fixtures().into_iter().filter(|(path, _)| is_kernel(path)).collect()
}

/// Those of the fixtures that are admitted under a profile with their own imports: all but what has a start function or the like.
pub fn admitted_fixtures() -> Vec<(String, Vec<u8>)> {
    let admitted = |code: &[u8]| admit(code, &V1, &LIMITS_V1, &profile_of(code)).is_ok();
    let found: Vec<_> = fixtures().into_iter().filter(|(_, code)| admitted(code)).collect();
    assert!(found.len() >= 10, "{} admitted fixtures", found.len());
    found
}
