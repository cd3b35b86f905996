// The token of ../erc20 in AssemblyScript without its runtime: the same methods, keys, events and answers, so the same
// interface and the same scenario hold for both. Build (npm package assemblyscript):
//
//   asc erc20.ts --outFile erc20-as.wasm -O3 --runtime stub --noAssert --use abort=
@external("seal0", "input") declare function seal_input(out: usize, len: usize): void;
@external("seal0", "seal_return") declare function seal_return(flags: u32, data: usize, len: u32): void;
@external("seal0", "caller") declare function seal_caller(out: usize, len: usize): void;
@external("seal0", "value_transferred") declare function seal_value(out: usize, len: usize): void;
@external("seal0", "deposit_event") declare function deposit_event(topics: usize, topics_len: u32, data: usize, len: u32): void;
@external("seal1", "get_storage") declare function get_storage(key: usize, key_len: u32, out: usize, out_len: usize): u32;
@external("seal2", "set_storage") declare function set_storage(key: usize, key_len: u32, value: usize, value_len: u32): u32;

const ACCOUNT: u32 = 32;
const INPUT_MAX: u32 = 128;
const INPUT: usize = memory.data(128);
const LENGTH: usize = memory.data(4);
const BY: usize = memory.data(32);
// A key, an answer, an amount of 16 bytes that was read, topics, an event's payload.
const KEY: usize = memory.data(65);
const OUT: usize = memory.data(32);
const READ: usize = memory.data(16);
const TOPICS: usize = memory.data(97);
const DATA: usize = memory.data(96);
const TRANSFER: usize = memory.data<u64>([0x6ba1216a3e1ab6b5, 0xc68ac217b544f0e4, 0xf6d3bfc5732f4992, 0xcbf467c798ad7801]);
const APPROVAL: usize = memory.data<u64>([0xdafffef526e7351a, 0xa22b7b09f6449119, 0x90e0cbbf49e51337, 0x1dccfbcd3b1e98c0]);
// What the keys begin with: the numbers of the fields.
const SUPPLY: u8 = 0;
const BALANCES: u8 = 1;
const ALLOWANCES: u8 = 2;

// Ends the contract with up to three bytes.
function end(flags: u32, bytes: u32, length: u32): void {
  store<u32>(OUT, bytes);
  seal_return(flags, OUT, length);
}
function not_understood(): void { end(1, 0x0101, 2); }
function ok_unit(): void { end(0, 0, 2); }
function error(which: u32): void { end(1, 0x0100 | (which << 16), 3); }

// Ends with the amount that stands at READ.
function number(): void {
  store<u8>(OUT, 0);
  memory.copy(OUT + 1, READ, 16);
  seal_return(0, OUT, 17);
}

// The arguments must have exactly this length, and no value may have come.
function takes(length: u32): void {
  if (load<u32>(LENGTH) != 4 + length) not_understood();
  store<u32>(LENGTH, 16);
  seal_value(READ, LENGTH);
  if ((load<u64>(READ) | load<u64>(READ, 8)) != 0) end(1, 0x0201, 2);
}

// Reads the amount under the key to READ; 0 if there is none.
function read(key_len: u32): void {
  store<u32>(LENGTH, 16);
  if (get_storage(KEY, key_len, READ, LENGTH) != 0) {
    store<u64>(READ, 0);
    store<u64>(READ, 0, 8);
  }
}

function balance_key(owner: usize): void {
  store<u8>(KEY, BALANCES);
  memory.copy(KEY + 1, owner, ACCOUNT);
}

function allowance_key(owner: usize, spender: usize): void {
  store<u8>(KEY, ALLOWANCES);
  memory.copy(KEY + 1, owner, ACCOUNT);
  memory.copy(KEY + 33, spender, ACCOUNT);
}

// READ becomes READ - value; whether there was so much.
function subtract(value: usize): bool {
  let low = load<u64>(READ), high = load<u64>(READ, 8);
  let less_low = load<u64>(value), less_high = load<u64>(value, 8);
  if (high < less_high || (high == less_high && low < less_low)) return false;
  store<u64>(READ, low - less_low);
  store<u64>(READ, high - less_high - u64(low < less_low), 8);
  return true;
}

