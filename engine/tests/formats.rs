//! The encodings that docs/format.md describes, as fixed vectors in `vectors.txt`; `BLESS=1` rewrites the file, and the
//! difference is a consensus change.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::disallowed_methods)]

mod chain;

use parity_scale_codec::{DecodeAll, Encode};
use sha3::Digest;
use std::fmt::Write;
use std::path::Path;
use unfork_engine::{
    Account, Address, Block, Budget, Chain, ChainSpec, Code, Contract, Event, ExtensionFunction, Format, Header,
    Payload, ProfileId, Receipt, RecordKey, Refused, Rules, Status, StoredBlock, Transaction, Trap, contract_address,
    list_proof, list_root,
};

fn transaction(payload: Payload) -> Transaction {
    Transaction {
        format: Format::V1,
        chain_id: [0x11; 32],
        sender: Address::from([0x22; 32]),
        nonce: 3,
        gas_limit: 5_000_000,
        gas_price: 7,
        payload,
        authentication: vec![0xaa, 0xbb],
    }
}

fn payloads() -> Vec<(&'static str, Payload)> {
    let to = Address::new(&[0x33; 20]).expect("an address");
    vec![
        ("upload", Payload::Upload { profile: ProfileId::Seal, code: b"\0asm\x01\0\0\0".to_vec() }),
        ("instantiate", Payload::Instantiate { code_hash: [0x44; 32], value: 9, input: vec![1, 2], salt: vec![5] }),
        ("call", Payload::Call { contract: [0x55; 32].into(), value: 1, input: vec![6, 7, 8, 9] }),
        ("transfer", Payload::Transfer { to, value: 1_000_000 }),
    ]
}

fn receipt() -> Receipt {
    let event = |data: &[u8]| Event { contract: [0x55; 32].into(), topics: vec![[0x66; 32]], data: data.to_vec() };
    Receipt {
        status: Status::Returned,
        gas_used: 123_456,
        created: Some([0x77; 32].into()),
        output: vec![0, 1],
        events: vec![event(b"one"), event(b"two")],
    }
}

fn header() -> Header {
    Header {
        format: Format::V1,
        chain_id: [0x11; 32],
        parent: [0x88; 32],
        height: 2,
        time: 1_700_000_000_000_000_000,
        protocol_version: 1,
        transactions_root: [0x99; 32],
        receipts_root: [0xaa; 32],
        state_root: [0xbb; 32],
    }
}

struct Vectors(String);

impl Vectors {
    fn line(&mut self, name: &str, bytes: &[u8]) {
        let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let _ = writeln!(self.0, "{name} {hex}");
    }
}

fn vectors() -> String {
    let mut out = Vectors(String::new());
    for (name, payload) in payloads() {
        let transaction = transaction(payload);
        out.line(&format!("transaction.{name}"), &transaction.encode());
        out.line(&format!("transaction.{name}.hash"), &transaction.hash());
        out.line(&format!("transaction.{name}.signing_hash"), &transaction.signing_hash());
    }
    let receipt = receipt();
    out.line("receipt", &receipt.encode());
    out.line("receipt.summary", &receipt.summary().encode());
    out.line("receipt.event.0", &receipt.events[0].encode());
    out.line("receipt.event.proof.1", &list_proof(&receipt.events, 1).expect("there are two").encode());
    out.line("header", &header().encode());
    out.line("header.id", &header().id());
    let transactions: Vec<_> = payloads().into_iter().map(|(_, payload)| transaction(payload)).collect();
    out.line("transactions.root", &list_root(&transactions));
    let block = Block { header: header(), transactions: transactions[3..].to_vec() };
    out.line("stored_block", &StoredBlock { block, receipts: vec![receipt] }.encode());
    records(&mut out);
    let spec = ChainSpec::new("vectors", 5, vec![([1; 32].into(), 10)], spec_activations()).expect("a specification");
    let pinned = Rules::new(1, chain::spec().rules_at(0).schedule().clone(), unfork_gas::LIMITS_V1, vec![]);
    out.line("rules.schedule.hash", &pinned.schedule().hash());
    out.line("rules.limits.hash", &pinned.limits().hash());
    out.line("rules.hash", &chain::spec().rules_at(0).hash());
    out.line("chain_id", &spec.chain_id());
    out.line("spec.hash", &spec.hash());
    let own = own_spec();
    out.line("extension.hash", &own.extension_hash());
    out.line("chain_id.with_minimum_and_extension", &own.chain_id());
    statuses(&mut out);
    out.0
}

