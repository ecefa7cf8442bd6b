//! Signed tokens before anybody trusts them: their shape, read more strictly than the parsers of the libraries do. What a token means is
//! decided by those who verify its signature.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// Headers that carry or name a key, or change what is signed. Whoever sends one wants to choose the key.
const INJECTIONS: [&str; 8] = ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc"];
/// The same without the key itself, which a proof of possession must carry.
const PROOF_INJECTIONS: [&str; 7] = ["jku", "x5u", "x5c", "crit", "b64", "zip", "enc"];

pub(super) type Object = Map<String, Value>;

/// What a token says, believed by nobody yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    pub(super) header: Object,
    pub(super) claims: Object,
}

impl Shape {
    /// A token: three parts of base64url, the first two JSON objects that name nothing twice, and no key brought along.
    pub(super) fn of_token(token: &str, bytes_max: usize) -> Option<Self> {
        Self::without(&INJECTIONS, token, bytes_max)
    }

    /// A proof of possession, which brings its key.
    pub(super) fn of_proof(proof: &str, bytes_max: usize) -> Option<Self> {
        Self::without(&PROOF_INJECTIONS, proof, bytes_max)
    }

    fn without(injections: &[&str], token: &str, bytes_max: usize) -> Option<Self> {
        if token.len() > bytes_max {
            return None;
        }
        let mut parts = token.split('.');
        let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || signature.is_empty() {
            return None;
        }
        URL_SAFE_NO_PAD.decode(signature).ok()?;
        let shape = Self {
            header: object(header)?,
            claims: object(claims)?,
        };
        let clean = injections.iter().all(|name| !shape.header.contains_key(*name));
        clean.then_some(shape)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.header.get(name)?.as_str()
    }

    pub(super) fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// Seconds, as a whole number: neither a text nor a fraction is a time here.
    pub(super) fn time(&self, name: &str) -> Option<i64> {
        self.claims.get(name)?.as_i64()
    }
}

fn object(part: &str) -> Option<Object> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    strict_object(&bytes)
}

/// A JSON object in which no name stands twice, at any depth: where it does, two readers may take different values for true.
pub(crate) fn strict_object(text: &[u8]) -> Option<Object> {
    match serde_json::from_slice::<Strict>(text).ok()?.0 {
        Value::Object(object) => Some(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = vec![];
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some((name, Strict(value))) = members.next_entry::<String, Strict>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!(
            "{}.{}.c2ln",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        )
    }

    fn shape(text: &str) -> Option<Shape> {
        Shape::of_token(text, 4_096)
    }

    #[test]
    fn the_parts_of_a_token_are_read() {
        let shape = shape(&token(
            r#"{"alg":"ES256","kid":"a"}"#,
            r#"{"iss":"b","exp":7,"nbf":1.5}"#,
        ))
        .expect("a shape");
        assert_eq!(
            (shape.header("kid"), shape.claim("iss"), shape.time("exp")),
            (Some("a"), Some("b"), Some(7))
        );
        assert_eq!((shape.time("nbf"), shape.time("iss")), (None, None));
    }

    #[test]
    fn what_is_no_token_has_no_shape() {
        let (header, claims) = (r#"{"alg":"ES256"}"#, r#"{"iss":"b"}"#);
        let good = token(header, claims);
        for text in [
            "",
            ".",
            "..",
            "...",
            "a.b.c",
            "x",
            &format!("{good}.x"),
            &format!("{good}="),
            &format!("{good} "),
            &good.replace(".c2ln", "."),
            &good.replace(".c2ln", ""),
            &token("[]", claims),
            &token(header, "[]"),
            &token(header, "7"),
            &token(header, "{} x"),
            &token(header, r#"{"a":1,"a":1}"#),
            &token(r#"{"alg":"none","alg":"ES256"}"#, claims),
            &token(header, r#"{"a":{"b":1,"b":2}}"#),
            &token(header, &format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))),
        ] {
            assert_eq!(shape(text), None, "{text}");
        }
        assert!(shape(&good).is_some());
        assert_eq!(Shape::of_token(&good, good.len() - 1), None);
    }

    #[test]
    fn a_key_brought_along_takes_the_shape_away() {
        for name in INJECTIONS {
            let header = format!(r#"{{"alg":"ES256","{name}":{{}}}}"#);
            assert_eq!(shape(&token(&header, "{}")), None, "{name}");
        }
        assert!(Shape::of_proof(&token(r#"{"alg":"ES256","jwk":{}}"#, "{}"), 4_096).is_some());
    }
}
