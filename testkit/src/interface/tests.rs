use super::*;

const FILE: &str = r#"{
  "interface": 1, "contract": "sample",
  "types": {
    "Order": {"struct": [{"name": "owner", "type": "address"}, {"name": "amount", "type": "u128"}]},
    "Pair": {"struct": ["u8", "i16"]},
    "State": {"enum": [{"name": "Empty"}, {"name": "Open", "fields": ["Order"]},
                       {"name": "Shut", "index": 9, "fields": [{"name": "at", "type": "u64"}]}]},
    "List": {"alias": "vec<Pair>", "docs": "Pairs."},
    "Loop": {"struct": ["Loop"]}
  },
  "messages": [{"name": "put", "selector": "0x01020304", "args": [{"name": "state", "type": "State"}],
                "returns": "result<option<u32>, string>"},
               {"name": "Token::get", "args": []}]
}"#;

fn sample() -> Interface {
    Interface::parse(FILE).expect("an interface")
}

fn labels() -> Labels {
    let mut labels = Labels::default();
    labels.name_address("bob", [0xbb; 32]);
    labels
}

/// `text` as a value of `kind` has these bytes, and they read back as `again`.
fn check(kind: &str, text: &str, hex: &str, again: &str) {
    let (interface, kind) = (sample(), Type::parse(kind).unwrap());
    let bytes = interface.encode(&kind, text, &labels()).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(hex::encode(&bytes), hex, "{text}");
    assert_eq!(interface.decode(&kind, &bytes, &labels()).unwrap(), again, "{text}");
}

