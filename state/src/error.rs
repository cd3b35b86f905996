//! The one error type of this crate: a fault of the node.

/// Why state could not be read or written: the disk, damage, or a mistake of the program around it.
///
/// Never a contract's doing. It carries text for the operator, and is deliberately neither `Clone` nor `PartialEq` nor
/// encodable, so that it cannot end up in a receipt.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The operating system refused a file operation.
    #[error("{during}: {text}")]
    Io {
        /// What was being done.
        during: &'static str,
        /// The system's message.
        text: String,
    },
    /// The key-value store refused an operation.
    #[error("{during}: {text}")]
    Backend {
        /// What was being done.
        during: &'static str,
        /// The store's message.
        text: String,
    },
    /// Stored bytes are not what was written, or contradict each other.
    #[error("damaged store: {what}")]
    Corrupt {
        /// What is wrong and where.
        what: String,
    },
    /// The store is not opened or created, because it is not what the caller asked for or cannot be trusted.
    #[error("store refused: {why}; {remedy}")]
    Refused {
        /// What was found.
        why: String,
        /// What the operator can do.
        remedy: String,
    },
    /// Another process (or another handle in this one) has the store open.
    #[error("store refused: {directory} is open in another process; stop that process first")]
    Locked {
        /// The directory of the store.
        directory: String,
    },
    /// An earlier commit through this handle failed, so what is on disk is only known after opening it again.
    #[error("store handle is closed after a failed commit ({cause}); open the store again")]
    Poisoned {
        /// The failure.
        cause: String,
    },
    /// A block was offered that does not follow the head.
    #[error("block does not follow the head: {what}")]
    Order {
        /// What does not fit.
        what: String,
    },
    /// A key, value or block is larger than the format allows. The engine's own limits are lower.
    #[error("{what} has {found} bytes, the limit is {limit}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// Its size in bytes.
        found: u64,
        /// The largest size in bytes.
        limit: u64,
    },
}

impl StateError {
    pub(crate) fn io(during: &'static str, error: &std::io::Error) -> Self {
        Self::Io { during, text: error.to_string() }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    pub(crate) fn refused(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Refused { why: why.into(), remedy: remedy.into() }
    }
}

/// The length of a buffer as the u64 that formats and limits use.
pub(crate) fn length_u64(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Lower-case hexadecimal, for messages.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
