//! Contracts calling, creating, ending and replacing contracts.

use crate::call::{Ended, run_frame};
use crate::host::accounts::{account, transfer_counted};
use crate::host::crypto::blake2_256;
use crate::host::storage::{contract, set_contract, spend_contract};
use crate::outcome::{Abort, Budget, Fault, Refused, Status, Trap};
use crate::records::{self, Contract, RecordKey};
use crate::session::{Frame, FrameKind, Reply, Session, spend};
use crate::trace::TraceEvent;
use crate::types::{Address, Balance, Hash};
use parity_scale_codec::{Compact, Encode};
use unfork_state::{Space, Value};

/// A call of a contract at an address.
pub(crate) struct CallRequest {
    pub callee: Address,
    pub value: Balance,
    pub input: Vec<u8>,
    /// 0: all that is left; more than is left: all that is left.
    pub gas: u64,
    pub read_only: bool,
    /// Whether the callee, and what it calls, may call the caller again.
    pub allow_reentry: bool,
}

/// A new contract.
pub(crate) struct InstantiateRequest {
    pub code_hash: Hash,
    pub value: Balance,
    pub input: Vec<u8>,
    pub salt: Vec<u8>,
    pub gas: u64,
}

/// A frame that is about to run, or the reason why none will.
pub(crate) type Planned = Result<(Frame, u64), Refused>;

/// Prepares a call by the contract that runs.
pub(crate) fn plan_call(session: &mut Session, request: CallRequest) -> Result<Planned, Abort> {
    let base = session.prices().call_base;
    session.gas.charge(base)?;
    check_input(session, &request.input)?;
    session.check_depth()?;
    let caller = session.frame()?.contract.clone();
    let read_only = session.frame()?.read_only || request.read_only;
    if read_only && request.value > 0 {
        return Err(Trap::StateChangeDenied.into());
    }
    session.frame_mut()?.allow_reentry = request.allow_reentry;
    check_reentry(session, &request.callee)?;
    let Some(record) = contract(session, &request.callee)? else { return Ok(Err(Refused::ContractNotFound)) };
    if request.value > 0 && account(&mut session.overlay, &caller)?.balance < request.value {
        return Ok(Err(Refused::InsufficientBalance));
    }
    let gas = sub_limit(session, request.gas);
    let frame = call_frame(&record, request.callee, caller, request.value, request.input, read_only)?;
    Ok(Ok((frame, gas)))
}

/// The frame of a call, whoever makes it.
pub(crate) fn call_frame(
    record: &Contract,
    callee: Address,
    caller: Address,
    value: Balance,
    input: Vec<u8>,
    read_only: bool,
) -> Result<Frame, Abort> {
    Ok(Frame {
        kind: FrameKind::Call,
        code_hash: record.code_hash,
        storage: Space::storage(callee.as_bytes(), record.incarnation)?,
        contract: callee,
        caller,
        value,
        input: Some(input),
        output: Vec::new(),
        read_only,
        allow_reentry: true,
        queue: Vec::new(),
        reply: None,
        scans: Vec::new(),
        memory_pages: 0,
        counts_changed: false,
    })
}

/// Prepares foreign code to run over the storage of the contract that runs.
pub(crate) fn plan_delegate(session: &mut Session, code_hash: Hash, input: Vec<u8>) -> Result<Planned, Abort> {
    let base = session.prices().delegate_base;
    session.gas.charge(base)?;
    check_input(session, &input)?;
    session.check_depth()?;
    if session.code(&code_hash)?.is_none() {
        return Ok(Err(Refused::CodeNotFound));
    }
    let gas = session.gas.available();
    let frame = session.frame()?;
    let delegate = Frame {
        kind: FrameKind::Delegate,
        contract: frame.contract.clone(),
        code_hash,
        storage: frame.storage.clone(),
        caller: frame.caller.clone(),
        value: frame.value,
        input: Some(input),
        output: Vec::new(),
        read_only: frame.read_only,
        allow_reentry: true,
        queue: Vec::new(),
        reply: None,
        scans: Vec::new(),
        memory_pages: 0,
        counts_changed: false,
    };
    Ok(Ok((delegate, gas)))
}

/// Prepares telling the contract that runs what became of a message of its queue.
pub(crate) fn plan_reply(session: &mut Session, reply: Reply) -> Result<(Frame, u64), Abort> {
    let base = session.prices().call_base;
    session.gas.charge(base)?;
    session.check_depth()?;
    let gas = session.gas.available();
    let frame = session.frame()?;
    let told = Frame {
        kind: FrameKind::Reply,
        contract: frame.contract.clone(),
        code_hash: frame.code_hash,
        storage: frame.storage.clone(),
        caller: frame.caller.clone(),
        value: 0,
        input: None,
        output: Vec::new(),
        read_only: frame.read_only,
        allow_reentry: true,
        queue: Vec::new(),
        reply: Some(Box::new(reply)),
        scans: Vec::new(),
        memory_pages: 0,
        counts_changed: false,
    };
    Ok((told, gas))
}

