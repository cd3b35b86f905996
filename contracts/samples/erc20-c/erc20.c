// The token of ../erc20 in C without any library: the same methods, keys, events and answers, so the same interface and the
// same scenario hold for both. Build:
//
//   clang --target=wasm32 -mcpu=mvp -msign-ext -Os -nostdlib -ffreestanding -Wl,--no-entry -Wl,-zstack-size=4096 \
//     -Wl,--strip-all -o erc20-c.wasm erc20.c
#include "../../fixtures/plain/seal.h"

typedef unsigned __int128 u128;
IMP("seal0", "value_transferred") void value_transferred(void *out, u32 *len);

enum { INPUT_MAX = 128, ACCOUNT = 32 };
static u8 input[INPUT_MAX];
static u32 input_len;
// What the keys begin with: the numbers of the fields.
enum { SUPPLY, BALANCES, ALLOWANCES };
enum { INSUFFICIENT_BALANCE, INSUFFICIENT_ALLOWANCE };

static const u8 TRANSFER[32] = {0xb5, 0xb6, 0x1a, 0x3e, 0x6a, 0x21, 0xa1, 0x6b, 0xe4, 0xf0, 0x44, 0xb5, 0x17, 0xc2, 0x8a, 0xc6,
                                0x92, 0x49, 0x2f, 0x73, 0xc5, 0xbf, 0xd3, 0xf6, 0x01, 0x78, 0xad, 0x98, 0xc7, 0x67, 0xf4, 0xcb};
static const u8 APPROVAL[32] = {0x1a, 0x35, 0xe7, 0x26, 0xf5, 0xfe, 0xff, 0xda, 0x19, 0x91, 0x44, 0xf6, 0x09, 0x7b, 0x2b, 0xa2,
                                0x37, 0x13, 0xe5, 0x49, 0xbf, 0xcb, 0xe0, 0x90, 0xc0, 0x98, 0x1e, 0x3b, 0xcd, 0xfb, 0xcc, 0x1d};

void *memcpy(void *to, const void *from, unsigned long count) {
  for (unsigned long i = 0; i < count; i++) ((u8 *)to)[i] = ((const u8 *)from)[i];
  return to;
}
void *memset(void *to, int byte, unsigned long count) {
  for (unsigned long i = 0; i < count; i++) ((u8 *)to)[i] = (u8)byte;
  return to;
}

static _Noreturn void not_understood(void) { seal_return(1, "\x01\x01", 2); }
static _Noreturn void ok_unit(void) { seal_return(0, "\0\0", 2); }
static _Noreturn void error(u8 which) {
  u8 out[3] = {0, 1, which};
  seal_return(1, out, 3);
}
static _Noreturn void number(u128 value) {
  u8 out[17] = {0};
  memcpy(out + 1, &value, 16);
  seal_return(0, out, 17);
}

// The arguments must have exactly this length, and no value may have come.
static void takes(u32 length) {
  if (input_len != 4 + length) not_understood();
  u128 value = 0;
  u32 size = 16;
  value_transferred(&value, &size);
  if (value) seal_return(1, "\x01\x02", 2);
}

static u128 amount(const u8 *at) {
  u128 value;
  memcpy(&value, at, 16);
  return value;
}

static u128 load(const u8 *key, u32 length) {
  u128 value = 0;
  u32 size = 16;
  return get_storage(key, length, &value, &size) ? 0 : value;
}

static void balance_key(u8 *key, const u8 *owner) {
  key[0] = BALANCES;
  memcpy(key + 1, owner, ACCOUNT);
}

static void allowance_key(u8 *key, const u8 *owner, const u8 *spender) {
  key[0] = ALLOWANCES;
  memcpy(key + 1, owner, ACCOUNT);
  memcpy(key + 1 + ACCOUNT, spender, ACCOUNT);
}

static u128 balance(const u8 *owner) {
  u8 key[1 + ACCOUNT];
  balance_key(key, owner);
  return load(key, sizeof key);
}

