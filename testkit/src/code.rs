//! Contract code, and what is known of it.

use crate::functions::{FunctionNames, function_names};
use crate::interface::Interface;
use std::path::Path;
use std::sync::Arc;

/// A contract's code.
#[derive(Clone, Debug)]
pub struct Code {
    /// The Wasm module.
    pub bytes: Vec<u8>,
    /// What to call it.
    pub name: String,
    /// What its contracts offer, where that is known.
    pub interface: Option<Arc<Interface>>,
    /// What its functions are called, as far as that is known.
    pub functions: FunctionNames,
}

impl Code {
    /// The code in a `.wasm` or `.wat` file, with the interface in the `.json` or `.contract` file beside it, and the names of
    /// its functions in the `.names` file.
    ///
    /// # Panics
    /// When one of the files cannot be read.
    #[track_caller]
    #[must_use]
    pub fn file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let bytes = wat::parse_file(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let interface = Interface::beside(path).unwrap_or_else(|error| panic!("{error}")).map(Arc::new);
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let functions = function_names(&bytes, Some(path));
        Self { bytes, name, interface, functions }
    }

    /// Code written as text.
    ///
    /// # Panics
    /// When the text does not assemble.
    #[track_caller]
    #[must_use]
    pub fn wat(text: &str) -> Self {
        Self::wasm(wat::parse_str(text).unwrap_or_else(|error| panic!("{error}")))
    }

    /// Code as bytes.
    #[must_use]
    pub fn wasm(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let functions = function_names(&bytes, None);
        Self { bytes, name: "contract".to_string(), interface: None, functions }
    }

    /// The same code under another name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_string(), ..self }
    }

    /// The same code, whose contracts offer this.
    #[must_use]
    pub fn with_interface(self, interface: Interface) -> Self {
        Self { interface: Some(Arc::new(interface)), ..self }
    }
}

impl From<&Code> for Code {
    fn from(code: &Code) -> Self {
        code.clone()
    }
}
