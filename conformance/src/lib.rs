//! Vectors, hostile contracts and oracles that every executor and store of the engine must agree on.
