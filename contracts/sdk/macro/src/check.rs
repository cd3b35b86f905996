//! Reads attributes.

use syn::{Attribute, Error, Expr, ExprLit, Lit, LitInt, Meta, Result};

/// What stands in `#[method(…)]`.
#[derive(Default)]
pub struct Given {
    pub payable: bool,
    pub selector: Option<[u8; 4]>,
}

/// Removes the attribute of this name, if it is there, and reads what stands in it.
pub fn take_attribute(attributes: &mut Vec<Attribute>, name: &str) -> Result<Option<Given>> {
    let Some(index) = attributes.iter().position(|attribute| attribute.path().is_ident(name)) else { return Ok(None) };
    let attribute = attributes.remove(index);
    let mut given = Given::default();
    if matches!(attribute.meta, Meta::Path(_)) {
        return Ok(Some(given));
    }
    if name != "method" && name != "constructor" {
        return Err(Error::new_spanned(attribute, "takes no arguments"));
    }
    attribute.parse_nested_meta(|meta| {
        if meta.path.is_ident("payable") {
            given.payable = true;
            return Ok(());
        }
        if meta.path.is_ident("selector") {
            let number: LitInt = meta.value()?.parse()?;
            given.selector = Some(number.base10_parse::<u32>()?.to_be_bytes());
            return Ok(());
        }
        Err(meta.error("known are `payable` and `selector = 0x…`"))
    })?;
    Ok(Some(given))
}

/// The attributes that document.
pub fn doc_attributes(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).cloned().collect()
}

/// The documentation as text.
pub fn docs_of(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).filter_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else { return None };
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value else { return None };
        Some(text.value())
    });
    let lines: Vec<String> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).to_string()).collect();
    lines.join("\n").trim().to_string()
}
