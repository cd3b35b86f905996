//! A chain on the test bench: the functions of the host for contracts that are compiled natively, one chain a thread.
//!
//! Whoever tests acts as an account ([`act_as`]) and uses contracts through their clients, as other contracts do. A panic is a
//! trap. What a frame did is undone when it ends badly. Gas is not counted; everything else follows docs/abi.md §4.

use crate::call::{CallError, Deploy, Ended, Target};
use crate::codec::{Decode, Encode};
use crate::entry::{Answer, Contract};
use crate::env::Event;
use crate::{AccountId, Balance, Hash};
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

/// An event as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Who told it.
    pub contract: AccountId,
    /// Its topics.
    pub topics: Vec<[u8; 32]>,
    /// Its payload.
    pub data: Vec<u8>,
}

impl Told {
    /// The event, if it is one of this kind.
    pub fn as_event<E: Event + Decode>(&self) -> Option<E> {
        let same = self.topics.first() == Some(&E::SIGNATURE);
        same.then(|| E::decode(&mut self.data.as_slice()).ok()).flatten()
    }
}

/// What is undone with a frame.
#[derive(Clone, Default)]
struct State {
    balances: BTreeMap<AccountId, Balance>,
    /// The code of each contract.
    contracts: BTreeMap<AccountId, Hash>,
    storage: BTreeMap<(AccountId, Vec<u8>), Vec<u8>>,
    events: Vec<Told>,
}

/// A call that is running. The first is no call: it is the account that tests.
#[derive(Clone)]
struct Frame {
    address: AccountId,
    caller: AccountId,
    value: Balance,
    /// Whether the contract may be called again by the call that it is making.
    reentry: bool,
    read_only: bool,
}

type Entry = fn(&[u8]) -> Answer;

struct World {
    state: State,
    codes: BTreeMap<Hash, (Entry, Entry)>,
    frames: Vec<Frame>,
    height: u32,
    now: u64,
    debug: Vec<String>,
}

/// How a contract that terminates leaves its frame.
struct Terminated;

/// Time of the first block, and between two.
const GENESIS_MS: u64 = 1_767_225_600_000;
const BLOCK_MS: u64 = 1_000;

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

impl World {
    fn new() -> Self {
        let first = account("alice");
        let frame = Frame { address: first, caller: first, value: 0, reentry: true, read_only: false };
        World {
            state: State::default(),
            codes: BTreeMap::new(),
            frames: vec![frame],
            height: 1,
            now: GENESIS_MS + BLOCK_MS,
            debug: Vec::new(),
        }
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the account that tests is always there")
    }

    fn writable(&mut self) {
        assert!(!self.frame().read_only, "state change denied: the call is read only");
    }

    fn own(&mut self, key: &[u8]) -> (AccountId, Vec<u8>) {
        assert!(self.frames.len() > 1, "an account has no storage: use contracts through their clients");
        (self.frame().address, key.to_vec())
    }

    fn balance(&self, of: AccountId) -> Balance {
        self.state.balances.get(&of).copied().unwrap_or(0)
    }

    fn pay(&mut self, from: AccountId, to: AccountId, value: Balance) -> Result<(), CallError> {
        let left = self.balance(from).checked_sub(value).ok_or(CallError::TransferFailed)?;
        self.state.balances.insert(from, left);
        let more = self.balance(to).checked_add(value).expect("less than there is in all");
        self.state.balances.insert(to, more);
        Ok(())
    }
}

fn world<R>(with: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with(|world| with(&mut world.borrow_mut()))
}

/// Begins a new chain, on which Alice acts and nobody has anything.
pub fn reset() {
    world(|world| *world = World::new());
}

/// The account of this name, with the address it has in scenarios.
pub fn account(name: &str) -> AccountId {
    AccountId(Blake2b::<U32>::digest(format!("unfork-account:{name}")).into())
}

/// From now on this account makes the calls.
pub fn act_as(account: AccountId) {
    world(|world| world.frame().address = account);
}

/// Sets what an account has.
pub fn fund(account: AccountId, balance: Balance) {
    world(|world| world.state.balances.insert(account, balance));
}

/// What an account or contract has.
pub fn balance_of(account: AccountId) -> Balance {
    world(|world| world.balance(account))
}

/// Makes a contract's code known.
pub fn upload<C: Contract>() -> Hash {
    let hash = Hash(Blake2b::<U32>::digest(C::INTERFACE).into());
    world(|world| world.codes.insert(hash, (C::deploy, C::call)));
    hash
}

