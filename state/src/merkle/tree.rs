//! A persistent sparse 4-ary tree. A changed tree shares every untouched subtree with the one it came from, so that
//! several uncommitted children of one parent cost only what they change.
//!
//! ```text
//!   Inner ── two leaves or more below      Leaf ── exactly one leaf below: it stands as high as it can      Empty
//! ```
//! The shape is therefore a function of the set of paths, and the root a function of the set of (path, leaf hash).

use std::sync::Arc;

use unfork_proof::{DEPTH_MAX, EMPTY, Hash, Level, ProofError, digit, state_inner, state_leaf, state_path};

use crate::key::Key;

/// The tree over one state. A clone shares everything.
#[derive(Clone, Default)]
pub(crate) struct Tree {
    root: Node,
    leaves: u64,
}

#[derive(Clone, Default)]
enum Node {
    #[default]
    Empty,
    Leaf(Arc<Leaf>),
    Inner(Arc<Inner>),
}

/// The key is kept because a proof of absence shows the leaf that is in the way, value and all.
struct Leaf {
    path: Hash,
    hash: Hash,
    key: Key,
}

struct Inner {
    hash: Hash,
    children: [Node; 4],
}

/// The change of one leaf; `leaf: None` removes it.
pub(crate) struct Update {
    pub(crate) path: Hash,
    pub(crate) key: Key,
    pub(crate) leaf: Option<Hash>,
}

impl Update {
    pub(crate) fn new(key: &Key, value: Option<&[u8]>) -> Self {
        let path = state_path(key.as_bytes());
        Self { path, key: key.clone(), leaf: value.map(|value| state_leaf(&path, value)) }
    }
}

/// What a walk from the root to a path met.
pub(crate) struct Way {
    pub(crate) levels: Vec<Level>,
    /// The path and key of the leaf at the end, if there is one.
    pub(crate) end: Option<(Hash, Key)>,
}

impl Tree {
    pub(crate) fn root(&self) -> Hash {
        self.root.hash()
    }

    pub(crate) fn leaves(&self) -> u64 {
        self.leaves
    }

    /// The tree with `updates` made; they may come in any order, one per key.
    pub(crate) fn apply(&self, updates: Vec<Update>) -> Self {
        let mut updates: Vec<(Hash, Node)> = updates.into_iter().map(Update::into_node).collect();
        updates.sort_unstable_by_key(|(path, _)| *path);
        let mut leaves = self.leaves;
        let root = apply(&self.root, 0, &updates, &mut leaves);
        Self { root, leaves }
    }

    /// Whether the tree has a leaf at `path`.
    pub(crate) fn contains(&self, path: &Hash) -> bool {
        self.way(path).1.is_some_and(|leaf| leaf.path == *path)
    }

    /// The siblings on the way to `path`, and the leaf at its end.
    pub(crate) fn walk(&self, path: &Hash) -> Result<Way, ProofError> {
        let (inners, end) = self.way(path);
        let mut levels = Vec::with_capacity(inners.len());
        for (depth, inner) in inners.into_iter().enumerate() {
            let own = digit(path, depth);
            let mut level = [EMPTY; 3];
            let siblings = inner.children.iter().enumerate().filter(|(slot, _)| *slot != own);
            for (to, (_, from)) in level.iter_mut().zip(siblings) {
                *to = from.hash();
            }
            levels.push(level);
        }
        Ok(Way { levels, end: end.map(|leaf| (leaf.path, leaf.key.clone())) })
    }

    fn way(&self, path: &Hash) -> (Vec<&Inner>, Option<&Leaf>) {
        let mut inners = Vec::new();
        let mut node = &self.root;
        loop {
            match node {
                Node::Empty => return (inners, None),
                Node::Leaf(leaf) => return (inners, Some(leaf)),
                Node::Inner(inner) => {
                    node = inner.children.get(digit(path, inners.len())).unwrap_or(&Node::Empty);
                    inners.push(inner);
                }
            }
        }
    }
}

