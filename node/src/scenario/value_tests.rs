//! Encodings are checked against bytes written by hand from the SCALE specification.
use super::*;

fn one_of_each() -> Labels {
    let mut labels = Labels::default();
    labels.name_address("alice", [0xaa; 32]);
    labels.name_code("token", [0xcc; 32]);
    labels
}

fn encode(json: &str) -> Result<String, String> {
    let data: Data = serde_json::from_str(json).map_err(|error| error.to_string())?;
    data.encode(&one_of_each()).map(hex::encode).map_err(|error| error.to_string())
}

fn input(json: &str) -> Result<String, String> {
    let input: Input = serde_json::from_str(json).map_err(|error| error.to_string())?;
    input.encode(Entry::Message, None, &one_of_each()).map(hex::encode).map_err(|error| error.to_string())
}

#[test]
fn values_encode_as_scale_says() {
    let (aa, cc) = ("aa".repeat(32), "cc".repeat(32));
    let cases: &[(&str, &str)] = &[
        (r#""0x0102""#, "0102"),
        (r#"{"bool": true}"#, "01"),
        (r#"{"u8": 255}"#, "ff"),
        (r#"{"u16": 258}"#, "0201"),
        (r#"{"u32": "1_000"}"#, "e8030000"),
        (r#"{"u64": 18446744073709551615}"#, "ffffffffffffffff"),
        (r#"{"u128": "340282366920938463463374607431768211455"}"#, "ffffffffffffffffffffffffffffffff"),
        (r#"{"i8": -1}"#, "ff"),
        (r#"{"i32": "-2"}"#, "feffffff"),
        (r#"{"i128": "-170141183460469231731687303715884105728"}"#, "00000000000000000000000000000080"),
        (r#"{"compact": 63}"#, "fc"),
        (r#"{"compact": 64}"#, "0101"),
        (r#"{"compact": 16384}"#, "02000100"),
        (r#"{"string": "hé"}"#, "0c68c3a9"),
        (r#"{"bytes": "0xff00"}"#, "08ff00"),
        (r#"{"raw": "0xff00"}"#, "ff00"),
        (r#"{"account": "alice"}"#, &aa),
        (r#"{"contract": "alice"}"#, &aa),
        (r#"{"code": "token"}"#, &cc),
        (r#"{"vec": [{"u8": 1}, {"u8": 2}]}"#, "080102"),
        (r#"{"tuple": [{"u8": 1}, {"bool": false}]}"#, "0100"),
        (r#"{"tuple": []}"#, ""),
        (r#"{"option": null}"#, "00"),
        (r#"{"option": {"u8": 7}}"#, "0107"),
        (r#"{"ok": {"tuple": []}}"#, "00"),
        (r#"{"err": {"variant": {"index": 3, "fields": [{"u8": 9}]}}}"#, "010309"),
        (r#"{"fill": {"byte": 5, "count": 3}}"#, "050505"),
    ];
    for (json, expected) in cases {
        assert_eq!(encode(json).as_deref(), Ok(*expected), "{json}");
    }
}

#[test]
fn hashes_are_taken_as_written() {
    let digits = "0123456789abcdef".repeat(4);
    assert_eq!(encode(&format!(r#"{{"hash": "0x{digits}"}}"#)).as_deref(), Ok(digits.as_str()));
    assert_eq!(encode(&format!(r#"{{"account": "0x{digits}"}}"#)).as_deref(), Ok(digits.as_str()));
}

#[test]
fn messages_begin_with_their_selector() {
    assert_eq!(input(r#"{"message": "flip"}"#).as_deref(), Ok("633aa551"));
    assert_eq!(input(r#"{"constructor": "new", "args": [{"bool": true}]}"#).as_deref(), Ok("9bae9d5e01"));
    assert_eq!(input(r#"{"selector": "0x01020304", "args": [{"u8": 5}]}"#).as_deref(), Ok("0102030405"));
    assert_eq!(input(r#"{"args": [{"u8": 5}]}"#).as_deref(), Ok("05"));
    assert_eq!(input(r#""0xabcd""#).as_deref(), Ok("abcd"));
}

#[test]
fn what_cannot_be_encoded_says_where_and_why() {
    let cases: &[(&str, &str)] = &[
        (r#"{"args": [{"u8": 1}, {"vec": [{"u8": 256}]}]}"#, "args[1].vec[0].u8: 256 does not fit, 0 to 255 do"),
        (r#"{"args": [{"u32": -1}]}"#, "args[0].u32: -1 does not fit, 0 to 4294967295 do"),
        (r#"{"args": [{"i8": 128}]}"#, "args[0].i8: 128 does not fit, -128 to 127 do"),
        (r#"{"args": [{"account": "bob"}]}"#, "args[0].account: there is no account or contract \"bob\" at this point"),
        (r#"{"args": [{"code": "bob"}]}"#, "args[0].code: there is no code \"bob\" at this point"),
        (r#"{"args": [{"fill": {"byte": 0, "count": 4294967295}}]}"#, "args[0].fill: the value exceeds 16777216 bytes"),
        (r#"{"selector": "0x010203"}"#, "selector: has 3 bytes, 4 are needed"),
        (r#"{"message": "a", "constructor": "b"}"#, "give one of selector, message and constructor"),
    ];
    for (json, expected) in cases {
        assert_eq!(input(json).as_ref().map_err(String::as_str), Err(*expected), "{json}");
    }
}

#[test]
fn what_is_no_value_is_refused() {
    let cases: &[(&str, &str)] = &[
        (r#"{"u7": 1}"#, "unknown variant `u7`"),
        (r#"{"u8": 1, "u16": 2}"#, "\"u16\" is a second one"),
        (r#"{"u8": 1.5}"#, "an integer"),
        (r#"{"u8": ""}"#, "an integer"),
        (r#"{"u8": "_1"}"#, "an integer"),
        (r#"{"u8": "+1"}"#, "an integer"),
        (r#"{"u128": "340282366920938463463374607431768211456"}"#, "an integer"),
        (r#"{"variant": {"index": 256}}"#, "u8"),
        (r#"{"variant": {"index": 0, "name": "x"}}"#, "unknown field `name`"),
        (r#"{}"#, "expected enum"),
        (r#"7"#, "a string \"0x…\" or an object"),
        (r#""7""#, "does not start with 0x"),
    ];
    for (json, expected) in cases {
        let error = encode(json).expect_err(json);
        assert!(error.contains(expected), "{json}: {error}");
    }
}
