use std::{error::Error, sync::Arc};
use unfork_engine::{Address, BlockExecutor, ChainSpec, Engine, Format, OpenHooks, Payload, Transaction};

fn main() -> Result<(), Box<dyn Error>> {
    let (alice, bob) = (Address::from([1; 32]), Address::from([2; 32]));
    let spec = Arc::new(ChainSpec::released("my chain", 0, vec![(alice.clone(), 1_000_000)])?);
    let mut chain = BlockExecutor::in_memory(Engine::new()?, spec, Arc::new(OpenHooks))?;
    let transaction = Transaction {
        format: Format::V1,
        chain_id: chain.chain_id(),
        sender: alice,
        nonce: 0,
        gas_limit: 10_000_000,
        gas_price: 0,
        payload: Payload::Transfer { to: bob, value: 7 },
        authentication: Vec::new(),
    };
    let proposed = chain.propose(1_000_000_000, vec![transaction])?;
    let block = chain.commit(proposed)?;
    println!("{}: gas {}", block.receipts[0].status.name(), block.receipts[0].gas_used);
    Ok(())
}
