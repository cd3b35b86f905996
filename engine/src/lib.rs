//! Executes contract messages, transactions and blocks, deterministically and metered.
