//! The host's hashes and signatures.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod crypto {
    use ink::env::hash::{Blake2x128, Blake2x256, Keccak256, Sha2x256};
    use ink::prelude::vec::Vec;

    #[ink(storage)]
    pub struct Crypto {}

    impl Crypto {
        #[ink(constructor)]
        pub fn new() -> Self {
            Self {}
        }

        #[ink(message)]
        pub fn sha2_256(&self, data: Vec<u8>) -> [u8; 32] {
            self.env().hash_bytes::<Sha2x256>(&data)
        }

        #[ink(message)]
        pub fn keccak_256(&self, data: Vec<u8>) -> [u8; 32] {
            self.env().hash_bytes::<Keccak256>(&data)
        }

        #[ink(message)]
        pub fn blake2_256(&self, data: Vec<u8>) -> [u8; 32] {
            self.env().hash_bytes::<Blake2x256>(&data)
        }

        #[ink(message)]
        pub fn blake2_128(&self, data: Vec<u8>) -> [u8; 16] {
            self.env().hash_bytes::<Blake2x128>(&data)
        }

        /// The compressed key that has signed this hash.
        #[ink(message)]
        pub fn recover(&self, signature: [u8; 65], hash: [u8; 32]) -> Option<[u8; 33]> {
            self.env().ecdsa_recover(&signature, &hash).ok()
        }

        #[ink(message)]
        pub fn ethereum_address(&self, key: [u8; 33]) -> Option<[u8; 20]> {
            self.env().ecdsa_to_eth_address(&key).ok()
        }

        #[ink(message)]
        pub fn sr25519(&self, signature: [u8; 64], message: Vec<u8>, key: [u8; 32]) -> bool {
            self.env().sr25519_verify(&signature, &message, &key).is_ok()
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn hashes_of_nothing() {
            let crypto = Crypto::new();
            assert_eq!(crypto.sha2_256(Vec::new())[..4], [0xe3, 0xb0, 0xc4, 0x42]);
            assert_eq!(crypto.keccak_256(Vec::new())[..4], [0xc5, 0xd2, 0x46, 0x01]);
            assert_eq!(crypto.blake2_256(Vec::new())[..4], [0x0e, 0x57, 0x51, 0xc0]);
            assert_eq!(crypto.blake2_128(Vec::new())[..4], [0xca, 0xe6, 0x69, 0x41]);
        }
    }
}
