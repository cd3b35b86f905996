//! Writes a new contract project.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The files of a new project. `NAME`, `Name` and `SDK` in them are replaced.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
    ("lib.rs", include_str!("template/lib.rs.txt")),
    ("scenario.json", include_str!("template/scenario.json")),
    (".gitignore", "/target\n"),
];

/// Why there is no new project.
#[derive(Debug)]
pub enum CreateError {
    /// The name cannot be that of a package.
    Name(String),
    /// The name means something else to the compiler.
    Taken(String),
    /// There is something at this place already.
    Exists(PathBuf),
    /// There is no crate `unfork-contract` at this place.
    NoCrate(PathBuf),
    /// A file could not be written.
    Files(PathBuf, io::Error),
}

/// Names that cargo or the compiler takes for something else.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unfork-contract",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CreateError::Name(name) => {
                write!(f, "\"{name:.60}\" is no name for a contract: lower-case letters, digits and -, a letter first")
            }
            CreateError::Taken(name) => write!(f, "\"{name}\" means something else to the compiler: another name"),
            CreateError::Exists(path) => write!(f, "there is already something at {}", path.display()),
            CreateError::NoCrate(path) => {
                let path = path.display();
                write!(f, "there is no crate unfork-contract in {path}; `--sdk FOLDER` says where contracts/sdk is")
            }
            CreateError::Files(path, error) => write!(f, "writing {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for CreateError {}

/// Makes the folder `NAME` in `parent`; the project uses the crate in the folder `sdk`. Gives the folder.
///
/// # Errors
/// The name is none or taken, there is something already, the crate is not there, or files cannot be written.
pub fn create(parent: &Path, name: &str, sdk: &Path) -> Result<PathBuf, CreateError> {
    let letters = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let starts = name.starts_with(|first: char| first.is_ascii_lowercase());
    if !starts || !name.chars().all(letters) || name.ends_with('-') || name.contains("--") || name.len() > 60 {
        return Err(CreateError::Name(name.to_string()));
    }
    if TAKEN.contains(&name) {
        return Err(CreateError::Taken(name.to_string()));
    }
    let folder = parent.join(name);
    if folder.exists() {
        return Err(CreateError::Exists(folder));
    }
    let found = sdk.canonicalize().ok().filter(|sdk| sdk.join("Cargo.toml").exists());
    let sdk = found.ok_or_else(|| CreateError::NoCrate(sdk.to_path_buf()))?;
    let files = |path: &Path, error| CreateError::Files(path.to_path_buf(), error);
    std::fs::create_dir_all(&folder).map_err(|error| files(&folder, error))?;
    for (file, template) in FILES {
        let path = folder.join(file);
        let text = template.replace("SDK", &sdk.display().to_string().escape_default().to_string());
        let text =
            text.replace("NAME_", &name.replace('-', "_")).replace("NAME", name).replace("Name", &type_name(name));
        std::fs::write(&path, text).map_err(|error| files(&path, error))?;
    }
    Ok(folder)
}

/// `order-book` is `OrderBook`.
fn type_name(name: &str) -> String {
    let parts = name.split('-').map(|part| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sdk() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/sdk")
    }

    #[test]
    fn a_project_names_itself_everywhere() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = create(parent.path(), "my-coin2", &sdk()).expect("a project");
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).expect("written");
        assert!(read("Cargo.toml").contains("name = \"my-coin2\""));
        assert!(read("lib.rs").contains("pub mod my_coin2") && read("lib.rs").contains("MyCoin2Ref"));
        assert!(read("scenario.json").contains("my-coin2.wasm"));
        for (file, _) in FILES {
            assert!(!read(file).contains("NAME") && !read(file).contains("SDK"), "{file}");
        }
        assert!(matches!(create(parent.path(), "my-coin2", &sdk()), Err(CreateError::Exists(_))));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let parent = tempfile::tempdir().expect("a folder");
        for name in ["", "-a", "a-", "a--b", "A", "1a", "a b", "../a", "a/b", "é", &"a".repeat(61)] {
            assert!(matches!(create(parent.path(), name, &sdk()), Err(CreateError::Name(_))), "{name}");
        }
        for name in ["fn", "core", "test", "self", "unfork-contract"] {
            let error = create(parent.path(), name, &sdk()).expect_err(name);
            assert!(matches!(error, CreateError::Taken(_)), "{error}");
        }
        let nowhere = parent.path().join("nowhere");
        let error = create(parent.path(), "a", &nowhere).expect_err("no crate there").to_string();
        assert!(error.contains("--sdk"), "{error}");
        assert!(!parent.path().join("a").exists());
    }
}
