//! Values of CBOR as the protocol has them: instants are tag 1, in seconds.

use minicbor::data::{Tag, Type};
use minicbor::{Decoder, Encoder};

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Map(Vec<(String, Value)>),
    List(Vec<Value>),
    Text(String),
    Whole(i64),
    Real(f64),
    Instant(f64),
    Flag(bool),
    Nothing,
}

impl Value {
    pub fn map<const N: usize>(entries: [(&str, Value); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        if let Some(Self::Text(text)) = self.get(key) { Some(text) } else { None }
    }

    pub fn whole(&self, key: &str) -> Option<i64> {
        if let Some(Self::Whole(number)) = self.get(key) { Some(*number) } else { None }
    }

    /// An instant in whole seconds.
    pub fn instant(&self, key: &str) -> Option<i64> {
        if let Some(Self::Instant(secs)) = self.get(key) { Some(*secs as i64) } else { None }
    }

    pub fn real(&self, key: &str) -> Option<f64> {
        self.get(key).and_then(number)
    }

    pub fn reals(&self, key: &str) -> Vec<f64> {
        self.list(key).iter().filter_map(number).collect()
    }

    pub fn list(&self, key: &str) -> &[Value] {
        if let Some(Self::List(list)) = self.get(key) { list } else { &[] }
    }

    pub fn texts(&self, key: &str) -> Vec<&str> {
        self.list(key).iter().filter_map(|value| if let Self::Text(text) = value { Some(text.as_str()) } else { None }).collect()
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Real(number) => Some(*number),
        Value::Whole(number) => Some(*number as f64),
        _ => None,
    }
}

/// One whole value; `None`: it is no CBOR, or goes on.
pub fn decode(bytes: &[u8]) -> Option<Value> {
    let mut decoder = Decoder::new(bytes);
    let value = value(&mut decoder).ok()?;
    (decoder.position() == bytes.len()).then_some(value)
}

fn value(decoder: &mut Decoder<'_>) -> Result<Value, minicbor::decode::Error> {
    Ok(match decoder.datatype()? {
        Type::Map | Type::MapIndef => {
            let (left, mut entries) = (decoder.map()?, Vec::new());
            while goes_on(decoder, left, entries.len())? {
                entries.push((decoder.str()?.to_owned(), value(decoder)?));
            }
            Value::Map(entries)
        }
        Type::Array | Type::ArrayIndef => {
            let (left, mut list) = (decoder.array()?, Vec::new());
            while goes_on(decoder, left, list.len())? {
                list.push(value(decoder)?);
            }
            Value::List(list)
        }
        Type::String => Value::Text(decoder.str()?.to_owned()),
        Type::Bool => Value::Flag(decoder.bool()?),
        Type::F32 => Value::Real(decoder.f32()?.into()),
        Type::F64 => Value::Real(decoder.f64()?),
        Type::Null => {
            decoder.null()?;
            Value::Nothing
        }
        Type::Tag => {
            let tag = decoder.tag()?;
            match value(decoder)? {
                Value::Real(secs) if tag == Tag::new(1) => Value::Instant(secs),
                Value::Whole(secs) if tag == Tag::new(1) => Value::Instant(secs as f64),
                other => other,
            }
        }
        _ => Value::Whole(decoder.i64()?),
    })
}

fn goes_on(decoder: &mut Decoder<'_>, length: Option<u64>, read: usize) -> Result<bool, minicbor::decode::Error> {
    match length {
        Some(length) => Ok((read as u64) < length),
        None if decoder.datatype()? == Type::Break => decoder.skip().map(|()| false),
        None => Ok(true),
    }
}

pub fn encode(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder, value);
    encoder.into_writer()
}

fn write(encoder: &mut Encoder<Vec<u8>>, value: &Value) {
    match value {
        Value::Map(entries) => {
            encoder.map(entries.len() as u64).unwrap();
            for (key, value) in entries {
                encoder.str(key).unwrap();
                write(encoder, value);
            }
        }
        Value::List(list) => {
            encoder.array(list.len() as u64).unwrap();
            for value in list {
                write(encoder, value);
            }
        }
        Value::Text(text) => drop(encoder.str(text).unwrap()),
        Value::Whole(number) => drop(encoder.i64(*number).unwrap()),
        Value::Real(number) => drop(encoder.f64(*number).unwrap()),
        Value::Instant(secs) => drop(encoder.tag(Tag::new(1)).unwrap().f64(*secs).unwrap()),
        Value::Flag(flag) => drop(encoder.bool(*flag).unwrap()),
        Value::Nothing => drop(encoder.null().unwrap()),
    }
}
