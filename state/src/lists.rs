//! Hashes of many messages and roots of many lists at once: what a block commits to beside its state. What a list's root
//! is stands in `unfork_proof`, which computes one hash after the other.

use unfork_proof::{EMPTY, Hash, LIST_INNER_TAG, LIST_LEAF_TAG, LIST_ROOT_TAG, ListTree};

use crate::keccak::{Block, Lanes, Messages, block_of_four, hash_blocks};

/// Messages hashed together: they fit a processor's cache, and their memory is taken once.
const CHUNK: usize = 256;

/// Keccak-256 of each message, as many at once as the processor can.
#[must_use]
pub fn keccak256_each<M: AsRef<[u8]>>(messages: &[M]) -> Vec<Hash> {
    each(messages, |message| [message.as_ref(), &[]])
}

/// The leaves of the list tree over `items` ([`unfork_proof::list_leaf`]), as many at once as the processor can.
#[must_use]
pub fn list_leaves<I: AsRef<[u8]>>(items: &[I]) -> Vec<Hash> {
    each(items, |item| [item.as_ref(), &[LIST_LEAF_TAG]])
}

/// The root of each of several lists, whose leaves stand one list after the other in `leaves` and which have `lengths` of
/// them ([`unfork_proof::list_root`] is that of one). A length above [`unfork_proof::LIST_ITEMS_MAX`] does not fit memory.
#[must_use]
pub fn list_roots(leaves: &[Hash], lengths: &[usize]) -> Vec<Hash> {
    let lanes = Lanes::widest();
    // The nodes of the level reached, of each list as many as `widths` says; lists with one node wait for the others.
    let mut nodes = leaves.to_vec();
    let mut widths = lengths.to_vec();
    let (mut groups, mut hashes) = (Vec::new(), Vec::new());
    while widths.iter().any(|width| *width > 1) {
        groups.clear();
        for (own, width) in parts(&nodes, &widths) {
            groups.extend(own.chunks(4).filter(|_| width > 1).map(group));
        }
        hash_blocks(lanes, &groups, &mut hashes);
        let mut above = Vec::with_capacity(nodes.len());
        let mut hashed = hashes.as_slice();
        for (own, width) in parts(&nodes, &widths) {
            let (new, others) =
                hashed.split_at_checked(width.div_ceil(4)).filter(|_| width > 1).unwrap_or((own, hashed));
            above.extend_from_slice(new);
            hashed = others;
        }
        nodes = above;
        widths.iter_mut().filter(|width| **width > 1).for_each(|width| *width = width.div_ceil(4));
    }
    let empty = ListTree::from_leaves(Vec::new()).root();
    let mut tops = nodes.iter();
    let tops = lengths.iter().filter(|length| **length > 0).map(|length| (length, tops.next().unwrap_or(&EMPTY)));
    let counted: Vec<_> =
        tops.map(|(length, top)| (u32::try_from(*length).unwrap_or(u32::MAX).to_le_bytes(), top)).collect();
    let mut roots = each(&counted, |(count, top)| [count, top.as_slice(), &[LIST_ROOT_TAG]]).into_iter();
    let root = |length: &usize| if *length == 0 { empty } else { roots.next().unwrap_or(empty) };
    lengths.iter().map(root).collect()
}

/// What belongs to each list, and how much that is.
fn parts<'a>(nodes: &'a [Hash], widths: &'a [usize]) -> impl Iterator<Item = (&'a [Hash], usize)> {
    let mut rest = nodes;
    widths.iter().map(move |width| {
        let (own, others) = rest.split_at_checked(*width).unwrap_or((rest, &[]));
        rest = others;
        (own, *width)
    })
}

/// The preimage of a node; children that are missing count as [`EMPTY`], which is zero.
fn group(children: &[Hash]) -> Block {
    let mut group = block_of_four(LIST_INNER_TAG);
    group.as_chunks_mut().0.iter_mut().zip(children).for_each(|(place, child)| *place = *child);
    group
}

fn each<M, const PARTS: usize>(messages: &[M], parts: impl for<'a> Fn(&'a M) -> [&'a [u8]; PARTS]) -> Vec<Hash> {
    let lanes = Lanes::widest();
    let mut padded = Messages::default();
    let (mut hashes, mut own) = (Vec::with_capacity(messages.len()), Vec::new());
    for chunk in messages.chunks(CHUNK) {
        padded.clear();
        chunk.iter().for_each(|message| padded.push(&parts(message)));
        padded.hash(lanes, &mut own);
        hashes.append(&mut own);
    }
    hashes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    use super::{keccak256_each, list_leaves, list_roots};
    use unfork_proof::{keccak256, list_leaf, list_root};

    fn messages(count: usize) -> Vec<Vec<u8>> {
        (0..count)
            .map(|at| (0..at * 37 % 300).map(|byte| u8::try_from((byte * 31 + at * 7) % 251).unwrap()).collect())
            .collect()
    }

    #[test]
    fn hashes_and_leaves_of_many_are_those_of_each() {
        for count in [0, 1, 2, 7, 8, 9, 40, 256, 257, 1000] {
            let messages = messages(count);
            let hashes: Vec<_> = messages.iter().map(|message| keccak256(&[message])).collect();
            assert_eq!(keccak256_each(&messages), hashes);
            let leaves: Vec<_> = messages.iter().map(|message| list_leaf(message)).collect();
            assert_eq!(list_leaves(&messages), leaves);
        }
    }

    #[test]
    fn roots_of_many_lists_are_those_of_each() {
        let lengths = [3, 0, 1, 300, 0, 4, 5, 1, 16, 17, 2, 64, 65, 0];
        let items = messages(lengths.iter().sum());
        let leaves = list_leaves(&items);
        let mut rest = items.as_slice();
        let roots = lengths.map(|length| list_root(rest.split_off(..length).unwrap()));
        assert_eq!(list_roots(&leaves, &lengths), roots);
        for length in 0..=70 {
            assert_eq!(list_roots(&leaves[..length], &[length]), [list_root(&items[..length])], "{length} items");
        }
        assert!(list_roots(&[], &[]).is_empty());
    }
}
