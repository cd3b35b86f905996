//! What a contract of one kind may import and must export: given by the engine's profiles, checked by admission.

/// A value type that a profile may use in a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float; only with [`Floats::Canonical`].
    F32,
    /// 64-bit float; only with [`Floats::Canonical`].
    F64,
    /// Nullable function reference.
    FuncRef,
}

/// A host function that contracts of a profile may import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import<'a> {
    /// Module name.
    pub module: &'a str,
    /// Function name.
    pub name: &'a str,
    /// Parameter types, in order.
    pub params: &'a [ValueType],
    /// Result types, in order.
    pub results: &'a [ValueType],
}

/// A function that contracts of a profile export with exactly this signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Export name.
    pub name: &'a str,
    /// Parameter types, in order.
    pub params: &'a [ValueType],
    /// Result types, in order.
    pub results: &'a [ValueType],
    /// Whether code without it is refused; what is exported under the name must have the signature either way.
    pub required: bool,
}

/// What becomes of floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floats {
    /// Any float type, constant or operator is refused, in code that cannot run too.
    Forbid,
    /// Floats are allowed; each NaN that arithmetic makes becomes the positive canonical one.
    Canonical,
}

/// Who answers for what a module takes from others, and for what happens while its instance is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    /// Admission: imports are exactly those of the profile, nothing runs before an entry is called, and active segments
    /// lie inside what they fill, so that making an instance cannot fail. What every contract is held to.
    Closed,
    /// Whoever links the instances: any function, table, memory or global may be imported, and stays an import of the type
    /// that the module declares; there may be a start function; an active segment may turn out not to fit. All exports are
    /// kept. For the official test suite; never for contracts.
    Open,
}

/// What a contract of one kind looks like from outside.
#[derive(Clone, Copy, Debug)]
pub struct Profile<'a> {
    /// Its name, for messages only.
    pub name: &'a str,
    /// Every function that may be imported, sorted by (module, name), without duplicates. Not read where linking is open.
    pub imports: &'a [Import<'a>],
    /// Every function that must be exported, or may.
    pub entries: &'a [Entry<'a>],
    /// Module and name under which a memory may be imported; the prepared code defines that memory itself. Not read where
    /// linking is open.
    pub memory_import: Option<(&'a str, &'a str)>,
    /// What becomes of floats.
    pub floats: Floats,
    /// Who answers for imports and for the making of instances.
    pub linking: Linking,
}

impl<'a> Profile<'a> {
    /// The import of this module and name, by binary search.
    pub(crate) fn import(&self, module: &str, name: &str) -> Option<&Import<'a>> {
        let at = self.imports.binary_search_by(|import| (import.module, import.name).cmp(&(module, name))).ok()?;
        self.imports.get(at)
    }
}
