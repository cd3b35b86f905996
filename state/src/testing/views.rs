//! What every implementation of [`StateView`] must answer: `views.txt`, written by hand.

use std::ops::Bound;
use std::str::FromStr;
use std::sync::Arc;

use crate::key::{Key, Order, Range, Space};
use crate::overlay::Overlay;
use crate::view::{StateView, Value};

const LIST: &str = include_str!("../../views.txt");

/// Makes a view that holds exactly these values.
pub type MakeView<'a> = dyn Fn(&[(Key, Value)]) -> Arc<dyn StateView> + 'a;

/// Compares the views that `make` makes with the list of questions and answers in `state/views.txt`: values, lengths, scans of
/// all kinds, and the same through an [`Overlay`] with changes. For whoever implements [`StateView`]. Returns the number of
/// answers that were compared.
///
/// # Errors
/// The line of the list, and what the view answered.
pub fn check_view(make: &MakeView<'_>) -> Result<usize, String> {
    let lines: Vec<(usize, &str)> =
        LIST.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).collect();
    let mut values = Vec::new();
    for (_, line) in &lines {
        if let Some(rest) = line.strip_prefix("value ") {
            let (key, value) = parts(rest)?;
            values.push((key_of(key)?, bytes(value)?.into()));
        }
    }
    values.sort_by(|(one, _): &(Key, Value), (other, _)| one.cmp(other));
    let view = make(&values);
    let mut asked = Asked { values, overlay: Overlay::new(view.clone()), view, changed: false, answers: 0 };
    for (index, line) in lines {
        asked.line(line).map_err(|wrong| format!("views.txt, line {}: {line}: {wrong}", index.saturating_add(1)))?;
    }
    Ok(asked.answers)
}

struct Asked {
    values: Vec<(Key, Value)>,
    view: Arc<dyn StateView>,
    overlay: Overlay,
    /// Whether the overlay is asked.
    changed: bool,
    answers: usize,
}

impl Asked {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let (verb, rest) = line.split_once(' ').ok_or("a line without a question")?;
        match verb {
            "value" => {
                let (key, value) = parts(rest)?;
                let length = bytes(value)?.len().to_string();
                self.get(key, value)?;
                self.length(key, &length)
            }
            "get" => parts(rest).and_then(|(key, value)| self.get(key, value)),
            "length" => parts(rest).and_then(|(key, length)| self.length(key, length)),
            "scan" => parts(rest).and_then(|(range, found)| self.scan(range, found)),
            "put" => {
                let (key, value) = parts(rest)?;
                self.changed = true;
                self.overlay.put(key_of(key)?, bytes(value)?.into());
                Ok(())
            }
            "remove" => {
                self.changed = true;
                self.overlay.remove(&key_of(rest.trim())?);
                Ok(())
            }
            _ => Err("no such question".to_owned()),
        }
    }

    fn get(&mut self, key: &str, expected: &str) -> Result<(), String> {
        let key = key_of(key)?;
        let found = if self.changed { self.overlay.get(&key) } else { self.view.get(&key) };
        let found = found.map_err(|error| error.to_string())?;
        let expected = (expected != "absent").then(|| bytes(expected)).transpose()?;
        self.compare(&found.as_deref(), &expected.as_deref())
    }

    fn length(&mut self, key: &str, expected: &str) -> Result<(), String> {
        let key = key_of(key)?;
        let found = if self.changed { self.overlay.length(&key) } else { self.view.length(&key) };
        let found = found.map_err(|error| error.to_string())?;
        let expected = (expected != "absent").then(|| number(expected)).transpose()?;
        self.compare(&found, &expected)
    }

    fn scan(&mut self, range: &str, expected: &str) -> Result<(), String> {
        let [space, from, to, order, limit] = *range.split_whitespace().collect::<Vec<_>>() else {
            return Err("a scan has a space, two bounds, an order and a limit".to_owned());
        };
        let order = if order == "forward" { Order::Forward } else { Order::Backward };
        let limit = number(limit)?;
        let range = Range { space: space_of(space)?, from: lower(from)?, to: upper(to)?, order };
        let (items, passed) = if self.changed {
            let scanned = self.overlay.scan(&range, limit).map_err(|error| error.to_string())?;
            let end = if scanned.finished { "." } else { "…" };
            (scanned.items, vec![scanned.tombstones.to_string(), end.to_owned()])
        } else {
            (self.view.scan(&range, limit).map_err(|error| error.to_string())?, Vec::new())
        };
        for (key, value) in &items {
            let held = if self.changed {
                self.overlay.get(key).map_err(|error| error.to_string())?
            } else {
                self.values.iter().find(|(other, _)| other == key).map(|(_, value)| value.clone())
            };
            self.compare(&Some(value), &held.as_ref())?;
        }
        let found: Vec<String> = items.iter().map(|(key, _)| hexadecimal(key.raw())).chain(passed).collect();
        self.compare(&found.join(" ").as_str(), &expected)
    }

    fn compare<T: PartialEq + std::fmt::Debug>(&mut self, found: &T, expected: &T) -> Result<(), String> {
        self.answers = self.answers.saturating_add(1);
        if found == expected { Ok(()) } else { Err(format!("the answer is {found:02x?}")) }
    }
}