// READ becomes READ + value, which must fit.
function add(value: usize): void {
  let low = load<u64>(READ) + load<u64>(value);
  let carry = u64(low < load<u64>(value));
  let before = load<u64>(READ, 8), more = load<u64>(value, 8);
  let high = before + more;
  if (high < before || high + carry < high) unreachable();
  store<u64>(READ, low);
  store<u64>(READ, high + carry, 8);
}

// A topic list of three: the signature and two accounts, of which the first may be none.
function tell(signature: usize, one: usize, other: usize, length: u32): void {
  store<u8>(TOPICS, 12);
  memory.copy(TOPICS + 1, signature, 32);
  if (one != 0) memory.copy(TOPICS + 33, one, ACCOUNT);
  else memory.fill(TOPICS + 33, 0, ACCOUNT);
  memory.copy(TOPICS + 65, other, ACCOUNT);
  deposit_event(TOPICS, 97, DATA, length);
}

function tell_transfer(from: usize, to: usize, value: usize): void {
  let at = DATA;
  store<u8>(at++, u8(from != 0));
  if (from != 0) {
    memory.copy(at, from, ACCOUNT);
    at += ACCOUNT;
  }
  store<u8>(at++, 1);
  memory.copy(at, to, ACCOUNT);
  memory.copy(at + ACCOUNT, value, 16);
  tell(TRANSFER, from, to, u32(at - DATA) + ACCOUNT + 16);
}

function shift(from: usize, to: usize, value: usize): void {
  balance_key(from);
  read(33);
  if (!subtract(value)) error(0);
  set_storage(KEY, 33, READ, 16);
  balance_key(to);
  read(33);
  add(value);
  set_storage(KEY, 33, READ, 16);
  tell_transfer(from, to, value);
}

function begin(): u32 {
  store<u32>(LENGTH, ACCOUNT);
  seal_caller(BY, LENGTH);
  store<u32>(LENGTH, INPUT_MAX);
  seal_input(INPUT, LENGTH);
  if (load<u32>(LENGTH) < 4) not_understood();
  return bswap<u32>(load<u32>(INPUT));
}

export function deploy(): void {
  if (begin() != 0x9bae9d5e) not_understood();
  takes(16);
  store<u8>(KEY, SUPPLY);
  set_storage(KEY, 1, INPUT + 4, 16);
  balance_key(BY);
  set_storage(KEY, 33, INPUT + 4, 16);
  tell_transfer(0, BY, INPUT + 4);
  end(0, 0, 1);
}

export function call(): void {
  let first = INPUT + 4, second = first + ACCOUNT, third = second + ACCOUNT;
  switch (begin()) {
    case 0xdb6375a8: // total_supply
      takes(0);
      store<u8>(KEY, SUPPLY);
      read(1);
      return number();
    case 0x0f755a56: // balance_of
      takes(ACCOUNT);
      balance_key(first);
      read(33);
      return number();
    case 0x6a00165e: // allowance
      takes(2 * ACCOUNT);
      allowance_key(first, second);
      read(65);
      return number();
    case 0x84a15da1: // transfer
      takes(ACCOUNT + 16);
      shift(BY, first, second);
      return ok_unit();
    case 0x681266a0: // approve
      takes(ACCOUNT + 16);
      allowance_key(BY, first);
      set_storage(KEY, 65, second, 16);
      memory.copy(DATA, BY, ACCOUNT);
      memory.copy(DATA + ACCOUNT, first, ACCOUNT + 16);
      tell(APPROVAL, BY, first, 80);
      return ok_unit();
    case 0x0b396f18: // transfer_from
      takes(2 * ACCOUNT + 16);
      allowance_key(first, BY);
      read(65);
      if (!subtract(third)) error(1);
      shift(first, second, third);
      // `shift` has used key and amount for itself.
      allowance_key(first, BY);
      read(65);
      subtract(third);
      set_storage(KEY, 65, READ, 16);
      return ok_unit();
    default:
      not_understood();
  }
}