/// Prepares the creation of a contract by the contract that runs.
pub(crate) fn plan_instantiate(session: &mut Session, request: InstantiateRequest) -> Result<Planned, Abort> {
    session.require_writable()?;
    let base = session.prices().instantiate_base;
    session.gas.charge(base)?;
    check_input(session, &request.input)?;
    if u64::try_from(request.salt.len()).unwrap_or(u64::MAX) > session.limits().salt_bytes_max {
        return Err(Trap::SaltTooLong.into());
    }
    session.check_depth()?;
    let creator = session.frame()?.contract.clone();
    if request.value > 0 && account(&mut session.overlay, &creator)?.balance < request.value {
        return Ok(Err(Refused::InsufficientBalance));
    }
    let gas = sub_limit(session, request.gas);
    Ok(create(session, creator, request)?.map(|frame| (frame, gas)))
}

/// Makes the record of a new contract and the frame of its constructor. To be undone when the constructor fails.
pub(crate) fn create(
    session: &mut Session,
    creator: Address,
    request: InstantiateRequest,
) -> Result<Result<Frame, Refused>, Abort> {
    let InstantiateRequest { code_hash, value, input, salt, .. } = request;
    if session.code(&code_hash)?.is_none() {
        return Ok(Err(Refused::CodeNotFound));
    }
    let address = contract_address(&creator, &code_hash, &input, &salt);
    if contract(session, &address)?.is_some() {
        return Ok(Err(Refused::DuplicateContract));
    }
    spend_contract(session)?;
    let incarnation = records::get(&mut session.overlay, RecordKey::NextIncarnation(&address))?.unwrap_or(0u64);
    let record = Contract { code_hash, incarnation, items: 0, bytes: 0, deposit: 0, payer: creator.clone() };
    let mut frame = call_frame(&record, address, creator, value, input, false)?;
    frame.kind = FrameKind::Deploy;
    Ok(Ok(frame))
}

/// The address of a contract: BLAKE2b-256 of a tag, the creator, the code hash, input and salt; the last two with
/// their compact lengths, so that no two requests give the same bytes. (pallet-contracts, `AddressGenerator`.)
pub fn contract_address(creator: &Address, code_hash: &Hash, input: &[u8], salt: &[u8]) -> Address {
    let mut bytes = b"contract_addr_v1".to_vec();
    bytes.extend_from_slice(creator.as_bytes());
    bytes.extend_from_slice(code_hash);
    for part in [input, salt] {
        Compact(u64::try_from(part.len()).unwrap_or(u64::MAX)).encode_to(&mut bytes);
        bytes.extend_from_slice(part);
    }
    blake2_256(&bytes).into()
}

/// Runs a constructor: the contract's record exists while it runs, and is gone again when it fails.
pub(crate) fn run_constructor(
    mut session: Box<Session>,
    frame: Frame,
    gas: u64,
) -> (Box<Session>, Result<Ended, Fault>) {
    let start = session.begin();
    if let Err(fault) = register(&mut session, &frame) {
        return (session, Err(fault));
    }
    let (mut session, result) = run_frame(session, frame, gas);
    if result.as_ref().is_ok_and(|ended| !ended.status.is_success()) {
        session.roll_back(start);
    }
    (session, result)
}

fn register(session: &mut Session, frame: &Frame) -> Result<(), Fault> {
    let address = &frame.contract;
    let overlay = &mut session.overlay;
    let incarnation: u64 = records::get(overlay, RecordKey::NextIncarnation(address))?.unwrap_or(0);
    let next = incarnation.checked_add(1).ok_or_else(|| Fault::internal("2^64 contracts at one address"))?;
    records::put(overlay, RecordKey::NextIncarnation(address), &next);
    let record = Contract {
        code_hash: frame.code_hash,
        incarnation,
        items: 0,
        bytes: 0,
        deposit: 0,
        payer: frame.caller.clone(),
    };
    records::put(overlay, RecordKey::Contract(address), &record);
    if let Some(mut chain) = records::get::<records::Chain>(overlay, RecordKey::Chain)? {
        chain.instantiations = chain.instantiations.saturating_add(1);
        records::put(overlay, RecordKey::Chain, &chain);
    }
    Ok(())
}

