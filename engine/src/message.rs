//! The first layer: execute one message whose caller is already known, and get an outcome and a change set. A node with
//! transactions, accounts and a store of its own needs nothing else.

use crate::call::{Ended, run_frame};
use crate::engine::Engine;
use crate::host::accounts;
use crate::host::call::{InstantiateRequest, call_frame, create, run_constructor};
use crate::host::crypto::blake2_256;
use crate::host::storage::contract as contract_record;
use crate::outcome::{Abort, Fault, Refused, Status};
use crate::profile::ProfileId;
use crate::records::{self, RecordKey};
use crate::rules::Environment;
use crate::session::{Frame, Session};
use crate::trace::TraceEvent;
use crate::types::{Address, Balance, Event, Hash};
use std::sync::Arc;
use unfork_gas::Loading;
use unfork_state::{ChangeSet, Overlay, StateView, Value};

/// Something to execute in the name of `caller`, whom the node has authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// In whose name.
    pub caller: Address,
    /// Moved from the caller to the contract or account that the message is for.
    pub value: Balance,
    /// The most gas it may use; above `transaction_gas_max` counts as that.
    pub gas_limit: u64,
    /// What is to be done.
    pub action: Action,
}

/// What a message asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Store code, so that contracts can be made of it. The value must be 0.
    Upload {
        /// The profile it is written for.
        profile: ProfileId,
        /// The Wasm module, as the toolchain built it.
        code: Vec<u8>,
    },
    /// Create a contract and run its constructor.
    Instantiate {
        /// BLAKE2b-256 of uploaded code.
        code_hash: Hash,
        /// Input of the constructor.
        input: Vec<u8>,
        /// Tells apart contracts of the same creator, code and input.
        salt: Vec<u8>,
    },
    /// Call a contract.
    Call {
        /// The contract.
        contract: Address,
        /// Input of the call.
        input: Vec<u8>,
    },
    /// Only move the value.
    Transfer {
        /// To whom.
        to: Address,
    },
}

/// What a message came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// Gas it used, at most its limit.
    pub gas_used: u64,
    /// The output of the contract; for an upload, the code hash.
    pub output: Vec<u8>,
    /// The contract that was created, after a successful instantiation.
    pub created: Option<Address>,
    /// Events of all frames that were not rolled back, in order.
    pub events: Vec<Event>,
    /// Bytes of state that its frames have changed, failed ones included, as `changed_bytes_max` counts them, and of code that
    /// it brought; a block's total is bounded.
    pub changed_bytes: u64,
    /// What was watched, when asked for; local to the node.
    pub trace: Vec<TraceEvent>,
}

/// Executes `message` on the state `view`. Changes come back as a set; the view stays as it is.
///
/// # Errors
/// A fault of the node; then there is no outcome.
pub fn execute_message(
    engine: &Engine,
    environment: &Environment,
    view: Arc<dyn StateView>,
    message: &Message,
) -> Result<(Outcome, ChangeSet), Fault> {
    let overlay = Overlay::new(view);
    let (overlay, result) = run_message(engine, environment, environment.gas_price, overlay, message.clone());
    Ok((result?, overlay.into_changes()))
}

/// Executes `message`, of a transaction with this gas price, in the middle of a block's journal, which comes back whatever
/// happens. After a fault it holds changes of half a message, and must be rolled back.
pub(crate) fn run_message(
    engine: &Engine,
    environment: &Environment,
    gas_price: Balance,
    overlay: Overlay,
    message: Message,
) -> (Overlay, Result<Outcome, Fault>) {
    let gas_limit = message.gas_limit.min(environment.rules().limits().transaction_gas_max);
    let session = Box::new(Session::new(
        Arc::clone(&engine.machine),
        environment,
        message.caller.clone(),
        gas_price,
        gas_limit,
        overlay,
    ));
    let uploaded = match &message.action {
        Action::Upload { code, .. } => u64::try_from(code.len()).unwrap_or(u64::MAX),
        _ => 0,
    };
    let (session, result) = dispatch(session, message);
    let written = session.limits().changed_bytes_max.saturating_sub(session.budgets.changed_bytes);
    let Session { overlay, gas, events, trace, .. } = *session;
    let outcome = result.map(|done| Outcome {
        status: done.status,
        gas_used: gas_limit.saturating_sub(gas.available()),
        output: done.output,
        created: done.created,
        events,
        changed_bytes: written.saturating_add(uploaded),
        trace: trace.into_events(),
    });
    (overlay, outcome)
}