/// Goes on by this many blocks.
pub fn advance(blocks: u32) {
    world(|world| {
        world.height += blocks;
        world.now += u64::from(blocks) * BLOCK_MS;
    });
}

/// Everything that was told since the beginning, in order.
pub fn events() -> Vec<Told> {
    world(|world| world.state.events.clone())
}

/// All debug messages, also of frames that were undone.
pub fn debug_messages() -> Vec<String> {
    world(|world| world.debug.clone())
}

/// How many values a contract stores.
pub fn stored(contract: AccountId) -> usize {
    world(|world| world.state.storage.keys().filter(|(owner, _)| *owner == contract).count())
}

/// Runs a frame, and undoes what it did if it ends badly.
fn run(frame: Frame, payer: Option<AccountId>, entry: Entry, input: &[u8], before: State) -> Ended {
    let paid = world(|world| match payer {
        Some(payer) => world.pay(payer, frame.address, frame.value),
        None => Ok(()),
    });
    if let Err(error) = paid {
        world(|world| world.state = before);
        return Err((error, Vec::new()));
    }
    world(|world| world.frames.push(frame));
    let ended = catch_unwind(AssertUnwindSafe(|| entry(input)));
    world(|world| world.frames.pop());
    match ended {
        Ok(Answer { reverted: false, output }) => Ok(output),
        Ok(Answer { reverted: true, output }) => {
            world(|world| world.state = before);
            Err((CallError::Reverted, output))
        }
        Err(panic) if panic.is::<Terminated>() => Ok(Vec::new()),
        Err(_) => {
            world(|world| world.state = before);
            Err((CallError::Trapped, Vec::new()))
        }
    }
}

/// What the chain's host functions do.
pub(crate) mod host {
    use super::*;

    pub(crate) fn storage_get<R>(key: &[u8], read: impl FnOnce(Option<&[u8]>) -> R) -> R {
        let value = world(|world| {
            let key = world.own(key);
            world.state.storage.get(&key).cloned()
        });
        read(value.as_deref())
    }

    pub(crate) fn storage_set(key: &[u8], value: &[u8]) -> bool {
        world(|world| {
            world.writable();
            let key = world.own(key);
            world.state.storage.insert(key, value.to_vec()).is_some()
        })
    }

    pub(crate) fn storage_contains(key: &[u8]) -> bool {
        storage_get(key, |value| value.is_some())
    }

    pub(crate) fn storage_remove(key: &[u8]) -> bool {
        world(|world| {
            world.writable();
            let key = world.own(key);
            world.state.storage.remove(&key).is_some()
        })
    }

    pub(crate) fn storage_next(key: &[u8], end: &[u8], descending: bool) -> Option<Vec<u8>> {
        world(|world| {
            let (own, from) = world.own(key);
            let keys = world.state.storage.keys().filter(|(owner, _)| *owner == own).map(|(_, key)| key);
            let found = match descending {
                false => keys.into_iter().find(|key| **key > from && (end.is_empty() || key.as_slice() < end)),
                true => keys.filter(|key| (from.is_empty() || **key < from) && key.as_slice() >= end).last(),
            };
            found.cloned()
        })
    }

    pub(crate) fn caller() -> [u8; 32] {
        world(|world| world.frame().caller.0)
    }

    pub(crate) fn address() -> [u8; 32] {
        world(|world| world.frame().address.0)
    }

    pub(crate) fn balance() -> u128 {
        world(|world| {
            let own = world.frame().address;
            world.balance(own)
        })
    }

    pub(crate) fn value() -> u128 {
        world(|world| world.frame().value)
    }

    pub(crate) fn now() -> u64 {
        world(|world| world.now)
    }

    pub(crate) fn block_number() -> u32 {
        world(|world| world.height)
    }

    pub(crate) fn gas_left() -> u64 {
        u64::MAX
    }

    pub(crate) fn is_contract(account: &[u8; 32]) -> bool {
        code_hash(account).is_some()
    }

    pub(crate) fn code_hash(account: &[u8; 32]) -> Option<[u8; 32]> {
        world(|world| world.state.contracts.get(&AccountId(*account)).map(|code| code.0))
    }

    pub(crate) fn own_code_hash() -> [u8; 32] {
        code_hash(&address()).expect("a contract has code")
    }

