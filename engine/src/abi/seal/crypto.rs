//! Hashes and signatures.

use super::code;
use crate::abi::Guest;
use crate::host::crypto::{self, HashKind};
use crate::outcome::Abort;

fn hash(guest: &mut Guest<'_>, kind: HashKind, data: u32, data_len: u32, out: u32) -> Result<(), Abort> {
    let data = guest.read(data, data_len)?;
    let hash = crypto::hash(guest.session(), kind, &data)?;
    guest.write(out, &hash)
}

pub(crate) fn hash_sha2_256(guest: &mut Guest<'_>, data: u32, data_len: u32, out: u32) -> Result<(), Abort> {
    hash(guest, HashKind::Sha2_256, data, data_len, out)
}

pub(crate) fn hash_keccak_256(guest: &mut Guest<'_>, data: u32, data_len: u32, out: u32) -> Result<(), Abort> {
    hash(guest, HashKind::Keccak256, data, data_len, out)
}

pub(crate) fn hash_blake2_256(guest: &mut Guest<'_>, data: u32, data_len: u32, out: u32) -> Result<(), Abort> {
    hash(guest, HashKind::Blake2_256, data, data_len, out)
}

pub(crate) fn hash_blake2_128(guest: &mut Guest<'_>, data: u32, data_len: u32, out: u32) -> Result<(), Abort> {
    hash(guest, HashKind::Blake2_128, data, data_len, out)
}

pub(crate) fn ecdsa_recover(guest: &mut Guest<'_>, signature: u32, hash: u32, out: u32) -> Result<u32, Abort> {
    let signature = guest.read_array(signature)?;
    let hash = guest.read_array(hash)?;
    match crypto::ecdsa_recover(guest.session(), &signature, &hash)? {
        Some(key) => guest.write(out, &key).map(|()| code::SUCCESS),
        None => Ok(code::ECDSA_RECOVERY_FAILED),
    }
}

pub(crate) fn ecdsa_to_eth_address(guest: &mut Guest<'_>, key: u32, out: u32) -> Result<u32, Abort> {
    let key = guest.read_array(key)?;
    match crypto::ecdsa_to_eth_address(guest.session(), &key)? {
        Some(address) => guest.write(out, &address).map(|()| code::SUCCESS),
        None => Ok(code::ECDSA_RECOVERY_FAILED),
    }
}
