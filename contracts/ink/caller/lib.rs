//! Calls other contracts, and lives with what goes wrong there.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod caller {
    use counter::CounterRef;
    use ink::{
        codegen::TraitCallBuilder,
        env::call::{build_call, ExecutionInput, FromAccountId, Selector},
        env::{CallFlags, DefaultEnvironment, Error as EnvError, ReturnErrorCode},
        selector_bytes, LangError,
    };

    #[ink(storage)]
    pub struct Caller {
        counter: CounterRef,
        calls: u32,
    }

    /// What became of a call.
    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Outcome {
        Answered(u32),
        Refused,
        NotUnderstood,
        Trapped,
        NotCallable,
        Other,
    }

    impl Caller {
        #[ink(constructor)]
        pub fn new(counter: AccountId) -> Self {
            Self { counter: FromAccountId::<Environment>::from_account_id(counter), calls: 0 }
        }

        /// Adds there, and counts here.
        #[ink(message)]
        pub fn add(&mut self, more: u32) -> u32 {
            self.calls = self.calls.saturating_add(1);
            self.counter.add(more)
        }

        #[ink(message)]
        pub fn calls(&self) -> u32 {
            self.calls
        }

        #[ink(message)]
        pub fn add_below_ten(&mut self, more: u32) -> Outcome {
            self.calls = self.calls.saturating_add(1);
            match self.counter.call_mut().add_below_ten(more).try_invoke() {
                Ok(Ok(Ok(count))) => Outcome::Answered(count),
                Ok(Ok(Err(_))) => Outcome::Refused,
                Ok(Err(_)) => Outcome::NotUnderstood,
                Err(_) => Outcome::Other,
            }
        }

        /// Calls `callee` with a selector and one number.
        #[ink(message, payable)]
        pub fn call_any(&mut self, callee: AccountId, selector: [u8; 4], number: u32, gas: u64) -> Outcome {
            let input = ExecutionInput::new(Selector::new(selector)).push_arg(number);
            let call = build_call::<DefaultEnvironment>()
                .call_v1(callee)
                .gas_limit(gas)
                .transferred_value(self.env().transferred_value())
                .exec_input(input)
                .returns::<u32>();
            outcome(call.try_invoke())
        }

        /// Calls itself; whether that is allowed is the caller's decision.
        #[ink(message)]
        pub fn call_self(&mut self, allow: bool) -> Outcome {
            let flags = if allow { CallFlags::ALLOW_REENTRY } else { CallFlags::empty() };
            let input = ExecutionInput::new(Selector::new(selector_bytes!("calls")));
            let call = build_call::<DefaultEnvironment>()
                .call(self.env().account_id())
                .call_flags(flags)
                .exec_input(input)
                .returns::<u32>();
            outcome(call.try_invoke())
        }

        /// Whether an account has code, which, and whether a person began this transaction with this call.
        #[ink(message)]
        pub fn looks(&self, account: AccountId) -> (bool, Option<Hash>, bool) {
            (self.env().is_contract(&account), self.env().code_hash(&account).ok(), self.env().caller_is_origin())
        }
    }

    fn outcome(tried: Result<Result<u32, LangError>, EnvError>) -> Outcome {
        match tried {
            Ok(Ok(number)) => Outcome::Answered(number),
            Ok(Err(_)) => Outcome::NotUnderstood,
            Err(EnvError::ReturnError(ReturnErrorCode::CalleeTrapped)) => Outcome::Trapped,
            Err(EnvError::ReturnError(ReturnErrorCode::CalleeReverted)) => Outcome::Refused,
            Err(EnvError::ReturnError(ReturnErrorCode::NotCallable)) => Outcome::NotCallable,
            Err(_) => Outcome::Other,
        }
    }
}
