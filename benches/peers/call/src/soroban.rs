//! Soroban's host, as its validators call it: a new host for each transaction, module from the cache, everything else in and
//! out as XDR. The transactions' bytes are made before the clock runs; what a transaction changed goes back into the ledger.

use sha2::{Digest, Sha256};
use soroban_env_host::budget::Budget;
use soroban_env_host::e2e_invoke::{TtlLedgerEntryMeta, invoke_host_function};
use soroban_env_host::storage::Storage;
use soroban_env_host::xdr::{
    AccountId, ContractCodeEntry, ContractCodeEntryExt, ContractDataDurability, ContractDataEntry, ContractExecutable,
    ContractId, ExtensionPoint, Hash, HostFunction, InvokeContractArgs, LedgerEntry, LedgerEntryData, LedgerEntryExt,
    LedgerFootprint, LedgerKey, LedgerKeyContractCode, LedgerKeyContractData, Limits, PublicKey, ScAddress,
    ScContractInstance, ScVal, SorobanResources, Uint256, WriteXdr,
};
use soroban_env_host::{Host, LedgerInfo, ModuleCache};
use std::collections::HashMap;
use unfork_benches::token::{HOLDERS, holder};

const WASM: &[u8] = include_bytes!("soroban/token.wasm");
const LEDGER: u32 = 1_000_000;
const SENDER: [u8; 20] = [1; 20];
/// What the sender holds at first.
const SUPPLY: u64 = 1 << 50;
const CONTRACT: ScAddress = ScAddress::Contract(ContractId(Hash([7; 32])));

/// A ledger with the token and its holders.
pub struct Soroban {
    cache: ModuleCache,
    entries: HashMap<Vec<u8>, Vec<u8>>,
    made: u64,
    moved: u64,
}

/// A transaction as it reaches the host.
pub struct Sent {
    function: Vec<u8>,
    resources: Vec<u8>,
    /// The keys of its footprint.
    keys: Vec<Vec<u8>>,
}

impl Soroban {
    pub fn new() -> Self {
        let host = Host::with_storage_and_budget(Storage::default(), Budget::default());
        host.set_ledger_info(ledger()).expect("a ledger");
        let cache = ModuleCache::new(&host).expect("a cache");
        cache.parse_and_cache_module_simple(&host, ledger().protocol_version, WASM).expect("a good module");
        let code = LedgerEntryData::ContractCode(ContractCodeEntry {
            ext: ContractCodeEntryExt::V0,
            hash: code_hash(),
            code: WASM.try_into().expect("a small module"),
        });
        let instance = ScContractInstance { executable: ContractExecutable::Wasm(code_hash()), storage: None };
        let mut entries = HashMap::from([
            (encoded(&code_key()), entry(code)),
            (
                encoded(&data_key(ScVal::LedgerKeyContractInstance)),
                data(ScVal::LedgerKeyContractInstance, ScVal::ContractInstance(instance)),
            ),
        ]);
        for number in 0..HOLDERS {
            let key = ScVal::Address(account(holder(number)));
            entries.insert(encoded(&data_key(key.clone())), data(key, ScVal::U64(1 << 40)));
        }
        let from = ScVal::Address(account(SENDER));
        entries.insert(encoded(&data_key(from.clone())), data(from, ScVal::U64(SUPPLY)));
        Self { cache, entries, made: 0, moved: 0 }
    }

    /// Transactions that do nothing, or that pay each of the holders in turn.
    pub fn transactions(&mut self, transfer: bool, count: u32) -> Vec<Sent> {
        (0..count)
            .map(|_| {
                self.made += 1;
                sent(transfer, self.made)
            })
            .collect()
    }

