//! One proof for many keys of the state tree, or many items of a list: what they share is said once.
//!
//! A proof is bytes. It is read only together with what it is to show, so nothing is built from untrusted input: the
//! verifier walks both side by side and needs memory in proportion to the claims. For given claims there is exactly one
//! proof; every other string of bytes is refused.

use alloc::vec::Vec;

use crate::hash::{DEPTH_MAX, EMPTY, Hash, digit, state_inner, state_leaf, state_path};
use crate::list::{ListTree, group_size, inner, list_leaf, root_of};
use crate::state::{OtherLeaf, Proof, ProofError, Reader, Terminal};

const VERSION: u8 = 1;

/// What stands at a place that some of the keys lead to.
const NODE_EMPTY: u8 = 0;
const NODE_OWN: u8 = 1;
const NODE_OTHER_INLINE: u8 = 2;
const NODE_OTHER_HASHED: u8 = 3;
const NODE_INNER: u8 = 4;

/// What is said of a child of an inner node, in two bits each.
const CHILD_EMPTY: u8 = 0;
const CHILD_HASH: u8 = 1;
const CHILD_WALKED: u8 = 2;

/// What a proof is to show of one key: its value, or with `None` that it is absent.
pub type Claim<'a> = (&'a [u8], Option<&'a [u8]>);

/// What a proof is to show of one index of a list: the item there, or with `None` that the list ends before.
pub type ListClaim<'a> = (u32, Option<&'a [u8]>);

/// Joins the proofs of single keys, all under one root, to the proof of all of them. A key may come twice.
///
/// # Errors
/// [`ProofError::WrongKey`] without any key, [`ProofError::NotCanonical`] if the proofs are not of one tree.
pub fn join_proofs<'a>(proofs: impl IntoIterator<Item = (&'a [u8], &'a Proof)>) -> Result<Vec<u8>, ProofError> {
    let mut proofs: Vec<(Hash, &Proof)> = proofs.into_iter().map(|(key, proof)| (state_path(key), proof)).collect();
    proofs.sort_unstable_by_key(|(path, _)| *path);
    proofs.dedup_by_key(|(path, _)| *path);
    let mut out = Vec::new();
    out.push(VERSION);
    join(&proofs, 0, &mut out)?;
    Ok(out)
}

/// Writes the node at `depth` that all of `proofs` lead to.
fn join(proofs: &[(Hash, &Proof)], depth: usize, out: &mut Vec<u8>) -> Result<(), ProofError> {
    let other_trees = ProofError::NotCanonical("the proofs are of different trees");
    let (path, first) = *proofs.first().ok_or(ProofError::WrongKey)?;
    if proofs.iter().any(|(_, proof)| (proof.levels().len() > depth) != (first.levels().len() > depth)) {
        return Err(other_trees);
    }
    let Some(level) = first.levels().get(depth) else {
        let present = proofs.iter().find(|(_, proof)| *proof.terminal() == Terminal::Present);
        write_terminal(present.map_or(first, |(_, proof)| proof).terminal(), out);
        return Ok(());
    };
    out.push(NODE_INNER);
    let own = digit(&path, depth);
    let mut siblings = level.iter();
    let mut rest = proofs;
    let mut children = [(EMPTY, rest); 4];
    for (slot, child) in children.iter_mut().enumerate() {
        let (walked, after) = rest.split_at(rest.partition_point(|(path, _)| digit(path, depth) <= slot));
        rest = after;
        let hash = if slot == own { EMPTY } else { *siblings.next().unwrap_or(&EMPTY) };
        *child = (hash, walked);
    }
    let code = |(hash, walked): &(Hash, &[(Hash, &Proof)])| match walked {
        [] if *hash == EMPTY => CHILD_EMPTY,
        [] => CHILD_HASH,
        _ => CHILD_WALKED,
    };
    out.push(children.iter().rev().fold(0, |codes, child| (codes << 2) | code(child)));
    for (hash, walked) in &children {
        match walked {
            [] if *hash == EMPTY => {}
            [] => out.extend_from_slice(hash),
            walked => join(walked, depth.saturating_add(1), out)?,
        }
    }
    Ok(())
}

