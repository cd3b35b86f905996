//! Stored values. Nothing is read or written until it is asked for, and nothing is kept in memory.
//!
//! Each field of a contract's storage has a number, its place among the fields; the keys of what it stores begin with that
//! byte. A field that is added must therefore stand last, and none may be removed while contracts with it are alive.

use crate::codec::{Decode, Encode};
use crate::host;
use alloc::vec::Vec;
use core::marker::PhantomData;

/// A field of a contract's storage.
pub trait Field {
    /// The field with this number.
    fn numbered(number: u8) -> Self;
}

/// One value, under the key of one byte that is the field's number.
pub struct Cell<T> {
    number: u8,
    marker: PhantomData<fn() -> T>,
}

impl<T> Field for Cell<T> {
    fn numbered(number: u8) -> Self {
        Cell { number, marker: PhantomData }
    }
}

impl<T: Encode + Decode> Cell<T> {
    /// The value, if there is one.
    pub fn get(&self) -> Option<T> {
        host::storage_get(&[self.number], decoded)
    }

    /// The value, or the type's default.
    pub fn get_or_default(&self) -> T
    where
        T: Default,
    {
        self.get().unwrap_or_default()
    }

    /// Stores `value`.
    pub fn set(&mut self, value: &T) {
        value.using_encoded(|bytes| host::storage_set(&[self.number], bytes));
    }

    /// Removes the value.
    pub fn clear(&mut self) {
        host::storage_remove(&[self.number]);
    }
}

/// Values by key: under the field's number followed by the encoded key.
pub struct Map<K, V> {
    number: u8,
    marker: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Field for Map<K, V> {
    fn numbered(number: u8) -> Self {
        Map { number, marker: PhantomData }
    }
}

impl<K: Encode, V: Encode + Decode> Map<K, V> {
    fn key(&self, key: &K) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(key.size_hint() + 1);
        bytes.push(self.number);
        key.encode_to(&mut bytes);
        bytes
    }

    /// The value under `key`, if there is one.
    pub fn get(&self, key: &K) -> Option<V> {
        host::storage_get(&self.key(key), decoded)
    }

    /// The value under `key`, or the type's default.
    pub fn get_or_default(&self, key: &K) -> V
    where
        V: Default,
    {
        self.get(key).unwrap_or_default()
    }

    /// Whether there is a value under `key`.
    pub fn contains(&self, key: &K) -> bool {
        host::storage_contains(&self.key(key))
    }

    /// Stores `value` under `key`; whether there was one before.
    pub fn insert(&mut self, key: &K, value: &V) -> bool {
        let key = self.key(key);
        value.using_encoded(|bytes| host::storage_set(&key, bytes))
    }

    /// Removes the value under `key`; whether there was one.
    pub fn remove(&mut self, key: &K) -> bool {
        host::storage_remove(&self.key(key))
    }

    /// Removes and gives the value under `key`.
    pub fn take(&mut self, key: &K) -> Option<V> {
        let key = self.key(key);
        let value = host::storage_get(&key, decoded);
        if value.is_some() {
            host::storage_remove(&key);
        }
        value
    }
}

/// Values by key, in the order of their keys: under the field's number followed by bytes that sort as the keys do.
pub struct Ordered<K, V> {
    number: u8,
    marker: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Field for Ordered<K, V> {
    fn numbered(number: u8) -> Self {
        Ordered { number, marker: PhantomData }
    }
}

impl<K: OrderedKey, V: Encode + Decode> Ordered<K, V> {
    fn key(&self, key: &K) -> Vec<u8> {
        let mut bytes = Vec::from([self.number]);
        key.write(&mut bytes);
        bytes
    }

    /// The value under `key`, if there is one.
    pub fn get(&self, key: &K) -> Option<V> {
        host::storage_get(&self.key(key), decoded)
    }

    /// Stores `value` under `key`; whether there was one before.
    pub fn insert(&mut self, key: &K, value: &V) -> bool {
        let key = self.key(key);
        value.using_encoded(|bytes| host::storage_set(&key, bytes))
    }

    /// Removes the value under `key`; whether there was one.
    pub fn remove(&mut self, key: &K) -> bool {
        host::storage_remove(&self.key(key))
    }

    /// The entry with the least key.
    pub fn first(&self) -> Option<(K, V)> {
        self.entry(host::storage_next(&[self.number], self.end(), false))
    }

    /// The entry with the greatest key.
    pub fn last(&self) -> Option<(K, V)> {
        self.entry(host::storage_next(self.end(), &[self.number], true))
    }

    /// The entry with the least key above `key`, whether that is there or not.
    pub fn after(&self, key: &K) -> Option<(K, V)> {
        self.entry(host::storage_next(&self.key(key), self.end(), false))
    }

    /// The entry with the greatest key below `key`, whether that is there or not.
    pub fn before(&self, key: &K) -> Option<(K, V)> {
        self.entry(host::storage_next(&self.key(key), &[self.number], true))
    }

    /// What all keys of this field are below: the next field's number; of the last field, nothing.
    fn end(&self) -> &'static [u8] {
        const NUMBERS: [u8; 256] = {
            let (mut all, mut number) = ([0; 256], 0);
            while number < 256 {
                all[number] = number as u8;
                number += 1;
            }
            all
        };
        let next = usize::from(self.number) + 1;
        NUMBERS.get(next..next + 1).unwrap_or_default()
    }

    fn entry(&self, key: Option<Vec<u8>>) -> Option<(K, V)> {
        let bytes = key?;
        let mut rest = bytes.get(1..).unwrap_or_default();
        let key = K::read(&mut rest).filter(|_| rest.is_empty());
        let value = host::storage_get(&bytes, decoded);
        key.zip(value).or_else(|| panic!("a stored key is of another type"))
    }
}

/// A key whose bytes sort as it does.
pub trait OrderedKey: Sized {
    /// Appends the bytes.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes them from the front.
    fn read(bytes: &mut &[u8]) -> Option<Self>;
}

macro_rules! integers {
    ($($kind:ty)*) => {
        $(impl OrderedKey for $kind {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn read(bytes: &mut &[u8]) -> Option<Self> {
                let (own, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_be_bytes(*own))
            }
        })*
    };
}
integers! { u8 u16 u32 u64 u128 }

impl OrderedKey for crate::AccountId {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (own, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Self(*own))
    }
}

impl<A: OrderedKey, B: OrderedKey> OrderedKey for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::read(bytes)?, B::read(bytes)?))
    }
}

/// What is stored was written by this contract, so it is of its type unless the code was changed without a migration.
fn decoded<T: Decode>(bytes: Option<&[u8]>) -> Option<T> {
    bytes.map(|mut bytes| match T::decode(&mut bytes) {
        Ok(value) if bytes.is_empty() => value,
        _ => panic!("a stored value is of another type"),
    })
}
