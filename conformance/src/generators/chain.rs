//! Chains: a genesis, and blocks of transactions of which some have no place in a block.

use super::{contract, fixtures};
use arbitrary::{Result, Unstructured};
use std::sync::Arc;
use unfork_engine::{Address, ChainSpec, Hash, Payload, ProfileId, Receipt, StoredBlock, Transaction};

/// An account with a balance.
pub const ALICE: [u8; 32] = [0xa1; 32];
/// An account with a balance, known to the scripts.
pub const BOB: [u8; 32] = [0xb0; 32];
/// An account with next to nothing.
pub const CAROL: [u8; 32] = [0xca; 32];

/// What all accounts have together.
pub const SUPPLY: u128 = 2_000_000_001;

/// Enough for anything but an endless loop.
const GAS_USUAL: u64 = 60_000_000;

/// The chain that all generated blocks belong to.
#[must_use]
pub fn spec() -> Arc<ChainSpec> {
    let accounts = vec![(ALICE.into(), 1_000_000_000), (BOB.into(), 1_000_000_000), (CAROL.into(), 1)];
    Arc::new(ChainSpec::released("generated", 1_000, accounts).expect("a good specification"))
}

/// What a generator knows of the chain it writes for: what its blocks came to.
pub struct World {
    chain_id: Hash,
    nonces: [u64; 3],
    codes: Vec<Hash>,
    contracts: Vec<Address>,
}

impl World {
    /// A chain at its genesis.
    #[must_use]
    pub fn new(spec: &ChainSpec) -> Self {
        Self { chain_id: spec.chain_id(), nonces: [0; 3], codes: Vec::new(), contracts: Vec::new() }
    }

    /// The first block: uploads of a few fixtures.
    #[must_use]
    pub fn uploads(&self) -> Vec<Transaction> {
        let codes = fixtures::deployed().into_iter().map(|(code, _)| code.to_vec());
        let payloads = codes.map(|code| Payload::Upload { profile: ProfileId::Seal, code });
        self.by_alice(payloads.collect())
    }

    /// The second block: one contract of each.
    #[must_use]
    pub fn instantiations(&self) -> Vec<Transaction> {
        let inputs = fixtures::deployed().into_iter().map(|(_, input)| input);
        let payloads = self.codes.iter().zip(inputs).map(|(code_hash, input)| {
            let (code_hash, salt) = (*code_hash, Vec::new());
            Payload::Instantiate { code_hash, value: 0, input, salt }
        });
        self.by_alice(payloads.collect())
    }

    fn by_alice(&self, payloads: Vec<Payload>) -> Vec<Transaction> {
        let numbered = payloads.into_iter().zip(self.nonces[0]..);
        numbered.map(|(payload, nonce)| self.transaction(0, nonce, 10 * GAS_USUAL, payload)).collect()
    }

    /// Learns what a block came to.
    pub fn learn(&mut self, stored: &StoredBlock) {
        for (transaction, receipt) in stored.block.transactions.iter().zip(&stored.receipts) {
            if let Some(sender) = senders().iter().position(|sender| transaction.sender.as_bytes() == sender) {
                self.nonces[sender] = transaction.nonce + 1;
            }
            self.learn_receipt(&transaction.payload, receipt);
        }
    }

    fn learn_receipt(&mut self, payload: &Payload, receipt: &Receipt) {
        self.contracts.extend(receipt.created.clone());
        if let (Payload::Upload { .. }, true, Ok(hash)) =
            (payload, receipt.status.is_success(), Hash::try_from(receipt.output.clone()))
        {
            self.codes.push(hash);
        }
    }

