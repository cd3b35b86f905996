//! Finds the bytes that an upload step is about.

use super::model::Upload;
use std::path::Path;
use unfork_testkit::{FunctionNames, Interface, function_names};

/// The largest code file that is read, in bytes. Larger ones could not be in a transaction anyway.
const CODE_FILE_BYTES_MAX: u64 = 16 << 20;

/// The bytes to upload; paths count from `folder`. An error is the field and what is wrong with it.
pub(super) fn read_code(upload: &Upload, folder: &Path) -> Result<Vec<u8>, (&'static str, String)> {
    if let Some(bytes) = &upload.bytes {
        return Ok(bytes.0.clone());
    }
    if let Some(text) = &upload.wat {
        return wat::parse_str(text).map_err(|error| ("wat", error.to_string()));
    }
    let path = folder.join(upload.code.as_deref().unwrap_or_default());
    let wrong = |what: String| ("code", format!("{}: {what}", path.display()));
    let size = std::fs::metadata(&path).map_err(|error| wrong(error.to_string()))?.len();
    if size > CODE_FILE_BYTES_MAX {
        return Err(wrong(format!("the file has {size} bytes, at most {CODE_FILE_BYTES_MAX} are read")));
    }
    let bytes = std::fs::read(&path).map_err(|error| wrong(error.to_string()))?;
    if path.extension().is_none_or(|end| end != "wat") {
        return Ok(bytes);
    }
    wat::parse_bytes(&bytes).map(|code| code.into_owned()).map_err(|error| wrong(error.to_string()))
}

/// What the functions of the code are called, as far as that is known.
pub(super) fn read_names(upload: &Upload, code: &[u8], folder: &Path) -> FunctionNames {
    let file = upload.code.as_ref().map(|file| folder.join(file));
    function_names(code, file.as_deref())
}

/// What contracts of an uploaded code offer, where that is known. An error is the field and what is wrong with it.
pub(super) fn read_interface(upload: &Upload, folder: &Path) -> Result<Option<Interface>, (&'static str, String)> {
    let read = match (&upload.interface, &upload.code) {
        (Some(file), _) => Interface::load(&folder.join(file)).map(Some),
        (None, Some(code)) => Interface::beside(&folder.join(code)),
        (None, None) => return Ok(None),
    };
    read.map_err(|error| ("interface", error.to_string()))
}
