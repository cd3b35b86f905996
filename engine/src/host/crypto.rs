//! Hashes and signatures.

use crate::outcome::Abort;
use crate::session::Session;
use crate::types::Hash;
use blake2::Blake2b;
use blake2::digest::consts::{U16, U32};
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use sha2::Sha256;
use sha3::{Digest, Keccak256};

/// The hash functions that contracts may call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HashKind {
    Sha2_256,
    Keccak256,
    Blake2_256,
    Blake2_128,
}

/// Hashes `data`, charged by its length.
pub(crate) fn hash(session: &mut Session, kind: HashKind, data: &[u8]) -> Result<Vec<u8>, Abort> {
    let prices = session.prices();
    let (base, each) = match kind {
        HashKind::Sha2_256 => (prices.hash_sha2_256_base, prices.hash_sha2_256_byte),
        HashKind::Keccak256 => (prices.hash_keccak_256_base, prices.hash_keccak_256_byte),
        HashKind::Blake2_256 => (prices.hash_blake2_256_base, prices.hash_blake2_256_byte),
        HashKind::Blake2_128 => (prices.hash_blake2_128_base, prices.hash_blake2_128_byte),
    };
    session.gas.charge_linear(base, each, data.len())?;
    Ok(match kind {
        HashKind::Sha2_256 => Sha256::digest(data).to_vec(),
        HashKind::Keccak256 => Keccak256::digest(data).to_vec(),
        HashKind::Blake2_256 => blake2_256(data).to_vec(),
        HashKind::Blake2_128 => Blake2b::<U16>::digest(data).to_vec(),
    })
}

/// BLAKE2b with 32 bytes of output: what code and contract addresses are made from.
pub(crate) fn blake2_256(data: &[u8]) -> Hash {
    Blake2b::<U32>::digest(data).into()
}

/// The compressed public key that signed `message_hash`; `None` for anything that is no signature. `signature` is
/// r, s and a recovery id of 0 to 3 or 27 to 30.
pub(crate) fn ecdsa_recover(
    session: &mut Session,
    signature: &[u8; 65],
    message_hash: &Hash,
) -> Result<Option<[u8; 33]>, Abort> {
    session.gas.charge(session.rules.schedule().ecdsa_recover)?;
    Ok(recover(signature, message_hash))
}

fn recover(signature: &[u8; 65], message_hash: &Hash) -> Option<[u8; 33]> {
    let id = signature[64];
    let id = RecoveryId::from_byte(if id >= 27 { id.checked_sub(27)? } else { id })?;
    let signature = Signature::from_slice(&signature[..64]).ok()?;
    let key = VerifyingKey::recover_from_prehash(message_hash, &signature, id).ok()?;
    key.to_sec1_point(true).as_bytes().try_into().ok()
}

/// The 20-byte Ethereum address of a compressed public key; `None` when it is no point of the curve.
pub(crate) fn ecdsa_to_eth_address(session: &mut Session, key: &[u8; 33]) -> Result<Option<[u8; 20]>, Abort> {
    session.gas.charge(session.rules.schedule().ecdsa_to_eth_address)?;
    let Ok(key) = VerifyingKey::from_sec1_bytes(key) else { return Ok(None) };
    let point = key.to_sec1_point(false);
    let hash = Keccak256::digest(&point.as_bytes()[1..]);
    Ok(hash[12..].try_into().ok())
}

/// Whether `signature` over `message` is by `public`, in the signing context `substrate`. Bytes that are no key or no
/// signature are no valid signature.
pub(crate) fn sr25519_verify(
    session: &mut Session,
    signature: &[u8; 64],
    public: &[u8; 32],
    message: &[u8],
) -> Result<bool, Abort> {
    let (base, each) = (session.prices().sr25519_verify_base, session.prices().sr25519_verify_byte);
    session.gas.charge_linear(base, each, message.len())?;
    let key = schnorrkel::PublicKey::from_bytes(public);
    let signature = schnorrkel::Signature::from_bytes(signature);
    let (Ok(key), Ok(signature)) = (key, signature) else { return Ok(false) };
    Ok(key.verify_simple(b"substrate", message, &signature).is_ok())
}
