use crate::bench;
use crate::entry::Contract;
use crate::prelude::*;

/// A bank, whose customers are contracts too.
#[unfork_contract::contract]
mod bank {
    use crate::prelude::*;

    /// Keeps money.
    #[storage]
    pub struct Bank {
        owner: Cell<AccountId>,
        has: Map<AccountId, Balance>,
        notes: Map<(u8, String), Vec<u16>>,
        sorted: Ordered<(u16, u8), u8>,
    }

    #[event]
    pub struct Paid {
        #[indexed]
        who: Option<AccountId>,
        #[indexed]
        note: String,
        amount: Balance,
    }

    /// What can go wrong.
    #[data]
    pub enum Error {
        /// There is less.
        TooLittle {
            has: Balance,
        },
        NotTheOwner,
    }

    impl Bank {
        #[constructor(payable)]
        pub fn new(&mut self) {
            self.owner.set(&env::caller());
        }

        /// One that may say no.
        #[constructor]
        pub fn checked(&mut self, good: bool) -> Result<(), Error> {
            self.owner.set(&env::caller());
            if good {
                Ok(())
            } else {
                Err(Error::NotTheOwner)
            }
        }

        #[method(payable)]
        pub fn pay_in(&mut self, note: String) -> Balance {
            let (who, amount) = (env::caller(), env::value());
            let has = self.has.get_or_default(&who) + amount;
            self.has.insert(&who, &has);
            env::emit(&Paid { who: Some(who), note, amount });
            has
        }

        /// Takes the caller's money out.
        #[method]
        pub fn pay_out(&mut self, amount: Balance) -> Result<(), Error> {
            let who = env::caller();
            let has = self.has.get_or_default(&who);
            // Written first, so that an error must undo it.
            self.has.insert(&who, &0);
            let left = has.checked_sub(amount).ok_or(Error::TooLittle { has })?;
            self.has.insert(&who, &left);
            env::transfer(&who, amount).expect("the bank has what its customers have");
            Ok(())
        }

        #[method]
        pub fn has(&self, who: AccountId) -> Balance {
            self.has.get_or_default(&who)
        }

        #[method]
        pub fn note(&mut self, kind: u8, name: String, number: u16) -> Vec<u16> {
            let key = (kind, name);
            let mut notes = self.notes.take(&key).unwrap_or_default();
            notes.push(number);
            self.notes.insert(&key, &notes);
            notes
        }

        /// Values under ordered keys; gives the neighbours of the last one.
        #[method]
        pub fn sorted(&mut self, keys: Vec<(u16, u8)>) -> Vec<Option<(u16, u8)>> {
            keys.iter().for_each(|key| {
                self.sorted.insert(key, &0u8);
            });
            let last = keys.last().expect("a key");
            let found = [self.sorted.first(), self.sorted.before(last), self.sorted.after(last), self.sorted.last()];
            assert_eq!(self.sorted.get(last), Some(0));
            self.sorted.remove(last);
            found.into_iter().map(|entry| entry.map(|(key, _)| key)).collect()
        }

        #[method(selector = 0xDEADBEEF)]
        pub fn panics(&mut self) {
            self.owner.clear();
            panic!("on purpose");
        }

        #[method]
        pub fn close(&mut self) -> Result<(), Error> {
            match self.owner.get() {
                Some(owner) if owner == env::caller() => env::terminate(&owner),
                _ => Err(Error::NotTheOwner),
            }
        }

        /// Asks another bank for this one's money, which may then pay in here.
        #[method]
        pub fn move_here(&mut self, from: AccountId, amount: Balance) -> Result<(), Error> {
            match BankRef::at(from).pay_out(amount) {
                Ok(answer) => answer,
                Err(_) => Err(Error::NotTheOwner),
            }
        }

        /// Whether a call of this contract by itself is let through.
        #[method]
        pub fn calls_itself(&mut self, allowed: bool) -> u8 {
            let own = BankRef::at(env::address());
            let own = if allowed { own.with_reentry() } else { own };
            own.has(env::caller()).map_or(0, |_| 1)
        }

