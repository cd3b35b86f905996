//! The examples run.
#![allow(missing_docs)]

#[path = "../examples/own_node.rs"]
mod own_node;

#[test]
fn a_node_of_its_own_over_the_first_layer() {
    own_node::main().expect("it runs");
}