/// What stands before and behind the equals sign.
fn parts(text: &str) -> Result<(&str, &str), String> {
    let (before, after) = text.split_once('=').ok_or("no answer")?;
    Ok((before.trim(), after.trim()))
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

/// Bytes in hexadecimal, `-` for none.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.trim_start_matches('-').as_bytes();
    let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    digits.chunks(2).map(byte).collect::<Option<_>>().ok_or_else(|| format!("{text} is not hexadecimal"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".to_owned() } else { bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
}

fn space_of(name: &str) -> Result<Space, String> {
    let space = match name {
        "system" => Ok(Space::system()),
        "a" => Space::storage(&[0x0a], 1),
        "b" => Space::storage(&[0x0a], 2),
        "c" => Space::storage(&[0x0a, 0], 1),
        "z" => Space::storage(&[0xff; 64], u64::MAX),
        _ => return Err(format!("there is no space {name}")),
    };
    space.map_err(|error| error.to_string())
}

fn key_of(text: &str) -> Result<Key, String> {
    let (space, raw) = text.split_once('/').ok_or("a key has a space and a raw key")?;
    Ok(Key::new(&space_of(space)?, &bytes(raw)?))
}

fn lower(text: &str) -> Result<Bound<Vec<u8>>, String> {
    Ok(match (text.strip_prefix('['), text.strip_prefix('(')) {
        (Some(raw), _) => Bound::Included(bytes(raw)?),
        (_, Some(raw)) => Bound::Excluded(bytes(raw)?),
        _ => Bound::Unbounded,
    })
}

fn upper(text: &str) -> Result<Bound<Vec<u8>>, String> {
    Ok(match (text.strip_suffix(']'), text.strip_suffix(')')) {
        (Some(raw), _) => Bound::Included(bytes(raw)?),
        (_, Some(raw)) => Bound::Excluded(bytes(raw)?),
        _ => Bound::Unbounded,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    use super::check_view;
    use crate::changes::ChangeSet;
    use crate::error::StateError;
    use crate::key::{Key, Order, Range};
    use crate::overlay::Overlay;
    use crate::store::Store;
    use crate::view::{EmptyView, Layer, StateView, Value};
    use std::sync::Arc;

    fn store(values: &[(Key, Value)]) -> Store {
        Store::memory([1; 32], ChangeSet::genesis(values.iter().cloned()), [2; 32], Vec::new()).unwrap()
    }

    fn layer(base: Arc<dyn StateView>, values: &[(Key, Value)]) -> Arc<dyn StateView> {
        Arc::new(Layer { base, changes: Arc::new(ChangeSet::genesis(values.iter().cloned())) })
    }

    #[test]
    fn views_of_stores_and_of_uncommitted_blocks_answer_as_the_list_says() {
        let answers = check_view(&|values| store(values).view()).unwrap();
        assert!(answers > 100, "{answers}");
        // Half below and half above, in both ways there are to put something above.
        let halves = |values: &[(Key, Value)]| {
            let half = |odd: usize| values.iter().skip(odd).step_by(2).cloned().collect::<Vec<_>>();
            (half(0), half(1))
        };
        let layered = check_view(&|values| {
            let (below, above) = halves(values);
            layer(layer(Arc::new(EmptyView), &below), &above)
        });
        let pending = check_view(&|values| {
            let (below, above) = halves(values);
            let store = store(&below);
            let (_, pending) = store.prepare([2; 32], ChangeSet::genesis(above)).unwrap();
            pending.view()
        });
        let earlier = check_view(&|values| {
            let mut store = store(values);
            let view = store.view();
            let mut removed = Overlay::new(view.clone());
            values.iter().for_each(|(key, _)| removed.remove(key));
            let (_, pending) = store.prepare([2; 32], removed.into_changes()).unwrap();
            store.commit(pending, 1, [3; 32], Vec::new()).unwrap();
            view
        });
        assert_eq!([layered, pending, earlier], [Ok(answers), Ok(answers), Ok(answers)]);
    }

    /// A view with one thing wrong.
    struct Wrong(Arc<dyn StateView>, u8);

    impl StateView for Wrong {
        fn get(&self, key: &Key) -> Result<Option<Value>, StateError> {
            let value = self.0.get(key)?;
            Ok(if self.1 == 0 { value.filter(|value| !value.is_empty()) } else { value })
        }

        fn length(&self, key: &Key) -> Result<Option<u32>, StateError> {
            let length = self.0.length(key)?;
            Ok(if self.1 == 1 { length.or(Some(0)) } else { length })
        }

        fn scan(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Value)>, StateError> {
            let limited = self.0.scan(range, limit)?;
            Ok(match self.1 {
                // The limit is taken of the other end.
                2 if range.order == Order::Backward => {
                    let mut found = self.0.scan(&Range { order: Order::Forward, ..range.clone() }, limit)?;
                    found.reverse();
                    found
                }
                3 => limited.into_iter().filter(|(key, _)| !key.raw().is_empty()).collect(),
                4 => self.0.scan(range, usize::MAX)?,
                _ => limited,
            })
        }
    }

    #[test]
    fn what_a_view_gets_wrong_is_noticed() {
        assert!(check_view(&|values| Arc::new(Wrong(store(values).view(), 9))).is_ok());
        for wrong in 0..5 {
            let noticed = check_view(&|values| Arc::new(Wrong(store(values).view(), wrong)));
            assert!(noticed.as_ref().is_err_and(|what| what.starts_with("views.txt, line ")), "{wrong}: {noticed:?}");
        }
    }
}
