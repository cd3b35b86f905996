//! A state with the flipper and an ERC-20 token deployed, and messages to them.

use std::sync::Arc;
use unfork_engine::{
    Action, Address, BlockContext, ChainSpec, Engine, Environment, Hash, Message, Outcome, ProfileId, execute_message,
    genesis,
};
use unfork_state::{ChangeSet, EmptyView, Layer, StateView};

const ALICE: [u8; 32] = [0xa1; 32];
const BOB: [u8; 32] = [0xb0; 32];

/// The state, and where the contracts are.
pub struct Deployed {
    /// Chain and block.
    pub environment: Environment,
    /// The state.
    pub view: Arc<dyn StateView>,
    /// A call of the flipper's `get`: one read.
    pub flipper_get: Message,
    /// A call of the token's `transfer`: two reads, two writes, an event.
    pub erc20_transfer: Message,
}

impl Deployed {
    /// Uploads and instantiates both.
    ///
    /// # Panics
    /// When a message does not succeed.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        let spec = ChainSpec::released("bench", 0, vec![(ALICE.into(), 1_000_000)]).expect("a good specification");
        let (changes, _) = genesis(&spec).expect("a genesis");
        let environment = Environment::new(Arc::new(spec), BlockContext { height: 1, time: 1 });
        let mut state = State { engine, environment, changes };
        let new = [0x9b, 0xae, 0x9d, 0x5e];
        let flipper = state.deploy(include_bytes!("../../contracts/fixtures/ink-5.1/flipper.wasm"), &new, &[1]);
        let supply = 1_000_000_000_u128.to_le_bytes();
        let erc20 = state.deploy(include_bytes!("../../contracts/fixtures/ink-5.1/erc20.wasm"), &new, &supply);
        let get = vec![0x2f, 0x86, 0x5b, 0xd9];
        let transfer = [[0x84, 0xa1, 0x5d, 0xa1].as_slice(), &BOB, &1_u128.to_le_bytes()].concat();
        let flipper_get = message(Action::Call { contract: flipper, input: get });
        let erc20_transfer = message(Action::Call { contract: erc20, input: transfer });
        let view = state.view();
        Self { environment: state.environment, view, flipper_get, erc20_transfer }
    }

    /// Executes a message on this state, which stays as it is.
    ///
    /// # Panics
    /// When it does not succeed.
    #[must_use]
    pub fn run(&self, engine: &Engine, message: &Message) -> (Outcome, ChangeSet) {
        let executed = execute_message(engine, &self.environment, Arc::clone(&self.view), message);
        let (outcome, changes) = executed.expect("no fault");
        assert!(outcome.status.is_success(), "{outcome:?}");
        (outcome, changes)
    }
}

struct State<'a> {
    engine: &'a Engine,
    environment: Environment,
    changes: ChangeSet,
}

impl State<'_> {
    fn deploy(&mut self, code: &[u8], selector: &[u8], arguments: &[u8]) -> Address {
        let uploaded = self.run(Action::Upload { profile: ProfileId::Seal, code: code.to_vec() });
        let code_hash = Hash::try_from(uploaded.output).expect("a code hash");
        let input = [selector, arguments].concat();
        let created = self.run(Action::Instantiate { code_hash, input, salt: Vec::new() });
        created.created.expect("an address")
    }

    fn run(&mut self, action: Action) -> Outcome {
        let executed = execute_message(self.engine, &self.environment, self.view(), &message(action));
        let (outcome, changes) = executed.expect("no fault");
        assert!(outcome.status.is_success(), "{outcome:?}");
        self.changes = ChangeSet::merge(std::mem::take(&mut self.changes), changes);
        outcome
    }

    fn view(&self) -> Arc<dyn StateView> {
        Arc::new(Layer { base: Arc::new(EmptyView), changes: Arc::new(self.changes.clone()) })
    }
}

fn message(action: Action) -> Message {
    Message { caller: ALICE.into(), value: 0, gas_limit: 10_000_000_000, action }
}
