//! cosmwasm-vm with its own compiler, singlepass, and its mock storage: a map in memory without a journal. Each call takes
//! the module from the cache in memory, makes an instance and gives storage back, as wasmvm does.

use cosmwasm_std::{Checksum, to_json_vec};
use cosmwasm_vm::testing::{MockApi, MockQuerier, MockStorage, mock_backend, mock_env, mock_info};
use cosmwasm_vm::{
    Backend, Cache, CacheOptions, InstanceOptions, Size, call_execute_raw, call_instantiate_raw, capabilities_from_csv,
};
use unfork_benches::token::{COSMWASM_TOKEN, HOLDERS, Work, c_input};

const OPTIONS: InstanceOptions = InstanceOptions { gas_limit: 20_000_000_000_000 };

/// The virtual machine with the C token deployed and held.
pub struct CosmWasm {
    cache: Cache<MockApi, MockStorage, MockQuerier>,
    token: Checksum,
    /// Invariant: present between calls.
    backend: Option<Backend<MockApi, MockStorage, MockQuerier>>,
    env: Vec<u8>,
    info: Vec<u8>,
    turn: u64,
    _directory: tempfile::TempDir,
}

impl CosmWasm {
    /// Deploys the token and gives each holder some.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let capabilities = capabilities_from_csv("");
        let options = CacheOptions::new(directory.path(), capabilities, Size::mebi(200), Size::mebi(64));
        // SAFETY: the directory is new and nobody else's, so what the cache finds there is what it has put there.
        let cache = unsafe { Cache::new(options) }.expect("a cache");
        let token = cache.store_code(COSMWASM_TOKEN, true, true).expect("code that is accepted");
        let sender = MockApi::default().addr_make("sender");
        let env = to_json_vec(&mock_env()).expect("JSON");
        let info = to_json_vec(&mock_info(&sender, &[])).expect("JSON");
        let mut instance = cache.get_instance(&token, mock_backend(&[]), OPTIONS).expect("an instance");
        let answer = call_instantiate_raw(&mut instance, &env, &info, b"{}").expect("an answer");
        assert!(answer.starts_with(b"{\"ok\""));
        let backend = instance.recycle();
        let mut machine = Self { cache, token, backend, env, info, turn: 0, _directory: directory };
        for _ in 0..HOLDERS {
            machine.run(Work::Transfer, 1);
        }
        machine
    }

    /// Calls of the token, each in an instance of its own.
    pub fn run(&mut self, work: Work, count: u32) {
        for _ in 0..count {
            let backend = self.backend.take().expect("the storage");
            let mut instance = self.cache.get_instance(&self.token, backend, OPTIONS).expect("an instance");
            let input = c_input(work, self.turn);
            let answer = call_execute_raw(&mut instance, &self.env, &self.info, &input).expect("an answer");
            assert!(answer.starts_with(b"{\"ok\""));
            self.backend = instance.recycle();
            self.turn += 1;
        }
    }
}
