//! Contract state: overlays, a canonical Merkle tree, and the stores that keep it.
