//! Transactions that are signed, and the check of it: ECDSA over secp256k1 with the key recovered from the signature, as
//! wallets of the EVM sign. The sender is the Keccak-256 of the compressed key.

use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use sha3::{Digest, Keccak256};
use unfork_engine::{Accounts, Address, Fault, Hooks, Invalid, Transaction};

/// Bytes of a signature: r, s and the recovery id.
const SIGNATURE_BYTES: usize = 65;

/// Who signs.
pub struct Signer(SigningKey);

impl Signer {
    /// The same each time.
    ///
    /// # Panics
    /// Never: the bytes are a key.
    #[must_use]
    pub fn known() -> Self {
        Self(SigningKey::from_slice(&[0xa1; 32]).expect("a key"))
    }

    /// The sender of what this signs.
    #[must_use]
    pub fn address(&self) -> Address {
        address(self.0.verifying_key())
    }

    /// The transaction with its signature.
    #[must_use]
    pub fn sign(&self, transaction: Transaction) -> Transaction {
        let (signature, id) = self.0.sign_prehash_recoverable(&transaction.signing_hash());
        Transaction { authentication: [signature.to_bytes().as_slice(), &[id.to_byte()]].concat(), ..transaction }
    }
}

/// Hooks that let through what its sender has signed, and take no fee.
pub struct SignedHooks;

impl Hooks for SignedHooks {
    fn authorise(&self, transaction: &Transaction) -> Result<(), Invalid> {
        match signed_by(transaction) {
            Some(sender) if sender == transaction.sender => Ok(()),
            _ => Err(Invalid::Unauthorised(1)),
        }
    }

    fn before(&self, _: &Transaction, _: &mut Accounts<'_>) -> Result<Result<(), Invalid>, Fault> {
        Ok(Ok(()))
    }

    fn after(&self, _: &Transaction, _: u64, _: &mut Accounts<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

fn signed_by(transaction: &Transaction) -> Option<Address> {
    let bytes: &[u8; SIGNATURE_BYTES] = transaction.authentication.as_slice().try_into().ok()?;
    let signature = Signature::from_slice(&bytes[..64]).ok()?;
    let id = RecoveryId::from_byte(bytes[64])?;
    let key = VerifyingKey::recover_from_prehash(&transaction.signing_hash(), &signature, id).ok()?;
    Some(address(&key))
}

fn address(key: &VerifyingKey) -> Address {
    let hash: [u8; 32] = Keccak256::digest(key.to_sec1_point(true).as_bytes()).into();
    hash.into()
}

#[cfg(test)]
mod tests {
    use super::{SignedHooks, Signer};
    use unfork_engine::{Format, Hooks, Payload, Transaction};

    #[test]
    fn only_what_the_sender_signed_passes() {
        let signer = Signer::known();
        let transaction = Transaction {
            format: Format::V1,
            chain_id: [1; 32],
            sender: signer.address(),
            nonce: 7,
            gas_limit: 1,
            gas_price: 0,
            payload: Payload::Transfer { to: [2; 32].into(), value: 3 },
            authentication: Vec::new(),
        };
        assert!(SignedHooks.authorise(&transaction).is_err());
        let signed = signer.sign(transaction);
        assert!(SignedHooks.authorise(&signed).is_ok());
        assert!(SignedHooks.authorise(&Transaction { nonce: 8, ..signed.clone() }).is_err());
        assert!(SignedHooks.authorise(&Transaction { sender: [2; 32].into(), ..signed }).is_err());
    }
}