/// Ends the contract that runs: its balance goes to `beneficiary`, its record is removed, its storage becomes
/// unreachable at once and is swept later.
pub(crate) fn terminate(session: &mut Session, beneficiary: &Address) -> Result<(), Abort> {
    session.require_writable()?;
    let base = session.prices().terminate_base;
    session.gas.charge(base)?;
    let frame = session.frame()?;
    let address = frame.contract.clone();
    if frame.kind != FrameKind::Call || frames_of(session, &address) > 1 {
        return Err(Trap::TerminateDenied.into());
    }
    let record = contract(session, &address)?.ok_or_else(|| Fault::internal("a frame without its contract"))?;
    spend_contract(session)?;
    let balance = account(&mut session.overlay, &address)?.balance;
    transfer_counted(session, &address, beneficiary, balance)?
        .map_err(|error| Abort::Stop(Status::Refused(error.into())))?;
    session.note(|contract| TraceEvent::Terminated {
        contract: contract.clone(),
        beneficiary: beneficiary.clone(),
        value: balance,
    });
    session.overlay.remove(&RecordKey::Contract(&address).key());
    let dependencies = RecordKey::Dependencies(&address).key();
    if session.overlay.length(&dependencies)?.is_some() {
        session.overlay.remove(&dependencies);
    }
    if record.items > 0 {
        session.overlay.put(RecordKey::Swept(&address, record.incarnation).key(), Value::from([]));
    }
    Err(Abort::Stop(Status::Returned))
}

/// Lets the contract that runs use other code from its next call on; this call goes on with the old.
pub(crate) fn set_code(session: &mut Session, code_hash: Hash) -> Result<Result<(), Refused>, Abort> {
    session.require_writable()?;
    let base = session.prices().set_code_base;
    session.gas.charge(base)?;
    if session.code(&code_hash)?.is_none() {
        return Ok(Err(Refused::CodeNotFound));
    }
    spend_contract(session)?;
    let address = session.frame()?.contract.clone();
    let record = contract(session, &address)?.ok_or_else(|| Fault::internal("a frame without its contract"))?;
    set_contract(session, &address, &Contract { code_hash, ..record });
    session.note(|contract| TraceEvent::CodeReplaced { contract: contract.clone(), code_hash });
    Ok(Ok(()))
}

/// Codes that one contract may depend on.
const DEPENDENCIES_MAX: usize = 32;

/// Notes that the contract that runs depends on a code. Codes are never removed, so a note is all it is; what the
/// original refuses is refused.
pub(crate) fn lock_dependency(session: &mut Session, code_hash: Hash) -> Result<(), Abort> {
    let (address, mut held) = dependencies(session)?;
    let exists = session.code(&code_hash)?.is_some();
    let own = session.frame()?.code_hash == code_hash;
    match held.binary_search(&code_hash) {
        Err(place) if exists && !own && held.len() < DEPENDENCIES_MAX => held.insert(place, code_hash),
        _ => return Err(Trap::DelegateDependency.into()),
    }
    records::put(&mut session.overlay, RecordKey::Dependencies(&address), &held);
    Ok(())
}

/// Takes back what [`lock_dependency`] noted.
pub(crate) fn unlock_dependency(session: &mut Session, code_hash: &Hash) -> Result<(), Abort> {
    let (address, mut held) = dependencies(session)?;
    let place = held.binary_search(code_hash).map_err(|_| Trap::DelegateDependency)?;
    held.remove(place);
    if held.is_empty() {
        session.overlay.remove(&RecordKey::Dependencies(&address).key());
    } else {
        records::put(&mut session.overlay, RecordKey::Dependencies(&address), &held);
    }
    Ok(())
}

/// What the contract that runs depends on, to be changed: charged as the replacement of a stored value of 32 bytes.
fn dependencies(session: &mut Session) -> Result<(Address, Vec<Hash>), Abort> {
    session.require_writable()?;
    let prices = session.prices();
    let price = prices.storage_read_base.saturating_add(prices.storage_write_base);
    let each = prices.storage_write_byte;
    session.gas.charge_linear(price, each, 32)?;
    spend(&mut session.budgets.changed_bytes, 32, Budget::ChangedBytes)?;
    let address = session.frame()?.contract.clone();
    let held = records::get(&mut session.overlay, RecordKey::Dependencies(&address))?;
    Ok((address, held.unwrap_or_default()))
}

/// How many frames on the stack belong to `address`; delegate calls do not count, they are their caller's.
pub(crate) fn frames_of(session: &Session, address: &Address) -> usize {
    session.frames.iter().filter(|frame| frame.kind != FrameKind::Delegate && frame.contract == *address).count()
}

fn sub_limit(session: &Session, wanted: u64) -> u64 {
    let available = session.gas.available();
    if wanted == 0 { available } else { wanted.min(available) }
}

fn check_input(session: &Session, input: &[u8]) -> Result<(), Abort> {
    let length = u64::try_from(input.len()).unwrap_or(u64::MAX);
    if length > session.limits().input_bytes_max { Err(Trap::InputTooLong.into()) } else { Ok(()) }
}

/// A contract on the stack may be entered again only when each frame of its own has allowed that in the call it is
/// making; calling oneself counts. (pallet-contracts, `allows_reentry`.)
fn check_reentry(session: &Session, callee: &Address) -> Result<(), Abort> {
    let denied = session.frames.iter().any(|frame| frame.contract == *callee && !frame.allow_reentry);
    if denied { Err(Trap::ReentranceDenied.into()) } else { Ok(()) }
}