#[test]
fn values_are_scale_and_read_back() {
    let bob = "bb".repeat(32);
    let same = |kind: &str, text: &str, hex: &str| check(kind, text, hex, text);
    same("bool", "true", "01");
    same("u8", "255", "ff");
    same("u32", "1", "01000000");
    check("u128", "1_000", "e8030000000000000000000000000000", "1000");
    same("i8", "-1", "ff");
    same("i16", "-32768", "0080");
    same("i128", "-2", &format!("fe{}", "ff".repeat(15)));
    same("compact<u128>", "64", "0101");
    same("string", r#""a\"b""#, "0c612262");
    same("string", r#""it's, (a) [b] \\""#, &format!("3c{}", hex::encode("it's, (a) [b] \\")));
    same("string", r#""Übermut 🦀""#, &format!("34{}", hex::encode("Übermut 🦀")));
    // What moves cursors or turns directions is shown escaped, and reads back.
    same("string", r#""\u001b[2J\n\u202e\u0085""#, &format!("28{}", hex::encode("\u{1b}[2J\n\u{202e}\u{85}")));
    same("string", r#""\udb40\udc20""#, &format!("10{}", hex::encode("\u{e0020}")));
    same("vec<string>", r#"["a, b", "]", ""]"#, "0c10612c2062045d00");
    same("u128", "340282366920938463463374607431768211455", &"ff".repeat(16));
    same("i128", "-170141183460469231731687303715884105728", &format!("{}80", "00".repeat(15)));
    same("bytes", "0x00ff", "0800ff");
    check("vec<u8>", "0x00ff", "0800ff", "0x00ff");
    same("[u8; 2]", "0x00ff", "00ff");
    check("[u8; 2]", "[0, 255]", "00ff", "0x00ff");
    same("[u16; 2]", "[1, 2]", "01000200");
    same("vec<bool>", "[]", "00");
    same("vec<(u8, bool)>", "[(1, true), (2, false)]", "0801010200");
    same("()", "()", "");
    same("option<u8>", "None", "00");
    same("option<option<u8>>", "Some(Some(7))", "010107");
    same("result<(), string>", r#"Err("no")"#, "01086e6f");
    same("result<(), string>", "Ok(())", "00");
    same("address", "bob", &bob);
    check("address", &format!("0x{bob}"), &bob, "bob");
    same("Pair", "(1, -2)", "01feff");
    same("List", "[(1, -2)]", "0401feff");
    same("State", "Empty", "00");
    same("State", "Shut {at: 5}", "090500000000000000");
    check(
        "State",
        "Open({owner:bob,amount:3})",
        &format!("01{bob}03{}", "00".repeat(15)),
        "Open({owner: bob, amount: 3})",
    );
}

#[test]
fn what_is_no_value_is_refused_with_its_place() {
    let interface = sample();
    let refused = |kind: &str, text: &str| {
        let kind = Type::parse(kind).unwrap();
        interface.encode(&kind, text, &labels()).expect_err(text).to_string()
    };
    assert_eq!(refused("u8", "256"), "256 does not fit u8");
    assert_eq!(refused("i8", "-129"), "-129 does not fit i8");
    assert_eq!(refused("u8", "-1"), "-1 does not fit u8");
    assert_eq!(refused("i8", "--1"), "\"--1\" is no i8");
    let above = "340282366920938463463374607431768211456";
    assert_eq!(refused("u128", above), format!("\"{above}\" is no u128"));
    let half = "170141183460469231731687303715884105728";
    assert_eq!(refused("i128", half), format!("{half} does not fit i128"));
    assert_eq!(refused("u8", "x"), "\"x\" is no u8");
    assert_eq!(refused("bool", "1"), "\"1\" is no bool");
    assert_eq!(refused("address", "carol"), "\"carol\" is no address");
    assert_eq!(refused("[u16; 2]", "[1]"), "2 are needed, 1 are given");
    assert_eq!(refused("(u8, u8)", "(1)"), "2 are needed, 1 are given");
    assert_eq!(refused("(u8, u8)", "(1, 2, 3)"), "2 are needed, more are given");
    assert_eq!(refused("State", "Open({owner: bob, amount: x})"), "amount: \"x\" is no u128");
    assert_eq!(refused("u8", "1 2"), "\"2\" after the value");
    assert_eq!(refused("string", "\"open"), "\"\"open\" is no string");
    let call = |text: &str| interface.message_input(text, &labels());
    assert_eq!(call("Token::get").unwrap(), call("Token::get()").unwrap());
    assert_eq!(hex::encode(call("put(Empty)").unwrap()), "0102030400");
    assert_eq!(call("put()").unwrap_err().to_string(), "put(state: State): 1 are needed, 0 are given");
    assert_eq!(call("pot()").unwrap_err().to_string(), "there is no message \"pot\"; there are: put, Token::get");
    assert_eq!(call("put(Empty) x").unwrap_err().to_string(), "\"x\" after the call");
}

#[test]
fn answers_are_compared_by_value() {
    let interface = sample();
    let put = interface.messages[0].clone();
    let of = |returns: &str| Method { returns: Type::parse(returns).unwrap(), ..put.clone() };
    let is = |returns: &str, text: &str, output: &[u8]| interface.is_answer(&of(returns), text, output, &labels());
    assert_eq!(is("u32", "1_000", &[0, 0xe8, 3, 0, 0]), Ok(true));
    assert_eq!(is("u32", "1001", &[0, 0xe8, 3, 0, 0]), Ok(false));
    assert_eq!(is("address", &format!("0x{}", "bb".repeat(32)), &[[0].as_slice(), &[0xbb; 32]].concat()), Ok(true));
    assert_eq!(is("(u8,u8)", " ( 1 , 2 ) ", &[0, 1, 2]), Ok(true));
    // Spaces count inside a string, and nowhere else.
    let output = [[0, 12].as_slice(), b"a b"].concat();
    assert_eq!(is("string", "\"a b\"", &output), Ok(true));
    assert_eq!(is("string", "\"ab\"", &output), Ok(false));
    // A contract that did not take the call.
    assert_eq!(is("u32", "Err( TakesNoValue )", &[1, 2]), Ok(true));
    assert_eq!(is("u32", "Err(TakesNoValue)", &[1, 1]), Ok(false));
    assert_eq!(is("u32", "Err(TakesNoValue)", &[0, 1, 0, 0, 0]), Ok(false));
    // What can never come is no expectation.
    assert_eq!(is("u32", "Ok(1", &[0, 1, 0, 0, 0]).unwrap_err().to_string(), "\"Ok\" is no u32");
}

#[test]
fn events_are_compared_by_value() {
    let kind = |topic, args: &[(&str, &str)]| EventKind {
        name: "Sent".into(),
        topic,
        args: args
            .iter()
            .map(|(name, kind)| Field { name: (*name).into(), kind: Type::parse(kind).unwrap() })
            .collect(),
    };
    let (one, two) = (kind(Some([1; 32]), &[("value", "u16"), ("note", "string")]), kind(None, &[("other", "u8")]));
    let interface = Interface { events: vec![one, two], ..sample() };
    let event = |topics: &[[u8; 32]], data: &[u8]| Event {
        contract: [7; 32].into(),
        topics: topics.to_vec(),
        data: data.to_vec(),
    };
    let is = |text: &str, event: &Event| interface.is_event(text, event, &labels());
    let first = event(&[[1; 32]], &[0xe8, 3, 12, b'a', b' ', b'b']);
    assert_eq!(is("Sent(value: 1_000, note: \"a b\")", &first), Ok(true));
    assert_eq!(is("Sent(value: 1000, note: \"ab\")", &first), Ok(false));
    assert_eq!(is("Sent(value: 1000, note: \"a b\")", &event(&[[2; 32]], &first.data)), Ok(false));
    assert_eq!(is("Sent(other: 5)", &event(&[], &[5])), Ok(true));
    assert_eq!(is("Sent(other: 5)", &first), Ok(false));
    let refused = |text: &str| is(text, &first).unwrap_err().to_string();
    assert_eq!(refused("Snt(value: 1)"), "there is no event \"Snt\"; there are: Sent, Sent");
    assert_eq!(refused("Sent(other: 500)"), "Sent: other: 500 does not fit u8");
    assert_eq!(refused("Sent(other: 5) and"), "Sent: \"and\" after the event");
}

#[test]
fn bytes_that_are_no_value_are_refused() {
    let interface = sample();
    let refused = |kind: &str, bytes: &[u8]| {
        interface.decode(&Type::parse(kind).unwrap(), bytes, &labels()).expect_err(kind).to_string()
    };
    assert_eq!(refused("u32", &[1, 2]), "4 bytes are wanted, 2 are left");
    assert_eq!(refused("u8", &[1, 2]), "1 bytes more than the type has");
    assert_eq!(refused("bool", &[2]), "2 is no bool");
    assert_eq!(refused("State", &[5]), "State has no variant 5");
    assert_eq!(refused("Loop", &[]), "the value is too large to be shown");
    // 2^30 - 1 elements that have no bytes.
    assert_eq!(refused("vec<()>", &[0xfe, 0xff, 0xff, 0xff]), "the value is too large to be shown");
    assert_eq!(refused("[(); 4294967295]", &[]), "the value is too large to be shown");
}

#[test]
fn types_read_back_as_they_are_spelled() {
    for text in ["u8", "i128", "vec<option<(u8, State)>>", "result<(), Error>", "[[u16; 3]; 2]", "(u8,)", "a::B"] {
        assert_eq!(Type::parse(text).unwrap().to_string(), text);
    }
    for text in ["", "vec", "vec<u8", "[u8]", "u8 u8", "9", "(u8", "compact<bool>"] {
        assert!(Type::parse(text).is_err(), "{text}");
    }
    assert!(Type::parse(&"vec<".repeat(10_000)).is_err());
}

#[test]
fn files_that_are_no_interface_are_refused_with_the_reason() {
    let refused = |text: &str| Interface::parse(text).expect_err(text).to_string();
    assert!(refused("{}").contains("missing field `interface`"));
    assert_eq!(refused(r#"{"interface":2,"contract":"c"}"#), "interface: 2 is not known, this program reads form 1");
    let unknown = r#"{"interface":1,"contract":"c","messages":[{"name":"m","args":[{"name":"a","type":"Nope"}]}]}"#;
    assert_eq!(refused(unknown), "m: the type \"Nope\" is not defined");
    let neither = r#"{"interface":1,"contract":"c","types":{"T":{"docs":"Nothing."}}}"#;
    assert_eq!(refused(neither), "types.T: give one of struct, enum and alias");
    let short = r#"{"interface":1,"contract":"c","messages":[{"name":"m","selector":"0x01"}]}"#;
    assert_eq!(refused(short), "messages.m: the selector has 1 bytes, 4 are needed");
}

/// The parts of ink! 5.1's metadata that matter, as its tools write them.
const INK: &str = r#"{
  "source": {"hash": "0x00"}, "contract": {"name": "token", "version": "0.1.0"}, "version": 5,
  "spec": {
    "constructors": [{"args": [{"label": "supply", "type": {"displayName": ["Balance"], "type": 0}}], "default": false,
      "docs": [], "label": "new", "payable": false, "returnType": {"displayName": [], "type": 1}, "selector": "0x9bae9d5e"}],
    "messages": [{"args": [{"label": "to", "type": {"displayName": ["AccountId"], "type": 3}}], "label": "send",
      "mutates": true, "payable": false, "returnType": {"displayName": [], "type": 6}, "selector": "0x84a15da1"}],
    "events": [{"args": [{"docs": [], "indexed": true, "label": "who", "type": {"displayName": [], "type": 7}}],
      "docs": [], "label": "Sent", "module_path": "token",
      "signature_topic": "0x0101010101010101010101010101010101010101010101010101010101010101"}]
  },
  "storage": {}, "types": [
    {"id": 0, "type": {"def": {"primitive": "u128"}}},
    {"id": 1, "type": {"def": {"variant": {"variants": [{"fields": [{"type": 2}], "index": 0, "name": "Ok"},
      {"fields": [{"type": 8}], "index": 1, "name": "Err"}]}}, "params": [], "path": ["Result"]}},
    {"id": 2, "type": {"def": {"tuple": []}}},
    {"id": 3, "type": {"def": {"composite": {"fields": [{"type": 4, "typeName": "[u8; 32]"}]}},
      "path": ["ink_primitives", "types", "AccountId"]}},
    {"id": 4, "type": {"def": {"array": {"len": 32, "type": 5}}}},
    {"id": 5, "type": {"def": {"primitive": "u8"}}},
    {"id": 6, "type": {"def": {"variant": {"variants": [{"fields": [{"type": 9}], "index": 0, "name": "Ok"},
      {"fields": [{"type": 8}], "index": 1, "name": "Err"}]}}, "path": ["Result"]}},
    {"id": 7, "type": {"def": {"variant": {"variants": [{"index": 0, "name": "None"},
      {"fields": [{"type": 3}], "index": 1, "name": "Some"}]}}, "path": ["Option"]}},
    {"id": 8, "type": {"def": {"variant": {"variants": [{"index": 1, "name": "CouldNotReadInput"}]}},
      "path": ["ink_primitives", "LangError"]}},
    {"id": 9, "type": {"def": {"variant": {"variants": [{"fields": [{"type": 2}], "index": 0, "name": "Ok"},
      {"fields": [{"type": 10}], "index": 1, "name": "Err"}]}}, "path": ["Result"]}},
    {"id": 10, "type": {"def": {"variant": {"variants": [{"index": 0, "name": "Refused",
      "fields": [{"name": "need", "type": 11}]}]}}, "path": ["token", "token", "Error"]}},
    {"id": 11, "type": {"def": {"sequence": {"type": 5}}}}
  ]}"#;

#[test]
fn metadata_of_ink_is_the_same_form() {
    let interface = Interface::parse(INK).expect("metadata");
    assert_eq!(interface.contract, "token");
    let send = &interface.messages[0];
    assert_eq!((send.name.as_str(), send.selector), ("send", [0x84, 0xa1, 0x5d, 0xa1]));
    assert_eq!(send.args, [Field { name: "to".into(), kind: Type::Address }]);
    assert_eq!((send.returns.to_string().as_str(), send.wrapped), ("result<(), Error>", true));
    assert_eq!(interface.constructors[0].args[0].kind, Type::Unsigned(16));
    assert_eq!(interface.describe_output(&interface.constructors[0], &[0, 0], &labels()).unwrap(), "Ok(())");
    assert_eq!(interface.events[0].args[0].kind.to_string(), "option<address>");
    let labels = labels();
    assert_eq!(interface.describe_output(send, &[0, 0], &labels).unwrap(), "Ok(())");
    assert_eq!(interface.describe_output(send, &[0, 1, 0, 4, 7], &labels).unwrap(), "Err(Refused {need: 0x07})");
    assert_eq!(interface.describe_output(send, &[1, 1], &labels).unwrap(), "Err(CouldNotReadInput)");
    let input = interface.message_input("send(bob)", &labels).unwrap();
    assert_eq!(interface.describe_input(send, &input, &labels), "send(to: bob)");
}