impl Update {
    fn into_node(self) -> (Hash, Node) {
        let Self { path, key, leaf } = self;
        (path, leaf.map_or(Node::Empty, |hash| Node::Leaf(Arc::new(Leaf { path, hash, key }))))
    }
}

impl Node {
    fn hash(&self) -> Hash {
        match self {
            Self::Empty => EMPTY,
            Self::Leaf(leaf) => leaf.hash,
            Self::Inner(inner) => inner.hash,
        }
    }
}

/// The subtree `node` at `depth` with `updates` (sorted by path, all inside this subtree) made.
fn apply(node: &Node, depth: usize, updates: &[(Hash, Node)], leaves: &mut u64) -> Node {
    if updates.is_empty() {
        return node.clone();
    }
    match node {
        Node::Empty => {
            let put: Vec<&Node> = updates.iter().map(|(_, leaf)| leaf).filter(|leaf| leaf.is_leaf()).collect();
            *leaves = leaves.saturating_add(u64::try_from(put.len()).unwrap_or(u64::MAX));
            build(&put, depth)
        }
        Node::Leaf(old) => {
            let mut put: Vec<&Node> = Vec::with_capacity(updates.len().saturating_add(1));
            let (before, after) = updates.split_at(updates.partition_point(|(path, _)| *path < old.path));
            let replaced = after.first().is_some_and(|(path, _)| *path == old.path);
            put.extend(before.iter().map(|(_, leaf)| leaf).filter(|leaf| leaf.is_leaf()));
            if !replaced {
                put.push(node);
            }
            put.extend(after.iter().map(|(_, leaf)| leaf).filter(|leaf| leaf.is_leaf()));
            let now = u64::try_from(put.len()).unwrap_or(u64::MAX);
            *leaves = leaves.saturating_add(now).saturating_sub(1);
            build(&put, depth)
        }
        Node::Inner(inner) => {
            let mut rest = updates;
            let mut slot = 0;
            let children = inner.children.each_ref().map(|child| {
                let (own, others) = rest.split_at(rest.partition_point(|(path, _)| digit(path, depth) <= slot));
                rest = others;
                slot = slot.saturating_add(1);
                apply(child, depth.saturating_add(1), own, leaves)
            });
            join(children)
        }
    }
}

/// The subtree at `depth` of exactly these leaves, sorted by path.
fn build(leaves: &[&Node], depth: usize) -> Node {
    match leaves {
        [] => return Node::Empty,
        [only] => return (*only).clone(),
        _ => {}
    }
    // Two leaves with one path would be a collision of Keccak-256; their keys are distinct.
    debug_assert!(depth < DEPTH_MAX, "two leaves share a path");
    let mut rest = leaves;
    let children = [0, 1, 2, 3].map(|slot| {
        let (own, others) = rest.split_at(rest.partition_point(|leaf| leaf.digit(depth) <= slot));
        rest = others;
        build(own, depth.saturating_add(1))
    });
    join(children)
}

/// The node over four subtrees: nothing or a single leaf moves up, everything else is hashed.
fn join(children: [Node; 4]) -> Node {
    let mut occupied = children.iter().filter(|child| !matches!(child, Node::Empty));
    match (occupied.next(), occupied.next()) {
        (None, _) => Node::Empty,
        (Some(only @ Node::Leaf(_)), None) => only.clone(),
        _ => {
            let hash = state_inner(&children.each_ref().map(Node::hash));
            Node::Inner(Arc::new(Inner { hash, children }))
        }
    }
}

impl Node {
    fn is_leaf(&self) -> bool {
        matches!(self, Self::Leaf(_))
    }

    fn digit(&self, depth: usize) -> usize {
        match self {
            Self::Leaf(leaf) => digit(&leaf.path, depth),
            Self::Empty | Self::Inner(_) => 0,
        }
    }
}