        #[method]
        pub fn notes_by(&mut self, code: Hash) -> Result<Vec<u16>, Error> {
            let input = (*b"\x01\x02\x03\x04", 1u8, String::from("a"), 7u16).encode();
            crate::call::delegate(&code, &input).map_err(|_| Error::NotTheOwner)
        }
    }
}

/// Code that others run over their storage.
#[unfork_contract::contract]
mod notes {
    use crate::prelude::*;

    #[storage]
    pub struct Notes {
        _owner: Cell<AccountId>,
        _has: Map<AccountId, Balance>,
        notes: Map<(u8, String), Vec<u16>>,
    }

    impl Notes {
        #[constructor]
        pub fn new(&mut self) {}

        #[method(selector = 0x01020304)]
        pub fn note(&mut self, kind: u8, name: String, number: u16) -> Vec<u16> {
            let notes = vec![number, number];
            self.notes.insert(&(kind, name), &notes);
            notes
        }
    }
}

use bank::{Bank, BankRef, Error, Paid};

fn setup() -> BankRef {
    bench::reset();
    let (alice, bob) = (bench::account("alice"), bench::account("bob"));
    bench::fund(alice, 1000);
    bench::fund(bob, 1000);
    BankRef::deploy_new(Deploy::of(bench::upload::<Bank>()).value(50)).expect("a bank")
}

#[test]
fn money_goes_in_and_out_and_errors_undo() {
    let bank = setup();
    let (alice, bob) = (bench::account("alice"), bench::account("bob"));
    assert_eq!((bench::balance_of(alice), bench::balance_of(bank.address())), (950, 50));
    bench::act_as(bob);
    assert_eq!(bank.with_value(30).pay_in("rent".into()), Ok(30));
    assert_eq!(bank.with_value(2000).pay_in("rent".into()), Err(CallError::TransferFailed));
    assert_eq!(bank.pay_out(31), Ok(Err(Error::TooLittle { has: 30 })));
    assert_eq!(bank.has(bob), Ok(30), "what was written before the error is undone");
    assert_eq!(bank.pay_out(10), Ok(Ok(())));
    assert_eq!((bench::balance_of(bob), bank.has(bob)), (980, Ok(20)));
    assert_eq!(bank.with_value(1).pay_out(1), Err(CallError::TakesNoValue));
    assert_eq!(bench::balance_of(bob), 980, "the value came back");
    let told = bench::events();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].as_event(), Some(Paid { who: Some(bob), note: "rent".into(), amount: 30 }));
    assert_eq!(told[0].topics[1], bob.0);
    assert_eq!(told[0].topics[2][..6], *b"\x10rent\0");
}

#[test]
fn panics_are_traps() {
    let bank = setup();
    assert_eq!(bank.panics(), Err(CallError::Trapped));
    assert_eq!(bench::stored(bank.address()), 1, "the owner is still there");
    assert_eq!(BankRef::at(bench::account("bob")).has(bench::account("bob")), Err(CallError::NotCallable));
    let unknown: Result<(), _> = bank.0.call(b"\0\0\0\0");
    assert_eq!(unknown, Err(CallError::NotUnderstood));
    let other: Result<u64, _> = bank.0.call(&(bank_selector("has"), bench::account("bob")).encode());
    assert_eq!(other, Err(CallError::OtherAnswer));
    let too_much: Result<u128, _> = bank.0.call(&(bank_selector("has"), bench::account("bob"), 1u8).encode());
    assert_eq!(too_much, Err(CallError::NotUnderstood), "bytes behind the arguments");
}

/// The selector that the interface names.
fn bank_selector(method: &str) -> [u8; 4] {
    let (_, after) =
        Bank::INTERFACE.split_once(&format!("{{\"name\": \"{method}\", \"selector\": \"0x")).expect("it is there");
    let byte = |at: usize| u8::from_str_radix(&after[at..at + 2], 16).expect("digits");
    [byte(0), byte(2), byte(4), byte(6)]
}

