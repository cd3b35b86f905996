//! Balances and nonces.

use crate::outcome::{Abort, Budget, Refused};
use crate::records::{self, Account, RecordKey};
use crate::session::{Session, spend};
use crate::trace::TraceEvent;
use crate::types::{Address, Balance};
use unfork_state::{Overlay, StateError};

/// What the record of an account counts as in changed bytes, whatever it has (docs/abi.md, section 4).
const ACCOUNT_BYTES: u64 = 64;

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
    /// One of the two would have something, but less than an account must have.
    BelowMinimum,
}

impl From<TransferError> for Refused {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Insufficient => Self::InsufficientBalance,
            TransferError::Overflow => Self::BalanceOverflow,
            TransferError::BelowMinimum => Self::BelowMinimum,
        }
    }
}

/// Moves `value`; either both balances change or none. Afterwards each of the two has nothing or at least `minimum`.
pub(crate) fn transfer(
    overlay: &mut Overlay,
    minimum: Balance,
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
    if (rest > 0 && rest < minimum) || sum < minimum {
        return Ok(Err(TransferError::BelowMinimum));
    }
    payer.balance = rest;
    receiver.balance = sum;
    set_account(overlay, from, &payer);
    set_account(overlay, to, &receiver);
    Ok(Ok(()))
}

/// As [`transfer`], with the two accounts counted as changed.
pub(crate) fn transfer_counted(
    session: &mut Session,
    from: &Address,
    to: &Address,
    value: Balance,
) -> Result<Result<(), TransferError>, Abort> {
    if value > 0 {
        spend(&mut session.budgets.changed_bytes, ACCOUNT_BYTES.saturating_mul(2), Budget::ChangedBytes)?;
    }
    let minimum = session.spec.minimum_balance();
    Ok(transfer(&mut session.overlay, minimum, from, to, value)?)
}

/// Moves balance of the contract that runs, charged.
pub(crate) fn pay(session: &mut Session, to: &Address, value: Balance) -> Result<Result<(), TransferError>, Abort> {
    session.require_writable()?;
    let price = session.prices().transfer_base;
    session.gas.charge(price)?;
    let from = session.frame()?.contract.clone();
    let moved = transfer_counted(session, &from, to, value)?;
    session.trace.note(|| TraceEvent::Transferred { from, to: to.clone(), value, moved: moved.is_ok() });
    Ok(moved)
}

/// The accounts of the state, as a node's hooks see them: inside the same journal as the transaction.
pub struct Accounts<'a> {
    pub(crate) overlay: &'a mut Overlay,
    pub(crate) minimum: Balance,
}

impl Accounts<'_> {
    /// The account at `address`.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn get(&mut self, address: &Address) -> Result<Account, StateError> {
        account(self.overlay, address)
    }

    /// Sets the balance of `address` to `balance`, whatever the minimum is.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn set_balance(&mut self, address: &Address, balance: Balance) -> Result<(), StateError> {
        let account = Account { balance, ..self.get(address)? };
        set_account(self.overlay, address, &account);
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
        transfer(self.overlay, self.minimum, from, to, value)
    }
}
