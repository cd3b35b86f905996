//! Modules that are not in the repository: third-party contracts and a large one of an npm package.

use std::path::Path;
use unfork_benches::contracts::KERNEL;
use unfork_gas::{Floats, Import, LIMITS_V1, Limits, Profile, ValueType};
use wasmparser::{FuncType, Parser, Payload, TypeRef, ValType};

/// A module read from a file.
pub struct File {
    /// Its name in the table.
    pub name: String,
    /// The module.
    pub code: Vec<u8>,
}

/// The limits that admit large modules, for whoever runs such: sixteen megabytes of code and what goes with them.
///
/// The prices of loading code and the rule about function bodies make them unfit for a chain with V1's budgets.
pub fn limits() -> Limits {
    Limits {
        code_bytes_max: 16 << 20,
        instrumented_bytes_max: 64 << 20,
        function_bytes_max: 1 << 20,
        function_gas_max: 5_000_000,
        functions_max: 50_000,
        imports_max: 1_000,
        exports_max: 10_000,
        data_segments_max: 10_000,
        locals_max: 10_000,
        local_groups_max: 10_000,
        locals_total_max: 2_000_000,
        br_table_targets_max: 10_000,
        br_table_targets_total_max: 500_000,
        memory_pages_max: 16_384,
        ..LIMITS_V1
    }
}

/// The files of `UNFORK_LARGE_MODULES` and the folders of `UNFORK_THIRD_PARTY`; says so when one is not set.
pub fn files() -> Vec<File> {
    let mut files = Vec::new();
    for (variable, what) in [
        ("UNFORK_THIRD_PARTY", "third-party contracts (contracts/fixtures/README.md)"),
        ("UNFORK_LARGE_MODULES", "the large module of an npm package (scripts/bench-gas.sh fetches it)"),
    ] {
        match std::env::var(variable) {
            Ok(paths) => paths.split(':').for_each(|path| read(Path::new(path), &mut files)),
            Err(_) => println!("# NOT MEASURED, {variable} is not set: {what}"),
        }
    }
    files
}

/// Reads a module, or the modules of a folder and the folders in it.
fn read(path: &Path, files: &mut Vec<File>) {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut entries: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
        entries.sort();
        entries.iter().for_each(|entry| read(entry, files));
    } else if path.extension().is_some_and(|extension| extension == "wasm") {
        let code = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let parts: Vec<_> = path.iter().rev().take(2).map(|part| part.to_string_lossy()).collect();
        let name = parts.iter().rev().map(|part| part.as_ref()).collect::<Vec<_>>().join("/");
        files.push(File { name, code });
    }
}

/// What a module imports, so that a profile can allow just that.
pub struct Shape {
    functions: Vec<(String, String, Vec<ValueType>, Vec<ValueType>)>,
    memory: Option<(String, String)>,
}

/// Reads what a module imports.
pub fn shape(file: &File) -> Shape {
    let mut types: Vec<FuncType> = Vec::new();
    let mut shape = Shape { functions: Vec::new(), memory: None };
    for payload in Parser::new(0).parse_all(&file.code) {
        match payload.expect("a module") {
            Payload::TypeSection(reader) => {
                types.extend(reader.into_iter_err_on_gc_types().map(|each| each.expect("a type")));
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports().map(|import| import.expect("an import")) {
                    let names = (import.module.to_string(), import.name.to_string());
                    match import.ty {
                        TypeRef::Func(index) => {
                            let of_type = &types[index as usize];
                            let (params, results) = (values(of_type.params()), values(of_type.results()));
                            shape.functions.push((names.0, names.1, params, results));
                        }
                        TypeRef::Memory(_) => shape.memory = Some(names),
                        other => panic!("{}: imports {other:?}", file.name),
                    }
                }
            }
            _ => {}
        }
    }
    shape.functions.sort();
    shape.functions.dedup();
    shape
}

fn values(types: &[ValType]) -> Vec<ValueType> {
    let value = |each: &ValType| match each {
        ValType::I32 => ValueType::I32,
        ValType::I64 => ValueType::I64,
        ValType::F32 => ValueType::F32,
        ValType::F64 => ValueType::F64,
        other => panic!("{other:?} in an import"),
    };
    types.iter().map(value).collect()
}

impl Shape {
    /// The functions it imports.
    pub fn imports(&self) -> Vec<Import<'_>> {
        self.functions.iter().map(|(module, name, params, results)| Import { module, name, params, results }).collect()
    }

    /// A profile that allows what it imports, and floats.
    pub fn profile<'a>(&'a self, imports: &'a [Import<'a>]) -> Profile<'a> {
        Profile {
            name: "as imported",
            imports,
            entries: &[],
            memory_import: self.memory.as_ref().map(|(module, name)| (module.as_str(), name.as_str())),
            floats: Floats::Canonical,
            ..KERNEL
        }
    }
}