/// The specification of the vectors with a minimum balance and two functions of the chain's own.
fn own_spec() -> ChainSpec {
    let function = |id, since, base, per_byte| ExtensionFunction { id, since, base, per_byte };
    ChainSpec::new("vectors", 5, vec![([1; 32].into(), 10)], spec_activations())
        .and_then(|spec| spec.with_minimum_balance(7))
        .and_then(|spec| spec.with_extension(vec![function(9, 4, 1_000, 2), function(2, 0, 30, 1)]))
        .expect("a specification")
}

/// SCALE, written out: so that what is hashed is what docs/format.md §3 says, and not only what a derive makes of a type.
#[derive(Default)]
struct ByHand(Vec<u8>);

impl ByHand {
    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A compact length of less than 2^14.
    fn count(self, count: usize) -> Self {
        match count {
            0..64 => self.bytes(&[u8::try_from(count * 4).expect("small")]),
            64..16_384 => self.bytes(&u16::try_from(count * 4 + 1).expect("small").to_le_bytes()),
            _ => panic!("no list of the vectors is so long"),
        }
    }

    fn list_of_prices(self, fields: impl Iterator<Item = (&'static str, u64)>) -> Self {
        let fields: Vec<_> = fields.collect();
        fields.iter().fold(self.count(fields.len()), |out, (name, value)| {
            out.count(name.len()).bytes(name.as_bytes()).bytes(&value.to_le_bytes())
        })
    }

    fn hash(self) -> [u8; 32] {
        sha3::Keccak256::digest(self.0).into()
    }

    fn tagged(self, tag: &str) -> [u8; 32] {
        sha3::Keccak256::digest([tag.as_bytes(), &[0], &self.0].concat()).into()
    }
}

#[test]
fn ids_are_what_the_page_says() {
    let rules = Rules::released(1).expect("version 1");
    let schedule = ByHand::default().list_of_prices(rules.schedule().fields()).hash();
    let limits = ByHand::default().list_of_prices(rules.limits().fields()).hash();
    // One profile, number 1.
    let rules = ByHand::default().bytes(&[1, 0, 0, 0]).bytes(&schedule).bytes(&limits).count(1).bytes(&[1]);
    let rules = rules.tagged("unfork/rules");
    let extension = ByHand::default().count(2).bytes(&2u32.to_le_bytes()).bytes(&0u64.to_le_bytes());
    let extension = extension.bytes(&30u64.to_le_bytes()).bytes(&1u64.to_le_bytes()).bytes(&9u32.to_le_bytes());
    let extension = extension.bytes(&4u64.to_le_bytes()).bytes(&1_000u64.to_le_bytes()).bytes(&2u64.to_le_bytes());
    let extension = extension.tagged("unfork/extension");
    let chain_id = |minimum: u128, extension: &[u8; 32]| {
        let chain = ByHand::default().count(7).bytes(b"vectors").bytes(&5u64.to_le_bytes());
        let chain = chain.count(1).count(32).bytes(&[1; 32]).bytes(&10u128.to_le_bytes());
        chain.bytes(&rules).bytes(&minimum.to_le_bytes()).bytes(extension).tagged("unfork/chain")
    };
    let none = ByHand::default().count(0).tagged("unfork/extension");
    let (plain, own) = (chain_id(0, &none), chain_id(7, &extension));
    let spec = ByHand::default().bytes(&plain).count(1).bytes(&0u64.to_le_bytes()).bytes(&rules).tagged("unfork/spec");
    let hashes = [
        ("rules.schedule.hash", schedule),
        ("rules.limits.hash", limits),
        ("rules.hash", rules),
        ("chain_id", plain),
        ("spec.hash", spec),
        ("extension.hash", extension),
        ("chain_id.with_minimum_and_extension", own),
    ];
    let found = vectors();
    for (name, expected) in hashes {
        let mut line = Vectors(String::new());
        line.line(name, &expected);
        assert!(found.contains(&line.0), "{name}: by hand {}", line.0);
    }
}

fn spec_activations() -> Vec<unfork_engine::Activation> {
    let rules = std::sync::Arc::new(Rules::released(1).expect("version 1"));
    vec![unfork_engine::Activation { from_height: 0, rules }]
}

fn records(out: &mut Vectors) {
    let (address, hash) = (Address::from([0x22; 32]), [0x44; 32]);
    let keys = [
        ("chain", RecordKey::Chain),
        ("account", RecordKey::Account(&address)),
        ("contract", RecordKey::Contract(&address)),
        ("code_bytes", RecordKey::CodeBytes(&hash)),
        ("code", RecordKey::Code(&hash)),
        ("next_incarnation", RecordKey::NextIncarnation(&address)),
        ("swept", RecordKey::Swept(&address, 258)),
    ];
    for (name, key) in keys {
        out.line(&format!("record.{name}.key"), key.key().as_bytes());
    }
    out.line("record.chain", &Chain { protocol_version: 1, instantiations: 4 }.encode());
    out.line("record.account", &Account { nonce: 3, balance: 1 << 100 }.encode());
    let payer = address.clone();
    let contract = Contract { code_hash: hash, incarnation: 1, items: 2, bytes: 300, deposit: 0, payer };
    out.line("record.contract", &contract.encode());
    let code = Code {
        profile: 1,
        admitted: 1,
        bytes: 3_066,
        items: 70,
        values: 2_000,
        growth: 15_000,
        uploader: address.clone(),
        deposit: 0,
    };
    out.line("record.code", &code.encode());
    out.line("contract_address", contract_address(&address, &hash, &[1, 2], &[5]).as_bytes());
}

fn statuses(out: &mut Vectors) {
    let refused = [
        Refused::Code(513),
        Refused::CodeNotFound,
        Refused::ContractNotFound,
        Refused::InsufficientBalance,
        Refused::DuplicateContract,
        Refused::InputTooLong,
        Refused::SaltTooLong,
        Refused::AddressLength,
        Refused::OtherProfile,
        Refused::BalanceOverflow,
        Refused::UnknownProfile,
        Refused::BelowMinimum,
    ];
    let statuses = [Status::Returned, Status::Reverted, Status::OutOfGas]
        .into_iter()
        .chain(Trap::ALL.iter().map(|trap| Status::Trapped(*trap)))
        .chain(Budget::ALL.iter().map(|budget| Status::Exhausted(*budget)))
        .chain(refused.map(Status::Refused));
    for status in statuses {
        assert_eq!(Status::decode_all(&mut &status.encode()[..]), Ok(status));
        out.line(&format!("status.{}", status.name()), &status.encode());
    }
}

#[test]
fn encodings_are_pinned() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors.txt");
    let found = vectors();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &found).expect("it can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    for (expected, found) in expected.lines().zip(found.lines()) {
        assert_eq!(expected, found, "vectors.txt: a consensus change; BLESS=1 rewrites it");
    }
    assert_eq!(expected.lines().count(), found.lines().count(), "vectors.txt: lines are missing or left over");
}

