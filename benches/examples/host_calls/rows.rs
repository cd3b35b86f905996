//! The calls that are measured.

/// Where the input lies: keys, signatures, messages.
const INPUT: u32 = 1_024;
/// Where a function writes, and how much it may.
const OUT: u32 = 65_536;
const OUT_MAX: u32 = 32_768;
/// The word that says how much it may, and then how much it has.
const OUT_LEN: u32 = 16;

/// One function with its arguments.
pub struct Row {
    /// What it does.
    pub name: String,
    /// What lies at [`INPUT`].
    pub data: Vec<u8>,
    import: (&'static str, &'static str),
    arguments: Vec<u32>,
    /// Whether it answers with a word.
    answers: bool,
    /// The call itself, for the one that takes another kind of arguments: `call`.
    body: Option<String>,
}

impl Row {
    fn new(name: impl Into<String>, import: (&'static str, &'static str), arguments: &[u32], answers: bool) -> Self {
        Self { name: name.into(), data: Vec::new(), import, arguments: arguments.to_vec(), answers, body: None }
    }

    fn with(self, data: Vec<u8>) -> Self {
        Self { data, ..self }
    }

    /// The contract, whose loop takes `turns`.
    pub fn module(&self, turns: u32) -> String {
        let (module, name) = self.import;
        let words = "i32 ".repeat(self.arguments.len());
        let parameters = if self.body.is_some() { "i32 i32 i64 i32 i32 i32 i32 i32" } else { &words };
        let result = if self.answers { "(result i32)" } else { "" };
        let arguments: String =
            self.arguments.iter().map(|word| format!("(i32.const {})", word.cast_signed())).collect();
        let once = format!("(call $it {arguments})");
        let once = self.body.clone().unwrap_or(once);
        let once = if self.answers { format!("(drop {once})") } else { once };
        format!(
            r#"(module
              (import "{module}" "{name}" (func $it (param {parameters}) {result}))
              {imports}
              (memory 2 2)
              (func (export "deploy"))
              (func (export "call") (local $turns i32)
                (i32.store (i32.const {OUT_LEN}) (i32.const {OUT_MAX}))
                (call $input (i32.const {INPUT}) (i32.const {OUT_LEN}))
                (if (i32.eqz (i32.load (i32.const {OUT_LEN}))) (then return))
                (i32.store (i32.const {OUT_LEN}) (i32.const {OUT_MAX}))
                (call $address (i32.const 32) (i32.const {OUT_LEN}))
                (local.set $turns (i32.const {turns}))
                (loop $next
                  (i32.store (i32.const {OUT_LEN}) (i32.const {OUT_MAX}))
                  {once}
                  (br_if $next (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))))"#,
            imports = r#"(import "seal0" "input" (func $input (param i32 i32)))
              (import "seal0" "address" (func $address (param i32 i32)))"#,
        )
    }
}

/// All of them.
pub fn rows() -> Vec<Row> {
    let mut rows = vec![Row::new("noop", ("seal0", "noop"), &[], false)];
    for name in ["caller", "address", "balance", "now", "value_transferred", "minimum_balance", "block_number"] {
        rows.push(Row::new(name, ("seal0", name), &[OUT, OUT_LEN], false));
    }
    rows.push(Row::new("gas_left", ("seal0", "gas_left"), &[OUT, OUT_LEN], false));
    rows.push(Row::new("own_code_hash", ("seal0", "own_code_hash"), &[OUT, OUT_LEN], false));
    rows.push(Row::new("is_contract", ("seal0", "is_contract"), &[32], true));
    rows.push(Row::new("code_hash", ("seal0", "code_hash"), &[32, OUT, OUT_LEN], true));
    for bytes in [32, 1_024, 16_000] {
        rows.push(
            Row::new(format!("input of {bytes}"), ("seal0", "input"), &[OUT, OUT_LEN], false).with(vec![1; bytes]),
        );
    }
    storage(&mut rows);
    crypto(&mut rows);
    for (topics, bytes) in [(0, 32), (0, 1_024), (4, 32)] {
        // A compact count, then topics of 32 bytes.
        let mut data = vec![topics * 4];
        data.extend((1..=topics).flat_map(|topic| [topic; 32]));
        let arguments = if topics == 0 { [0, 0, OUT, bytes] } else { [INPUT, 1 + 32 * u32::from(topics), OUT, bytes] };
        let name = format!("deposit_event of {bytes}, {topics} topics");
        rows.push(Row::new(name, ("seal0", "deposit_event"), &arguments, false).with(data));
    }
    for bytes in [0, 256] {
        rows.push(
            Row::new(format!("debug_message of {bytes}"), ("seal0", "debug_message"), &[INPUT, bytes], true)
                .with(vec![b'a'; 256]),
        );
    }
    rows.push(
        Row::new("transfer of nothing", ("seal0", "transfer"), &[INPUT, 32, INPUT + 32, 16], true)
            .with([vec![9; 32], vec![0; 16]].concat()),
    );
    let body = format!(
        "(call $it (i32.const 8) (i32.const 32) (i64.const 0) (i32.const {OUT}) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0))"
    );
    rows.push(Row { body: Some(body), ..Row::new("call of itself, which returns", ("seal1", "call"), &[], true) });
    rows.into_iter().map(|row| if row.data.is_empty() { row.with(vec![1]) } else { row }).collect()
}