/// In whose name, and what comes along.
struct Sender {
    caller: Address,
    value: Balance,
}

/// The part of an outcome that depends on the action.
struct Done {
    status: Status,
    output: Vec<u8>,
    created: Option<Address>,
}

impl Done {
    fn ended(ended: Ended) -> Self {
        Self { status: ended.status, output: ended.output, created: None }
    }

    fn stopped(status: Status) -> Self {
        Self { status, output: Vec::new(), created: None }
    }
}

impl From<Refused> for Done {
    fn from(refused: Refused) -> Self {
        Self::stopped(Status::Refused(refused))
    }
}

fn dispatch(mut session: Box<Session>, message: Message) -> (Box<Session>, Result<Done, Fault>) {
    let start = session.begin();
    let Message { caller, value, gas_limit: _, action } = message;
    let from = Sender { caller, value };
    let (mut session, result) = match action {
        Action::Upload { profile, code } => {
            let result = upload(&mut session, &from, profile, &code);
            (session, result)
        }
        Action::Transfer { to } => {
            let result = transfer(&mut session, &from, &to);
            (session, result)
        }
        Action::Call { contract, input } => call(session, &from, contract, input),
        Action::Instantiate { code_hash, input, salt } => {
            instantiate(session, InstantiateRequest { code_hash, value, input, salt, gas: 0 }, &from)
        }
    };
    let result = match result {
        Ok(done) => Ok(done),
        Err(Abort::Stop(status)) => {
            session.roll_back(start);
            if status == Status::OutOfGas {
                session.gas.left = 0;
            }
            Ok(Done::stopped(status))
        }
        Err(Abort::Fault(fault)) => Err(fault),
    };
    (session, result)
}

/// Admits code and stores it with its record. The same code again, under the same profile, is no failure.
fn upload(session: &mut Session, from: &Sender, profile: ProfileId, code: &[u8]) -> Result<Done, Abort> {
    let prices = session.prices();
    let (base, each) = (prices.upload_base, prices.upload_byte);
    session.gas.charge_linear(base, each, code.len())?;
    if !session.rules.profiles().contains(&profile) {
        return Ok(Refused::UnknownProfile.into());
    }
    let rules = Arc::clone(&session.rules);
    let admitted = unfork_gas::admit(code, rules.schedule(), rules.limits(), &profile.for_admission(rules.version()));
    let Loading { bytes, items, values, growth } = match admitted {
        Ok(admitted) => admitted.loading(),
        Err(refusal) => return Ok(Refused::Code(refusal.code.number()).into()),
    };
    let hash = blake2_256(code);
    let known: Option<records::Code> = records::get(&mut session.overlay, RecordKey::Code(&hash))?;
    match known {
        Some(known) if known.profile != profile.number() => return Ok(Refused::OtherProfile.into()),
        Some(_) => {}
        None => {
            let record = records::Code {
                profile: profile.number(),
                admitted: rules.version(),
                bytes,
                items,
                values,
                growth,
                uploader: from.caller.clone(),
                deposit: 0,
            };
            records::put(&mut session.overlay, RecordKey::Code(&hash), &record);
            session.overlay.put(RecordKey::CodeBytes(&hash).key(), Value::from(code));
        }
    }
    Ok(Done { status: Status::Returned, output: hash.to_vec(), created: None })
}

