//! Hashes and signatures.

use super::code;
use crate::abi::Guest;
use crate::host::crypto;
pub(crate) use crate::host::crypto::HashKind;
use crate::outcome::Abort;

pub(crate) fn hash(guest: &mut Guest<'_>, kind: HashKind, data: u32, data_len: u32, out: u32) -> Result<(), Abort> {
    let data = guest.read(data, data_len)?;
    let hash = crypto::hash(guest.session(), kind, &data)?;
    guest.write(out, &hash)
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

pub(crate) fn sr25519_verify(
    guest: &mut Guest<'_>,
    signature: u32,
    public: u32,
    message_len: u32,
    message: u32,
) -> Result<u32, Abort> {
    let signature = guest.read_array(signature)?;
    let public = guest.read_array(public)?;
    let message = guest.read(message, message_len)?;
    let valid = crypto::sr25519_verify(guest.session(), &signature, &public, &message)?;
    Ok(if valid { code::SUCCESS } else { code::SR25519_VERIFY_FAILED })
}
