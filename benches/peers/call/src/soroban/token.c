// The token for Soroban's interface. A value is 64 bits, its low byte the type: 2 nothing, 4 u32, 6 u64 of up to 56 bits,
// 14 a short symbol. Addresses are handles, passed on as they come.
typedef unsigned long long Value;
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name), used))
IMPORT("l", "_") Value put(Value key, Value value, Value kind);
IMPORT("l", "1") Value get(Value key, Value kind);
IMPORT("v", "g") Value vec(Value at, Value length);
IMPORT("x", "1") Value event(Value topics, Value data);

#define NOTHING 2
#define U32(number) (((Value)(number) << 32) | 4)
#define PERSISTENT 1
// "transfer", six bits a letter.
#define TRANSFER 0xe779b3e2bab70eULL

// The interface: protocol 22, no preview.
__asm__(".section .custom_section.contractenvmetav0,\"\",@\n"
        ".int8 0\n.int8 0\n.int8 0\n.int8 0\n.int8 0\n.int8 0\n.int8 0\n.int8 22\n"
        ".int8 0\n.int8 0\n.int8 0\n.int8 0\n.text\n");

static Value topics[3];

EXPORT("noop") Value noop(void) { return NOTHING; }

EXPORT("transfer") Value transfer(Value from, Value to, Value amount) {
    Value moved = amount >> 8, held = get(from, PERSISTENT) >> 8;
    if (held < moved) __builtin_trap();
    put(from, ((held - moved) << 8) | 6, PERSISTENT);
    Value other = get(to, PERSISTENT) >> 8;
    put(to, ((other + moved) << 8) | 6, PERSISTENT);
    topics[0] = TRANSFER; topics[1] = from; topics[2] = to;
    event(vec(U32((unsigned)topics), U32(3)), amount);
    return NOTHING;
}