    /// The transactions offered for one block.
    ///
    /// # Errors
    /// When `u` cannot give a number, which it always can.
    pub fn block(&self, u: &mut Unstructured<'_>) -> Result<Vec<Transaction>> {
        let mut nonces = self.nonces;
        let count = u.int_in_range(0..=6u8)?;
        let mut transactions = Vec::new();
        for _ in 0..count {
            let sender = u.choose_index(3)?;
            let mut transaction = self.transaction(sender, nonces[sender], gas_limit(u)?, self.payload(u)?);
            if u.ratio(1, 12)? {
                spoil(u, &mut transaction)?;
            } else {
                nonces[sender] += 1;
            }
            transactions.push(transaction);
        }
        Ok(transactions)
    }

    fn transaction(&self, sender: usize, nonce: u64, gas_limit: u64, payload: Payload) -> Transaction {
        Transaction {
            format: Default::default(),
            chain_id: self.chain_id,
            sender: senders()[sender].into(),
            nonce,
            gas_limit,
            gas_price: 0,
            payload,
            authentication: Vec::new(),
        }
    }

    fn payload(&self, u: &mut Unstructured<'_>) -> Result<Payload> {
        Ok(match u.int_in_range(0..=9u8)? {
            0 => Payload::Upload { profile: ProfileId::Seal, code: code(u)? },
            1 => {
                let code_hash = if self.codes.is_empty() { [0; 32] } else { *u.choose(&self.codes)? };
                Payload::Instantiate { code_hash, value: value(u)?, input: self.input(u)?, salt: vec![u.arbitrary()?] }
            }
            2 | 3 => Payload::Transfer { to: self.address(u)?, value: value(u)? },
            _ => Payload::Call { contract: self.address(u)?, value: value(u)?, input: self.input(u)? },
        })
    }

    /// A contract as a rule, else an account or nobody.
    fn address(&self, u: &mut Unstructured<'_>) -> Result<Address> {
        Ok(match u.int_in_range(0..=7u8)? {
            0 => (*u.choose(&senders())?).into(),
            1 => u.arbitrary::<[u8; 32]>()?.into(),
            _ if self.contracts.is_empty() => BOB.into(),
            _ => u.choose(&self.contracts)?.clone(),
        })
    }

    /// A message of one of the fixtures, with an address and an amount behind it.
    fn input(&self, u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
        if u.ratio(1, 16)? {
            return u.arbitrary();
        }
        let mut input = u.choose(&fixtures::SELECTORS)?.to_vec();
        for _ in 0..u.int_in_range(0..=2u8)? {
            input.extend_from_slice(self.address(u)?.as_bytes());
        }
        if u.ratio(3, 4)? {
            input.extend_from_slice(&value(u)?.to_le_bytes());
        }
        Ok(input)
    }
}

fn senders() -> [[u8; 32]; 3] {
    [ALICE, BOB, CAROL]
}

/// Code to upload: a generated contract, a fixture, or anything at all.
fn code(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    match u.int_in_range(0..=5u8)? {
        0 => Ok(u.choose(&fixtures::ALL)?.to_vec()),
        1 => u.arbitrary(),
        _ => contract(u),
    }
}

fn value(u: &mut Unstructured<'_>) -> Result<u128> {
    Ok(match u.int_in_range(0..=7u8)? {
        0 => u.arbitrary()?,
        1 => u128::MAX,
        2 | 3 => u.int_in_range(0..=2_000_000_000)?,
        _ => u128::from(u.arbitrary::<u8>()? >> 5),
    })
}

fn gas_limit(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u.int_in_range(0..=7u8)? {
        0 => u.int_in_range(0..=1_000_000)?,
        1 => u.int_in_range(100_000..=4_000_000)?,
        _ => GAS_USUAL,
    })
}

/// Makes a transaction that has no place in the block.
fn spoil(u: &mut Unstructured<'_>, transaction: &mut Transaction) -> Result<()> {
    match u.int_in_range(0..=4u8)? {
        0 => transaction.nonce = u.arbitrary()?,
        1 => transaction.nonce = transaction.nonce.wrapping_add(1),
        2 => transaction.chain_id[0] ^= 1,
        3 => transaction.gas_limit = u64::MAX,
        _ => transaction.gas_limit = 99_999,
    }
    Ok(())
}
