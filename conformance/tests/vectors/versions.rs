//! A change of the protocol version in the middle of a chain: what came before stays as it was, what comes after is the
//! same everywhere, the version is under the root, and replaying executes each block under the rules of its height.

use crate::execute::{Ran, in_memory, shifted_prices};
use crate::{engine, vectors};
use parity_scale_codec::{DecodeAll, Encode};
use unfork::chain::ChainFile;
use unfork::scenario::{Scenario, UniqueMap, Version, Watch};
use unfork_engine::{BlockExecutor, Chain, Engine, OpenHooks, RecordKey, Rules, StoredBlock};

/// `scenario` with version 2 from `height` on, with the prices of `changed` or none.
fn with_version_2(scenario: &Scenario, height: u64, prices: bool) -> Scenario {
    let released = Rules::released(1).expect("version 1").schedule().clone();
    let changed = shifted_prices(&released);
    let changed = changed.fields().map(|(name, price)| (name.to_string(), u128::from(price).into()));
    let version = |from, version, schedule| Version { from, version, schedule, limits: UniqueMap::default() };
    let schedule = if prices { UniqueMap(changed.collect()) } else { UniqueMap::default() };
    let mut scenario = scenario.clone();
    scenario.chain.versions = vec![version(0, 1, UniqueMap::default()), version(height, 2, schedule)];
    scenario
}

/// Vectors that may change their version, with the height in their middle.
fn chains() -> Vec<(String, Scenario, Ran, u64)> {
    let engine = engine();
    let vectors = vectors().into_iter().filter(|(_, scenario)| scenario.chain.versions.is_empty());
    let ran = vectors.map(|(name, scenario)| {
        let ran = in_memory(&scenario, &engine, Watch::Nothing);
        let middle = ran.summary.height.div_ceil(2);
        (name, scenario, ran, middle)
    });
    let chains: Vec<_> = ran.filter(|(_, _, ran, _)| ran.summary.height >= 2).collect();
    assert!(chains.len() >= 10, "only {} vectors have two blocks", chains.len());
    chains
}

fn blocks(ran: &Ran) -> Vec<StoredBlock> {
    ran.blocks.iter().map(|block| StoredBlock::decode_all(&mut &block[..]).expect("a stored block")).collect()
}

#[test]
fn blocks_before_a_change_of_version_stay_and_the_version_is_under_the_root() {
    for (name, scenario, before, middle) in chains() {
        let ran = in_memory(&with_version_2(&scenario, middle, false), &engine(), Watch::Nothing);
        ran.assert_met(&name);
        for (old, new) in blocks(&before).into_iter().zip(blocks(&ran)) {
            let (header, height) = (&new.block.header, new.block.header.height);
            assert_eq!(old == new, height < middle, "{name}: block {height}, version 2 from {middle}");
            assert_eq!(header.protocol_version, if height < middle { 1 } else { 2 }, "{name}: block {height}");
            // The same prices: receipts stay, the root does not.
            assert_eq!(old.receipts, new.receipts, "{name}: block {height}");
            assert_eq!(old.block.header.state_root == header.state_root, height < middle, "{name}: block {height}");
        }
    }
}

#[test]
fn the_version_is_proven_by_the_root() {
    let (_, scenario, _, middle) = chains().swap_remove(0);
    let spec = ChainFile::of_scenario(&with_version_2(&scenario, middle, false).chain).spec().expect("a specification");
    let hooks = std::sync::Arc::new(OpenHooks);
    let mut chain = BlockExecutor::in_memory(engine(), spec.into(), hooks).expect("a chain");
    for height in 1..=middle {
        let checked = chain.propose(chain.head().time, Vec::new()).expect("an empty block");
        chain.commit(checked).expect("committed");
        let (root, key) = (chain.head().state_root, RecordKey::Chain.key());
        let proof = chain.store().prove(&key).expect("a proof");
        let version = |protocol_version| Chain { protocol_version, instantiations: 0 }.encode();
        let [right, wrong] = if height < middle { [1, 2] } else { [2, 1] };
        proof.verify(&root, key.as_bytes(), Some(&version(right))).expect("the version that holds");
        proof.verify(&root, key.as_bytes(), Some(&version(wrong))).expect_err("the version that does not");
    }
}

#[test]
fn chains_with_other_prices_from_the_middle_on_are_the_same_everywhere() {
    let warm = engine();
    let cold = Engine::with_cache_bytes(0).expect("the self-test passes");
    let mut changed = 0;
    for (name, scenario, before, middle) in chains() {
        let scenario = with_version_2(&scenario, middle, true);
        // The warm cache holds programs with the charges of both versions; neither may serve for the other.
        let first = in_memory(&scenario, &cold, Watch::Nothing);
        first.assert_same(&in_memory(&scenario, &warm, Watch::Nothing), &name, "warm");
        first.assert_same(&in_memory(&scenario, &warm, Watch::Calls), &name, "warm and watched");
        for (old, new) in blocks(&before).into_iter().zip(blocks(&first)) {
            let height = new.block.header.height;
            assert_eq!(old == new, height < middle, "{name}: block {height}, version 2 from {middle}");
            changed += u32::from(old.receipts != new.receipts);
        }
        #[cfg(feature = "rocksdb")]
        replay_on_disk(&name, &scenario, &first, middle, &warm);
    }
    assert!(changed >= 10, "only {changed} blocks had other receipts");
}

/// The same blocks on disk; replaying finds no difference under the chain's own versions, and under version 1 alone the
/// first one at the change.
#[cfg(feature = "rocksdb")]
fn replay_on_disk(name: &str, scenario: &Scenario, first: &Ran, middle: u64, engine: &Engine) {
    use unfork::replay::{Heights, replay};
    use unfork_state::Inspection;

    let directory = tempfile::tempdir().expect("a folder");
    first.assert_same(&crate::execute::on_disk(scenario, engine, Watch::Nothing, directory.path()), name, "on disk");
    let store = Inspection::open(directory.path()).expect("a store");
    let all = Heights { from: 0, to: u64::MAX };
    let differences = |scenario: &Scenario| {
        let spec = ChainFile::of_scenario(&scenario.chain).spec().expect("a specification");
        let mut found = Vec::new();
        let replayed = replay(&store, spec.into(), engine, all, &mut |_, _| {}, &mut |finding| found.push(finding));
        (replayed.expect("no fault"), found)
    };
    let (replayed, found) = differences(scenario);
    assert!(found.is_empty(), "{name}: {}", found[0]);
    assert_eq!((replayed.blocks, replayed.root), (first.summary.height, first.summary.root), "{name}");
    let mut without = scenario.clone();
    without.chain.versions.truncate(1);
    let (_, found) = differences(&without);
    assert_eq!(found.first().and_then(|finding| finding.block), Some(middle), "{name}");
}
