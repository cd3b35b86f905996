//! The JSON that contracts of this profile are given and answer.

use super::{hexadecimal, succeeded};
use crate::session::{Queued, Reply, ReplyOn};
use crate::types::{Address, Balance, BlockContext};
use serde_json::{Value, json};

/// What an `{"ok": …}` asks for.
pub(super) struct Response {
    pub messages: Vec<Queued>,
    pub attributes: Vec<(String, String)>,
    pub data: Vec<u8>,
}

pub(super) fn env(block: BlockContext, contract: &Address) -> Vec<u8> {
    let time = block.time.to_string();
    let block = json!({ "height": block.height, "time": time, "chain_id": "unfork" });
    json!({ "block": block, "transaction": null, "contract": { "address": hexadecimal(contract) } }).to_string().into()
}

pub(super) fn info(sender: &Address, value: Balance) -> Vec<u8> {
    let funds = if value == 0 { json!([]) } else { json!([{ "denom": "unit", "amount": value.to_string() }]) };
    json!({ "sender": hexadecimal(sender), "funds": funds }).to_string().into()
}

/// What became of a queued message. An error is told by its number, never by a text.
pub(super) fn reply(reply: &Reply) -> Vec<u8> {
    let result = if succeeded(reply) {
        json!({ "ok": { "events": [], "data": encode_base64(&reply.output), "msg_responses": [] } })
    } else {
        json!({ "error": reply.status.name() })
    };
    let payload = encode_base64(&reply.payload);
    json!({ "id": reply.id, "payload": payload, "gas_used": 0, "result": result }).to_string().into()
}

/// What the contract answered: a response, or its own error. `None`: no answer at all.
pub(super) fn answer(text: &[u8]) -> Option<Result<Response, Vec<u8>>> {
    let answer: Value = serde_json::from_slice(text).ok()?;
    if let Some(error) = answer.get("error") {
        return Some(Err(error.as_str()?.as_bytes().to_vec()));
    }
    let ok = answer.get("ok")?;
    let messages = ok.get("messages")?.as_array()?.iter().map(message).collect::<Option<_>>()?;
    let attribute = |attribute: &Value| {
        let text = |name| attribute.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((text("key")?, text("value")?))
    };
    let attributes = ok.get("attributes")?.as_array()?.iter().map(attribute).collect::<Option<_>>()?;
    let data = match ok.get("data") {
        None | Some(Value::Null) => Vec::new(),
        Some(data) => decode_base64(data.as_str()?)?,
    };
    Some(Ok(Response { messages, attributes, data }))
}

/// The one kind of message that this slice knows: `wasm.execute`.
fn message(message: &Value) -> Option<Queued> {
    let execute = message.get("msg")?.get("wasm")?.get("execute")?;
    let funds = execute.get("funds")?.as_array()?;
    let value = match funds.as_slice() {
        [] => 0,
        [coin] => coin.get("amount")?.as_str()?.parse().ok()?,
        _ => return None,
    };
    let reply_on = match message.get("reply_on")?.as_str()? {
        "never" => ReplyOn::Never,
        "success" => ReplyOn::Success,
        "error" => ReplyOn::Error,
        "always" => ReplyOn::Always,
        _ => return None,
    };
    let payload = message.get("payload").and_then(Value::as_str).map_or(Some(Vec::new()), decode_base64)?;
    Some(Queued {
        callee: Address::new(&decode_hexadecimal(execute.get("contract_addr")?.as_str()?)?)?,
        value,
        input: decode_base64(execute.get("msg")?.as_str()?)?,
        gas: message.get("gas_limit").and_then(Value::as_u64).unwrap_or(0),
        reply_on,
        id: message.get("id")?.as_u64()?,
        payload,
    })
}

fn decode_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode_base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let word = part.iter().chain([0, 0].iter()).take(3).fold(0usize, |word, byte| word << 8 | usize::from(*byte));
        for place in 0..4usize {
            let digit = DIGITS.get(word >> (18usize.saturating_sub(place.saturating_mul(6))) & 63);
            text.push(if place > part.len() { '=' } else { digit.map_or('=', |digit| char::from(*digit)) });
        }
    }
    text
}

/// Only what [`encode_base64`] writes is read.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').bytes();
    let digits: Vec<usize> =
        digits.map(|byte| DIGITS.iter().position(|digit| *digit == byte)).collect::<Option<_>>()?;
    let mut bytes = Vec::new();
    for part in digits.chunks(4) {
        let word = part.iter().chain([0; 3].iter()).take(4).fold(0usize, |word, digit| word << 6 | digit);
        let whole = [word >> 16, word >> 8, word].map(|byte| u8::try_from(byte & 255).unwrap_or(0));
        bytes.extend_from_slice(whole.get(..part.len().checked_sub(1)?)?);
    }
    (encode_base64(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{decode_base64, encode_base64};

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (bytes, text) in cases {
            assert_eq!(encode_base64(bytes.as_bytes()), text);
            assert_eq!(decode_base64(text).as_deref(), Some(bytes.as_bytes()));
        }
        for wrong in ["Z", "Zg", "Zg=", "Zh==", "Zg==Zg==", "Z-8="] {
            assert_eq!(decode_base64(wrong), None, "{wrong}");
        }
    }
}