fn transfer(session: &mut Session, from: &Sender, to: &Address) -> Result<Done, Abort> {
    let price = session.prices().transfer_base;
    session.gas.charge(price)?;
    let moved = accounts::transfer_counted(session, &from.caller, to, from.value)?;
    Ok(match moved {
        Ok(()) => Done::stopped(Status::Returned),
        Err(error) => Refused::from(error).into(),
    })
}

/// What any message that starts a contract must satisfy.
fn check(session: &mut Session, from: &Sender, input: &[u8]) -> Result<Result<(), Refused>, Abort> {
    if u64::try_from(input.len()).unwrap_or(u64::MAX) > session.limits().input_bytes_max {
        return Ok(Err(Refused::InputTooLong));
    }
    if from.value > 0 && accounts::account(&mut session.overlay, &from.caller)?.balance < from.value {
        return Ok(Err(Refused::InsufficientBalance));
    }
    Ok(Ok(()))
}

/// Whether the profile of a code can work with this caller.
fn check_profile(session: &mut Session, code_hash: &Hash, caller: &Address) -> Result<Result<(), Refused>, Abort> {
    let Some(met) = session.code(code_hash)? else { return Ok(Err(Refused::CodeNotFound)) };
    let length = ProfileId::from_number(met.code.profile).and_then(ProfileId::address_length);
    let fits = length.is_none_or(|length| length == caller.as_bytes().len());
    Ok(if fits { Ok(()) } else { Err(Refused::AddressLength) })
}

type Ran = (Box<Session>, Result<Done, Abort>);

fn call(mut session: Box<Session>, from: &Sender, contract: Address, input: Vec<u8>) -> Ran {
    let planned = plan_call(&mut session, from, contract, input);
    let frame = match planned {
        Ok(Ok(frame)) => frame,
        Ok(Err(refused)) => return (session, Ok(refused.into())),
        Err(abort) => return (session, Err(abort)),
    };
    let gas = session.gas.available();
    let (session, result) = run_frame(session, frame, gas);
    (session, result.map(Done::ended).map_err(Abort::Fault))
}

fn plan_call(
    session: &mut Session,
    from: &Sender,
    contract: Address,
    input: Vec<u8>,
) -> Result<Result<Frame, Refused>, Abort> {
    let base = session.prices().call_base;
    session.gas.charge(base)?;
    if let Err(refused) = check(session, from, &input)? {
        return Ok(Err(refused));
    }
    let Some(record) = contract_record(session, &contract)? else {
        return Ok(Err(Refused::ContractNotFound));
    };
    if let Err(refused) = check_profile(session, &record.code_hash, &from.caller)? {
        return Ok(Err(refused));
    }
    Ok(Ok(call_frame(&record, contract, from.caller.clone(), from.value, input, false)?))
}

fn instantiate(mut session: Box<Session>, request: InstantiateRequest, from: &Sender) -> Ran {
    let frame = match plan_instantiate(&mut session, request, from) {
        Ok(Ok(frame)) => frame,
        Ok(Err(refused)) => return (session, Ok(refused.into())),
        Err(abort) => return (session, Err(abort)),
    };
    let created = frame.contract.clone();
    let gas = session.gas.available();
    let (session, result) = run_constructor(session, frame, gas);
    let done = result.map(|ended| {
        let created = ended.status.is_success().then_some(created);
        Done { created, ..Done::ended(ended) }
    });
    (session, done.map_err(Abort::Fault))
}

fn plan_instantiate(
    session: &mut Session,
    request: InstantiateRequest,
    from: &Sender,
) -> Result<Result<Frame, Refused>, Abort> {
    let base = session.prices().instantiate_base;
    session.gas.charge(base)?;
    if u64::try_from(request.salt.len()).unwrap_or(u64::MAX) > session.limits().salt_bytes_max {
        return Ok(Err(Refused::SaltTooLong));
    }
    if let Err(refused) = check(session, from, &request.input)? {
        return Ok(Err(refused));
    }
    if let Err(refused) = check_profile(session, &request.code_hash, &from.caller)? {
        return Ok(Err(refused));
    }
    create(session, from.caller.clone(), request)
}
