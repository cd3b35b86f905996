//! The outermost structure of a module: sections, one after the other.

/// The custom section in which a contract carries its interface (docs/interface.md).
pub const INTERFACE_SECTION: &str = "unfork.interface";

/// The number of custom sections, which mean nothing to who executes.
const CUSTOM: u8 = 0;

/// A module without custom sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stripped {
    /// The module.
    pub code: Vec<u8>,
    /// What stood in the section [`INTERFACE_SECTION`].
    pub interface: Option<Vec<u8>>,
}

/// Removes all custom sections. `None` if the bytes are not the sections of a module.
pub fn strip(module: &[u8]) -> Option<Stripped> {
    let (header, mut rest) = module.split_at_checked(8)?;
    if !header.starts_with(b"\0asm") {
        return None;
    }
    let (mut code, mut interface) = (header.to_vec(), None);
    while let Some((kind, after)) = rest.split_first() {
        let (length, content) = read_length(after)?;
        let (content, next) = content.split_at_checked(length)?;
        if *kind == CUSTOM {
            let (name_length, named) = read_length(content)?;
            let (name, data) = named.split_at_checked(name_length)?;
            if name == INTERFACE_SECTION.as_bytes() {
                interface = Some(data.to_vec());
            }
        } else {
            code.extend_from_slice(&rest[..rest.len() - next.len()]);
        }
        rest = next;
    }
    Some(Stripped { code, interface })
}

/// A length in LEB128 of at most 32 bits, and what follows.
fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).ok()?;
            return Some((usize::try_from(value).ok()?, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        for (kind, content) in sections {
            bytes.push(*kind);
            bytes.push(u8::try_from(content.len()).expect("short"));
            bytes.extend_from_slice(content);
        }
        bytes
    }

    #[test]
    fn custom_sections_go_and_the_interface_is_given() {
        let whole = module(&[(0, b"\x04namexyz"), (1, b"\0"), (0, b"\x10unfork.interface{}"), (3, b"\0"), (0, b"\0")]);
        let stripped = strip(&whole).expect("a module");
        assert_eq!(stripped.code, module(&[(1, b"\0"), (3, b"\0")]));
        assert_eq!(stripped.interface.as_deref(), Some(&b"{}"[..]));
        assert_eq!(strip(&stripped.code), Some(Stripped { code: stripped.code.clone(), interface: None }));
    }

    #[test]
    fn what_is_no_module_is_none() {
        let whole = module(&[(0, b"\x04namexyz"), (1, b"\0")]);
        for length in (0..whole.len()).filter(|length| ![8, 18].contains(length)) {
            assert_eq!(strip(&whole[..length]), None, "{length} bytes");
        }
        let endless = [module(&[]), vec![1, 0xff, 0xff, 0xff, 0xff, 0xff, 0]].concat();
        assert_eq!(strip(&endless), None);
    }
}