#[test]
fn constructors_may_fail_and_addresses_are_taken_once() {
    setup();
    let code = bench::upload::<Bank>();
    assert_eq!(BankRef::deploy_checked(Deploy::of(code), false), Ok(Err(Error::NotTheOwner)));
    let made = BankRef::deploy_checked(Deploy::of(code), true).expect("an answer").expect("a bank");
    assert!(env::is_contract(&made.address()) && env::code_hash(&made.address()) == Some(code));
    assert!(BankRef::deploy_checked(Deploy::of(code).salt(b"2"), true).is_ok());
    assert_eq!(BankRef::deploy_new(Deploy::of(Hash([7; 32]))), Err(CallError::CodeNotFound));
    assert_eq!(BankRef::deploy_checked(Deploy::of(code).salt(b"3").value(1), true), Err(CallError::TakesNoValue));
}

#[test]
fn contracts_call_contracts() {
    let bank = setup();
    let code = bench::upload::<Bank>();
    let other = BankRef::deploy_new(Deploy::of(code).salt(b"2").value(7)).expect("a second bank");
    assert_eq!(other.move_here(bank.address(), 1), Ok(Err(Error::TooLittle { has: 0 })));
    assert_eq!(bank.calls_itself(true), Ok(1));
    assert_eq!(bank.calls_itself(false), Err(CallError::Trapped));
    assert_eq!(bank.read_only().has(bench::account("bob")), Ok(0));
    assert_eq!(bank.read_only().note(1, "a".into(), 2), Err(CallError::Trapped), "a change in a read-only call");
    assert_eq!(bank.note(1, "a".into(), 2), Ok(vec![2]));
    assert_eq!(bank.note(1, "a".into(), 3), Ok(vec![2, 3]));
    let notes = bench::upload::<notes::Notes>();
    assert_eq!(bank.notes_by(notes), Ok(Ok(vec![7, 7])));
    assert_eq!(bank.note(1, "a".into(), 4), Ok(vec![7, 7, 4]), "the foreign code wrote to the bank's storage");
}

#[test]
fn ordered_keys_sort_as_numbers_do() {
    let bank = setup();
    assert_eq!(bank.note(0, "before".into(), 1).map(|_| ()), Ok(()), "another field's keys do not count");
    let found = bank.sorted(vec![(256, 0), (2, 255), (2, 3), (65535, 9), (3, 0)]);
    assert_eq!(found, Ok(vec![Some((2, 3)), Some((2, 255)), Some((256, 0)), Some((65535, 9))]));
    assert_eq!(bank.sorted(vec![(1, 1)]), Ok(vec![Some((1, 1)), None, Some((2, 3)), Some((65535, 9))]));
}

#[test]
fn contracts_end() {
    let bank = setup();
    bench::act_as(bench::account("bob"));
    assert_eq!(bank.close(), Ok(Err(Error::NotTheOwner)));
    bench::act_as(bench::account("alice"));
    assert_eq!(bank.close(), Err(CallError::OtherAnswer), "who has ended does not answer");
    assert_eq!((bench::balance_of(bench::account("alice")), bench::stored(bank.address())), (1000, 0));
    assert_eq!(bank.has(bench::account("bob")), Err(CallError::NotCallable));
}

#[test]
fn the_interface_says_what_there_is() {
    for part in [
        r#""docs": "Keeps money.""#,
        r#"{"name": "new", "selector": "0x9bae9d5e", "args": [], "returns": "()", "mutates": true, "payable": true}"#,
        r#"{"name": "pay_out", "selector": "#,
        r#""args": [{"name": "amount", "type": "u128"}], "returns": "result<(), Error>", "mutates": true, "docs": "Takes the caller's money out."}"#,
        r#"{"name": "panics", "selector": "0xdeadbeef", "args": [], "returns": "()", "mutates": true}"#,
        r#"{"name": "who", "type": "option<address>", "indexed": true}, {"name": "note", "type": "string", "indexed": true}, {"name": "amount", "type": "u128"}]"#,
        r#""errors": ["Error"]"#,
        r#""Error": {"enum": [{"name": "TooLittle", "index": 0, "fields": [{"name": "has", "type": "u128"}], "docs": "There is less."}, {"name": "NotTheOwner", "index": 1}], "docs": "What can go wrong."}"#,
    ] {
        assert!(Bank::INTERFACE.contains(part), "{part}\nis not in\n{}", Bank::INTERFACE);
    }
}