fn write_terminal(terminal: &Terminal, out: &mut Vec<u8>) {
    match terminal {
        Terminal::Present => out.push(NODE_OWN),
        Terminal::Empty => out.push(NODE_EMPTY),
        Terminal::Other(OtherLeaf::Inline { path, value }) => {
            out.push(NODE_OTHER_INLINE);
            out.extend_from_slice(path);
            // At most 96 bytes, by the invariant of a proof.
            out.push(u8::try_from(value.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(value);
        }
        Terminal::Other(OtherLeaf::Hashed { path, value_hash }) => {
            out.push(NODE_OTHER_HASHED);
            out.extend_from_slice(path);
            out.extend_from_slice(value_hash);
        }
    }
}

/// A claim as the tree sees it: the leaf it wants at its path.
struct Wanted {
    path: Hash,
    leaf: Option<Hash>,
}

/// Accepts if and only if `proof` is the proof of exactly these claims under `root`. Their order does not matter.
///
/// # Errors
/// [`ProofError`] naming what does not fit; [`ProofError::WrongKey`] without claims or with two of one key. No more
/// hashes are computed than the proof has bytes and the claims have keys.
pub fn verify_many(proof: &[u8], root: &Hash, claims: &[Claim<'_>]) -> Result<(), ProofError> {
    let mut wanted: Vec<Wanted> = claims
        .iter()
        .map(|(key, value)| {
            let path = state_path(key);
            Wanted { path, leaf: value.map(|value| state_leaf(&path, value)) }
        })
        .collect();
    wanted.sort_unstable_by_key(|wanted| wanted.path);
    let twice = wanted.windows(2).any(|pair| matches!(pair, [one, other] if one.path == other.path));
    if twice || wanted.is_empty() {
        return Err(ProofError::WrongKey);
    }
    let mut input = Reader { rest: proof };
    let version = input.byte()?;
    if version != VERSION {
        return Err(ProofError::Version { found: version });
    }
    let found = node(&mut input, &wanted, 0)?;
    input.finish()?;
    if found == *root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// The hash of the node at `depth` that all of `wanted`, at least one, lead to.
fn node(input: &mut Reader<'_>, wanted: &[Wanted], depth: usize) -> Result<Hash, ProofError> {
    let mut present = wanted.iter().filter_map(|wanted| wanted.leaf);
    match input.byte()? {
        NODE_EMPTY if present.next().is_none() => Ok(EMPTY),
        // The only leaf here: one of the keys has it, and the others cannot have any.
        NODE_OWN => match (present.next(), present.next()) {
            (Some(leaf), None) => Ok(leaf),
            _ => Err(ProofError::WrongKind),
        },
        kind @ (NODE_OTHER_INLINE | NODE_OTHER_HASHED) if present.next().is_none() => {
            let leaf = input.other_leaf(kind == NODE_OTHER_HASHED)?;
            let elsewhere = wanted
                .first()
                .is_none_or(|first| (0..depth).any(|depth| digit(leaf.path(), depth) != digit(&first.path, depth)));
            if elsewhere || wanted.iter().any(|wanted| wanted.path == *leaf.path()) {
                return Err(ProofError::WrongKey);
            }
            Ok(leaf.hash())
        }
        NODE_EMPTY | NODE_OTHER_INLINE | NODE_OTHER_HASHED => Err(ProofError::WrongKind),
        NODE_INNER if depth < DEPTH_MAX => inner_node(input, wanted, depth),
        NODE_INNER => Err(ProofError::TooLarge("levels")),
        _ => Err(ProofError::NotCanonical("kind")),
    }
}

fn inner_node(input: &mut Reader<'_>, wanted: &[Wanted], depth: usize) -> Result<Hash, ProofError> {
    let mut codes = input.byte()?;
    let mut rest = wanted;
    let mut children = [EMPTY; 4];
    for (slot, child) in children.iter_mut().enumerate() {
        let (own, after) = rest.split_at(rest.partition_point(|wanted| digit(&wanted.path, depth) <= slot));
        rest = after;
        *child = match (codes & 3, own) {
            (CHILD_EMPTY, []) => EMPTY,
            (CHILD_HASH, []) => match input.hash()? {
                EMPTY => return Err(ProofError::NotCanonical("an empty child is written out")),
                hash => hash,
            },
            (CHILD_WALKED, own @ [_, ..]) => node(input, own, depth.saturating_add(1))?,
            (CHILD_EMPTY | CHILD_HASH | CHILD_WALKED, _) => return Err(ProofError::WrongKey),
            _ => return Err(ProofError::NotCanonical("child bits")),
        };
        codes >>= 2;
    }
    Ok(state_inner(&children))
}

impl ListTree {
    /// The proof of the items at `indices`, in any order; of an index at or beyond the end it shows that.
    #[must_use]
    pub fn prove_many(&self, indices: &[u32]) -> Vec<u8> {
        let mut out = Vec::new();
        out.push(VERSION);
        out.extend_from_slice(&self.count().to_le_bytes());
        let mut known: Vec<u32> = indices.iter().copied().filter(|index| *index < self.count()).collect();
        known.sort_unstable();
        known.dedup();
        if known.is_empty() {
            out.extend_from_slice(self.levels().last().and_then(|level| level.first()).map_or(&[], Hash::as_slice));
            return out;
        }
        for level in self.levels() {
            let width = u32::try_from(level.len()).unwrap_or(u32::MAX);
            if width == 1 {
                break;
            }
            for position in groups(&known, width).flat_map(|(positions, _)| positions) {
                if known.binary_search(&position).is_err() {
                    let hash = usize::try_from(position).ok().and_then(|at| level.get(at)).unwrap_or(&EMPTY);
                    out.extend_from_slice(hash);
                }
            }
            known = groups(&known, width).map(|(_, parent)| parent).collect();
        }
        out
    }
}

/// The groups of a level `width` nodes wide that have one of the `known` positions (ascending): the positions of each,
/// and the parent's position.
fn groups(known: &[u32], width: u32) -> impl Iterator<Item = (core::ops::Range<u32>, u32)> {
    known.chunk_by(|one, other| one >> 2 == other >> 2).filter_map(|group| group.first()).map(move |first| {
        let start = first & !3;
        (start..start.saturating_add(group_size(*first, width)), first >> 2)
    })
}

/// Accepts if and only if `proof` is the proof of exactly these claims under `root`, the root of a list (§2 of
/// `docs/format.md`). Their order does not matter.
///
/// # Errors
/// As [`verify_many`]. At most 16 hashes are computed for each claim.
pub fn verify_list_many(proof: &[u8], root: &Hash, claims: &[ListClaim<'_>]) -> Result<(), ProofError> {
    let mut input = Reader { rest: proof };
    let version = input.byte()?;
    if version != VERSION {
        return Err(ProofError::Version { found: version });
    }
    let count = input.u32()?;
    let mut claims = claims.to_vec();
    claims.sort_unstable_by_key(|(index, _)| *index);
    let twice = claims.windows(2).any(|pair| matches!(pair, [one, other] if one.0 == other.0));
    if twice || claims.is_empty() {
        return Err(ProofError::WrongKey);
    }
    if claims.iter().any(|(index, item)| item.is_some() != (*index < count)) {
        return Err(ProofError::WrongKind);
    }
    let items = claims.iter().filter_map(|(index, item)| Some((*index, list_leaf((*item)?))));
    let (mut level, mut width): (Vec<(u32, Hash)>, u32) = (items.collect(), count);
    while width > 1 && !level.is_empty() {
        let positions: Vec<u32> = level.iter().map(|(position, _)| *position).collect();
        let mut known = level.iter().peekable();
        let mut above = Vec::new();
        for (positions, parent) in groups(&positions, width) {
            let mut children = [EMPTY; 4];
            for (position, child) in positions.zip(children.iter_mut()) {
                *child = match known.next_if(|(at, _)| *at == position) {
                    Some((_, hash)) => *hash,
                    None => input.hash()?,
                };
            }
            above.push((parent, inner(&children)));
        }
        (level, width) = (above, width.div_ceil(4));
    }
    let top = match level.first() {
        Some((_, top)) => *top,
        None if count == 0 => EMPTY,
        None => input.hash()?,
    };
    input.finish()?;
    if root_of(count, &top) == *root { Ok(()) } else { Err(ProofError::RootMismatch) }
}