fn storage(rows: &mut Vec<Row>) {
    let key = [INPUT, 32];
    for bytes in [32, 1_024, 16_000] {
        let value = [INPUT, bytes];
        for (kind, module) in [("", "seal2"), ("transient_", "seal0")] {
            let set: &'static str = if kind.is_empty() { "set_storage" } else { "set_transient_storage" };
            let name = format!("set_{kind}storage of {bytes}");
            rows.push(Row::new(name, (module, set), &[key, value].concat(), true).with(vec![7; 16_384]));
        }
    }
    for (name, import, arguments) in [
        ("get_storage of nothing", ("seal1", "get_storage"), vec![INPUT, 32, OUT, OUT_LEN]),
        ("contains_storage", ("seal1", "contains_storage"), key.to_vec()),
        ("clear_storage of nothing", ("seal1", "clear_storage"), key.to_vec()),
        ("take_storage of nothing", ("seal0", "take_storage"), vec![INPUT, 32, OUT, OUT_LEN]),
        ("get_transient_storage of nothing", ("seal0", "get_transient_storage"), vec![INPUT, 32, OUT, OUT_LEN]),
        ("contains_transient_storage", ("seal0", "contains_transient_storage"), key.to_vec()),
        ("storage_next of nothing", ("unfork0", "storage_next"), vec![INPUT, 32, 0, 0, 0, OUT, OUT_LEN]),
    ] {
        rows.push(Row::new(name, import, &arguments, true).with(vec![7; 32]));
    }
}

fn crypto(rows: &mut Vec<Row>) {
    for (name, import) in [
        ("hash_sha2_256", ("seal0", "hash_sha2_256")),
        ("hash_keccak_256", ("seal0", "hash_keccak_256")),
        ("hash_blake2_256", ("seal0", "hash_blake2_256")),
        ("hash_blake2_128", ("seal0", "hash_blake2_128")),
    ] {
        for bytes in [0, 1_024, 16_384] {
            rows.push(
                Row::new(format!("{name} of {bytes}"), import, &[INPUT, bytes, OUT], false).with(vec![3; 16_384]),
            );
        }
    }
    let message = [5; 32];
    let key = k256::ecdsa::SigningKey::from_slice(&[9; 32]).expect("a key");
    let (signature, id) = key.sign_prehash_recoverable(&message);
    let signed = [signature.to_bytes().as_slice(), &[id.to_byte()], &message].concat();
    rows.push(Row::new("ecdsa_recover", ("seal0", "ecdsa_recover"), &[INPUT, INPUT + 65, OUT], true).with(signed));
    let public = key.verifying_key().to_sec1_point(true).as_bytes().to_vec();
    rows.push(Row::new("ecdsa_to_eth_address", ("seal0", "ecdsa_to_eth_address"), &[INPUT, OUT], true).with(public));
    // A key, and a signature by another: checking takes as long.
    let key = "7c0f469d3bd340bae718203fa30ca071a5e37c751e891dbded837b213d45d91d";
    let signature = "7649ecfda2130d90d6bb3f017401c4dfb2f5d4232e9c4cac0da6ab4c00285f38\
                     a2ac93d184267cd35fe2c74ed0f26e41e527bc9084a363402d93c32d1826e88e";
    let bytes = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal")).collect()
    };
    for length in [32, 16_000] {
        let data = [bytes(signature), bytes(key), vec![0; 16_000]].concat();
        let arguments = [INPUT, INPUT + 64, length, INPUT + 96];
        rows.push(
            Row::new(format!("sr25519_verify of {length}"), ("seal0", "sr25519_verify"), &arguments, true).with(data),
        );
    }
}