    /// Carries them out.
    ///
    /// # Panics
    /// When one does not succeed, or when what the sender holds is not what is left.
    pub fn run(&mut self, transactions: &[Sent]) {
        let source = encoded(&AccountId(PublicKey::PublicKeyTypeEd25519(Uint256([1; 32]))));
        for Sent { function, resources, keys } in transactions {
            let ttl = TtlLedgerEntryMeta { live_until_ledger: LEDGER + 1_000_000, entry_size_for_rent: 100 };
            let entries = keys.iter().map(|key| (self.entries.get(key), Some(ttl)));
            let result = invoke_host_function::<&Vec<u8>, _, _>(
                &Budget::default(),
                false,
                function,
                resources,
                &[],
                &source,
                std::iter::empty(),
                ledger(),
                entries.collect::<Vec<_>>().into_iter(),
                &vec![0; 32],
                &mut Vec::new(),
                None,
                Some(self.cache.clone()),
            );
            let result = result.expect("the host works");
            result.encoded_invoke_result.expect("it succeeds");
            self.moved += u64::from(keys.len() > 2);
            let changed = result.ledger_changes.into_iter();
            self.entries.extend(changed.filter_map(|change| Some((change.encoded_key, change.encoded_new_value?))));
        }
        assert_eq!(self.held(), SUPPLY - self.moved, "what the sender holds");
    }

    /// What the sender holds, as the ledger has it.
    fn held(&self) -> u64 {
        let entry = &self.entries[&encoded(&data_key(ScVal::Address(account(SENDER))))];
        // The amount stands before the extension of the entry, which takes four bytes.
        let amount = entry[entry.len() - 12..entry.len() - 4].try_into().expect("eight bytes");
        u64::from_be_bytes(amount)
    }
}

fn sent(transfer: bool, number: u64) -> Sent {
    let mut read_write = Vec::new();
    let (name, args) = if transfer {
        let parties = [account(SENDER), account(holder(number))].map(ScVal::Address);
        read_write.extend(parties.iter().cloned().map(data_key));
        ("transfer", [parties.as_slice(), &[ScVal::U64(1)]].concat())
    } else {
        ("noop", Vec::new())
    };
    let read_only = vec![data_key(ScVal::LedgerKeyContractInstance), code_key()];
    let keys = read_only.iter().chain(&read_write).map(encoded).collect();
    let footprint = LedgerFootprint {
        read_only: read_only.try_into().expect("few keys"),
        read_write: read_write.try_into().expect("few keys"),
    };
    let resources =
        SorobanResources { footprint, instructions: 10_000_000, disk_read_bytes: 10_000, write_bytes: 10_000 };
    let function = HostFunction::InvokeContract(InvokeContractArgs {
        contract_address: CONTRACT,
        function_name: name.try_into().expect("a symbol"),
        args: args.try_into().expect("few arguments"),
    });
    Sent { function: encoded(&function), resources: encoded(&resources), keys }
}

fn ledger() -> LedgerInfo {
    LedgerInfo {
        protocol_version: soroban_env_host::meta::INTERFACE_VERSION.protocol,
        sequence_number: LEDGER,
        timestamp: 1,
        network_id: [5; 32],
        base_reserve: 1,
        min_temp_entry_ttl: 16,
        min_persistent_entry_ttl: 100_000,
        max_entry_ttl: 10_000_000,
    }
}

fn account(address: [u8; 20]) -> ScAddress {
    let mut key = [0; 32];
    key[..20].copy_from_slice(&address);
    ScAddress::Account(AccountId(PublicKey::PublicKeyTypeEd25519(Uint256(key))))
}

fn code_hash() -> Hash {
    Hash(Sha256::digest(WASM).into())
}

fn code_key() -> LedgerKey {
    LedgerKey::ContractCode(LedgerKeyContractCode { hash: code_hash() })
}

fn data_key(key: ScVal) -> LedgerKey {
    let durability = ContractDataDurability::Persistent;
    LedgerKey::ContractData(LedgerKeyContractData { contract: CONTRACT, key, durability })
}

fn data(key: ScVal, val: ScVal) -> Vec<u8> {
    let durability = ContractDataDurability::Persistent;
    entry(LedgerEntryData::ContractData(ContractDataEntry {
        ext: ExtensionPoint::V0,
        contract: CONTRACT,
        key,
        durability,
        val,
    }))
}

fn entry(data: LedgerEntryData) -> Vec<u8> {
    encoded(&LedgerEntry { last_modified_ledger_seq: 0, data, ext: LedgerEntryExt::V0 })
}

fn encoded(value: &impl WriteXdr) -> Vec<u8> {
    value.to_xdr(Limits::none()).expect("small values")
}