static void set_balance(const u8 *owner, u128 value) {
  u8 key[1 + ACCOUNT];
  balance_key(key, owner);
  set_storage(key, sizeof key, &value, 16);
}

// A topic list of three: the signature and two accounts, where null is none.
static void tell(const u8 *signature, const u8 *one, const u8 *other, const u8 *data, u32 length) {
  u8 topics[1 + 3 * 32] = {3 << 2};
  memcpy(topics + 1, signature, 32);
  if (one) memcpy(topics + 33, one, ACCOUNT);
  memcpy(topics + 65, other, ACCOUNT);
  deposit_event(topics, sizeof topics, data, length);
}

static void tell_transfer(const u8 *from, const u8 *to, u128 value) {
  u8 data[2 + 2 * ACCOUNT + 16], *at = data;
  *at++ = from != 0;
  if (from) {
    memcpy(at, from, ACCOUNT);
    at += ACCOUNT;
  }
  *at++ = 1;
  memcpy(at, to, ACCOUNT);
  memcpy(at + ACCOUNT, &value, 16);
  tell(TRANSFER, from, to, data, (u32)(at - data) + ACCOUNT + 16);
}

static void shift(const u8 *from, const u8 *to, u128 value) {
  u128 has = balance(from);
  if (has < value) error(INSUFFICIENT_BALANCE);
  set_balance(from, has - value);
  u128 more = balance(to) + value;
  if (more < value) __builtin_trap();
  set_balance(to, more);
  tell_transfer(from, to, value);
}

static u32 begin(u8 *by) {
  u32 size = ACCOUNT;
  input_len = INPUT_MAX;
  seal_input(input, &input_len);
  if (input_len < 4) not_understood();
  caller(by, &size);
  return (u32)input[0] << 24 | (u32)input[1] << 16 | (u32)input[2] << 8 | input[3];
}

EXP("deploy") void deploy(void) {
  u8 by[ACCOUNT], key = SUPPLY;
  if (begin(by) != 0x9bae9d5e) not_understood();
  takes(16);
  u128 supply = amount(input + 4);
  set_storage(&key, 1, &supply, 16);
  set_balance(by, supply);
  tell_transfer(0, by, supply);
  seal_return(0, "\0", 1);
}

EXP("call") void call(void) {
  u8 by[ACCOUNT], key[1 + 2 * ACCOUNT] = {SUPPLY};
  const u8 *first = input + 4, *second = first + ACCOUNT, *third = second + ACCOUNT;
  switch (begin(by)) {
    case 0xdb6375a8:  // total_supply
      takes(0);
      number(load(key, 1));
    case 0x0f755a56:  // balance_of
      takes(ACCOUNT);
      number(balance(first));
    case 0x6a00165e:  // allowance
      takes(2 * ACCOUNT);
      allowance_key(key, first, second);
      number(load(key, sizeof key));
    case 0x84a15da1:  // transfer
      takes(ACCOUNT + 16);
      shift(by, first, amount(second));
      ok_unit();
    case 0x681266a0: {  // approve
      takes(ACCOUNT + 16);
      u8 data[2 * ACCOUNT + 16];
      allowance_key(key, by, first);
      set_storage(key, sizeof key, second, 16);
      memcpy(data, by, ACCOUNT);
      memcpy(data + ACCOUNT, first, ACCOUNT + 16);
      tell(APPROVAL, by, first, data, sizeof data);
      ok_unit();
    }
    case 0x0b396f18: {  // transfer_from
      takes(2 * ACCOUNT + 16);
      allowance_key(key, first, by);
      u128 allowed = load(key, sizeof key), value = amount(third);
      if (allowed < value) error(INSUFFICIENT_ALLOWANCE);
      shift(first, second, value);
      allowed -= value;
      set_storage(key, sizeof key, &allowed, 16);
      ok_unit();
    }
    default:
      not_understood();
  }
}