    pub(crate) fn transfer(to: &[u8; 32], value: u128) -> Result<(), CallError> {
        world(|world| {
            world.writable();
            let own = world.frame().address;
            world.pay(own, AccountId(*to), value)
        })
    }

    pub(crate) fn terminate(beneficiary: &[u8; 32]) -> ! {
        world(|world| {
            world.writable();
            let own = world.frame().address;
            let frames = world.frames.iter().filter(|frame| frame.address == own).count();
            assert!(frames == 1, "a contract that is on the stack twice cannot end");
            let all = world.balance(own);
            world.pay(own, AccountId(*beneficiary), all).expect("it has what it has");
            world.state.contracts.remove(&own);
            world.state.storage.retain(|(owner, _), _| *owner != own);
        });
        resume_unwind(Box::new(Terminated))
    }

    pub(crate) fn set_code(code: &[u8; 32]) -> Result<(), CallError> {
        world(|world| {
            world.writable();
            if !world.codes.contains_key(&Hash(*code)) {
                return Err(CallError::CodeNotFound);
            }
            let own = world.frame().address;
            world.state.contracts.insert(own, Hash(*code));
            Ok(())
        })
    }

    pub(crate) fn emit(topics: &[[u8; 32]], data: &[u8]) {
        world(|world| {
            world.writable();
            let contract = world.frame().address;
            world.state.events.push(Told { contract, topics: topics.to_vec(), data: data.to_vec() });
        });
    }

    pub(crate) fn debug(text: &str) {
        world(|world| world.debug.push(text.to_string()));
    }

    pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
        sha2::Sha256::digest(data).into()
    }

    pub(crate) fn keccak256(data: &[u8]) -> [u8; 32] {
        sha3::Keccak256::digest(data).into()
    }

    pub(crate) fn blake2_256(data: &[u8]) -> [u8; 32] {
        Blake2b::<U32>::digest(data).into()
    }

    pub(crate) fn call(target: &Target, input: &[u8]) -> Ended {
        let (frame, before, entry) = world(|world| {
            assert!(!world.frame().read_only || target.value == 0, "state change denied: the call is read only");
            world.frame().reentry = target.reentry;
            let first = world.frames.len() == 1;
            let mut again = world.frames[1..].iter().filter(|frame| frame.address == target.address);
            assert!(first || again.all(|frame| frame.reentry), "reentrance denied");
            let (caller, read_only) = (world.frame().address, world.frame().read_only || target.read_only);
            let code = world.state.contracts.get(&target.address);
            let entry = code.map(|code| world.codes[code].1);
            let frame = Frame { address: target.address, caller, value: target.value, reentry: false, read_only };
            (frame, world.state.clone(), entry)
        });
        let caller = frame.caller;
        match entry {
            Some(entry) => run(frame, Some(caller), entry, input, before),
            None => Err((CallError::NotCallable, Vec::new())),
        }
    }

    pub(crate) fn delegate_call(code: &[u8; 32], input: &[u8]) -> Ended {
        let (frame, before, entry) = world(|world| {
            let entry = world.codes.get(&Hash(*code)).map(|entries| entries.1);
            (world.frame().clone(), world.state.clone(), entry)
        });
        match entry {
            Some(entry) => run(Frame { reentry: false, ..frame }, None, entry, input, before),
            None => Err((CallError::CodeNotFound, Vec::new())),
        }
    }

    pub(crate) fn instantiate(deploy: &Deploy, input: &[u8]) -> ([u8; 32], Ended) {
        let (frame, before, entry) = world(|world| {
            world.writable();
            let caller = world.frame().address;
            // As docs/format.md §4 has it.
            let parts = (*b"contract_addr_v1", caller, deploy.code, input, &deploy.salt[..]);
            let address = AccountId(blake2_256(&parts.encode()));
            let entry = world.codes.get(&deploy.code).map(|entries| entries.0);
            let before = world.state.clone();
            if entry.is_some() {
                let other = world.state.contracts.insert(address, deploy.code);
                assert!(other.is_none(), "there is a contract at this address already");
            }
            (Frame { address, caller, value: deploy.value, reentry: false, read_only: false }, before, entry)
        });
        let (address, caller) = (frame.address.0, frame.caller);
        match entry {
            Some(entry) => (address, run(frame, Some(caller), entry, input, before)),
            None => (address, Err((CallError::CodeNotFound, Vec::new()))),
        }
    }
}
