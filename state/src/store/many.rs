//! Proofs of many keys at once.

use unfork_proof::{Proof, join_proofs};

use super::commit::Store;
use super::pending::Pending;
use crate::error::StateError;
use crate::key::Key;

impl Store {
    /// One proof, under the head's root, that each of `keys` has the value it has or is absent; encoded as
    /// [`unfork_proof::verify_many`] reads it.
    ///
    /// # Errors
    /// [`StateError`] if the state cannot be read or does not agree with the tree, or if there are no keys.
    pub fn prove_many(&self, keys: &[Key]) -> Result<Vec<u8>, StateError> {
        join(keys, &|key| self.prove(key))
    }
}

impl Pending {
    /// As [`Store::prove_many`], under this block's root.
    ///
    /// # Errors
    /// As [`Store::prove_many`].
    pub fn prove_many(&self, keys: &[Key]) -> Result<Vec<u8>, StateError> {
        join(keys, &|key| self.prove(key))
    }
}

fn join(keys: &[Key], prove: &dyn Fn(&Key) -> Result<Proof, StateError>) -> Result<Vec<u8>, StateError> {
    let proofs = keys.iter().map(prove).collect::<Result<Vec<_>, _>>()?;
    let proofs = keys.iter().map(Key::as_bytes).zip(&proofs);
    join_proofs(proofs).map_err(|error| StateError::corrupt(format!("the tree yields no proof: {error}")))
}
