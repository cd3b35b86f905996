//! Balances and nonces.

use crate::outcome::Refused;
use crate::records::{self, Account, RecordKey};
use crate::types::{Address, Balance};
use unfork_state::{Overlay, StateError};

/// The account at `address`; absent ones are empty.
pub(crate) fn account(overlay: &mut Overlay, address: &Address) -> Result<Account, StateError> {
    Ok(records::get(overlay, RecordKey::Account(address))?.unwrap_or_default())
}

/// Writes an account; an empty one is removed, so that the root does not depend on whether it ever held anything.
pub(crate) fn set_account(overlay: &mut Overlay, address: &Address, account: &Account) {
    if *account == Account::default() {
        overlay.remove(&RecordKey::Account(address).key());
    } else {
        records::put(overlay, RecordKey::Account(address), account);
    }
}

/// Why an amount did not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferError {
    /// The payer has less.
    Insufficient,
    /// The receiver would have more than 128 bits can hold.
    Overflow,
}

impl From<TransferError> for Refused {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Insufficient => Self::InsufficientBalance,
            TransferError::Overflow => Self::BalanceOverflow,
        }
    }
}

/// Moves `value`; either both balances change or none.
pub(crate) fn transfer(
    overlay: &mut Overlay,
    from: &Address,
    to: &Address,
    value: Balance,
) -> Result<Result<(), TransferError>, StateError> {
    let mut payer = account(overlay, from)?;
    let Some(rest) = payer.balance.checked_sub(value) else { return Ok(Err(TransferError::Insufficient)) };
    if value == 0 || from == to {
        return Ok(Ok(()));
    }
    let mut receiver = account(overlay, to)?;
    let Some(sum) = receiver.balance.checked_add(value) else { return Ok(Err(TransferError::Overflow)) };
    payer.balance = rest;
    receiver.balance = sum;
    set_account(overlay, from, &payer);
    set_account(overlay, to, &receiver);
    Ok(Ok(()))
}

/// The accounts of the state, as a node's hooks see them: inside the same journal as the transaction.
pub struct Accounts<'a>(pub(crate) &'a mut Overlay);

impl Accounts<'_> {
    /// The account at `address`.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn get(&mut self, address: &Address) -> Result<Account, StateError> {
        account(self.0, address)
    }

    /// Sets the balance of `address` to `balance`.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn set_balance(&mut self, address: &Address, balance: Balance) -> Result<(), StateError> {
        let account = Account { balance, ..self.get(address)? };
        set_account(self.0, address, &account);
        Ok(())
    }

    /// Moves `value` from one account to another; the inner error says why it did not move.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn transfer(
        &mut self,
        from: &Address,
        to: &Address,
        value: Balance,
    ) -> Result<Result<(), TransferError>, StateError> {
        transfer(self.0, from, to, value)
    }
}
