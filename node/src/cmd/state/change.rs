//! `unfork state prune` and `rollback`: what changes a chain's store.

use super::super::{Failed, Verdict, bar, waiting};
use super::{OPENING, print, shown};
use serde_json::json;
use std::path::PathBuf;
use unfork_state::Store;

/// Gives up the states before a height: they can no longer be read or rolled back to. Blocks stay.
#[derive(clap::Args)]
pub struct Prune {
    #[command(flatten)]
    store: Writable,
    /// The oldest height whose state stays.
    #[arg(long, value_name = "HEIGHT")]
    before: u64,
}

/// Takes the last blocks back. They are removed, and cannot be brought back but by executing them again.
#[derive(clap::Args)]
pub struct Rollback {
    #[command(flatten)]
    store: Writable,
    /// The height that is the last one after it.
    #[arg(long, value_name = "HEIGHT")]
    to: u64,
}

/// A chain that no other process may have open meanwhile.
#[derive(clap::Args)]
struct Writable {
    /// The directory of the chain.
    #[arg(long, value_name = "DIR")]
    db: PathBuf,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Blocks that are taken back before the bar moves.
const BLOCKS_AT_ONCE: u64 = 16;

impl Writable {
    fn open(&self) -> Result<Store, Failed> {
        let chain_id = Store::stored_chain_id(&self.db).map_err(Failed::environment)?;
        waiting(OPENING, || Store::open(&self.db, chain_id)).map_err(Failed::environment)
    }
}

/// `unfork state prune`.
pub fn prune(arguments: &Prune) -> Result<Verdict, Failed> {
    let mut store = arguments.store.open()?;
    let pruned = waiting("freeing disk", || store.prune(arguments.before).and_then(|()| store.settle()));
    pruned.map_err(Failed::environment)?;
    let (oldest, head) = (store.oldest(), store.head().height);
    let line = format!("states from height {oldest} to {head} can be read");
    print(arguments.store.json, &json!({ "oldest": oldest, "height": head }), &[line])?;
    Ok(Verdict::Well)
}

/// `unfork state rollback`.
pub fn rollback(arguments: &Rollback) -> Result<Verdict, Failed> {
    let mut store = arguments.store.open()?;
    let (before, to) = (store.head().height, arguments.to);
    let bar = bar("taking blocks back");
    bar.set_length(before.saturating_sub(to));
    // What cannot be reached is refused before anything is taken back.
    let step = if to < store.oldest() { u64::MAX } else { BLOCKS_AT_ONCE };
    let rolled = loop {
        let height = store.head().height;
        let rolled = store.rollback(to.max(height.saturating_sub(step)));
        let head = store.head().height;
        bar.set_position(before.saturating_sub(head));
        if rolled.is_err() || head <= to {
            break rolled;
        }
    };
    bar.finish_and_clear();
    rolled.map_err(Failed::environment)?;
    let head = store.head();
    let (id, root) = (shown(&head.id), shown(&head.root));
    let line = format!("rolled back from height {before} to {}, root {root}", head.height);
    print(arguments.store.json, &json!({ "height": head.height, "id": id, "root": root, "before": before }), &[line])?;
    Ok(Verdict::Well)
}