#[test]
fn what_is_encoded_is_decoded_again_and_nothing_else() {
    for (_, payload) in payloads() {
        let transaction = transaction(payload);
        let bytes = transaction.encode();
        assert_eq!(Transaction::decode_all(&mut &bytes[..]), Ok(transaction));
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(Transaction::decode_all(&mut &longer[..]).is_err(), "trailing bytes");
        assert!(Transaction::decode_all(&mut &bytes[..bytes.len() - 1]).is_err(), "a byte missing");
        let mut other = bytes;
        other[0] = 2;
        assert!(Transaction::decode_all(&mut &other[..]).is_err(), "another version");
    }
}

#[test]
fn an_event_is_proven_under_the_header() {
    let receipts = [receipt(), receipt()];
    let summaries: Vec<_> = receipts.iter().map(Receipt::summary).collect();
    let header = Header { receipts_root: list_root(&summaries), ..header() };
    // What a light client gets: a summary with its proof, an event with its proof.
    let (summary, event) = (&summaries[1], &receipts[1].events[0]);
    let of_receipt = list_proof(&summaries, 1).expect("there are two");
    let of_event = list_proof(&receipts[1].events, 0).expect("there are two");
    of_receipt.verify(&header.receipts_root, 1, &summary.encode()).expect("the receipt stands in the block");
    of_event.verify(&summary.events_root, 0, &event.encode()).expect("the event stands in the receipt");
    let other = Event { data: b"never".to_vec(), ..event.clone() };
    assert!(of_event.verify(&summary.events_root, 0, &other.encode()).is_err());
}
