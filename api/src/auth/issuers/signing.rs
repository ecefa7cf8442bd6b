//! The asymmetric algorithms, and keys as JWK sets carry them. A key serves the algorithms of its kind and no other.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};

/// Weaker ones could be broken; larger ones would only cost us time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

/// There is no other kind here: nothing with a shared secret, and not `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SigningAlgorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

use SigningAlgorithm::*;

const NAMES: [(&str, SigningAlgorithm); 9] = [
    ("RS256", Rs256),
    ("RS384", Rs384),
    ("RS512", Rs512),
    ("PS256", Ps256),
    ("PS384", Ps384),
    ("PS512", Ps512),
    ("ES256", Es256),
    ("ES384", Es384),
    ("EdDSA", EdDsa),
];

/// Exactly as RFC 7518 and RFC 8037 write them.
pub fn named(text: &str) -> Option<SigningAlgorithm> {
    NAMES
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, algorithm)| *algorithm)
}

pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

impl From<SigningAlgorithm> for Algorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            Rs256 => Self::RS256,
            Rs384 => Self::RS384,
            Rs512 => Self::RS512,
            Ps256 => Self::PS256,
            Ps384 => Self::PS384,
            Ps512 => Self::PS512,
            Es256 => Self::ES256,
            Es384 => Self::ES384,
            EdDsa => Self::EdDSA,
        }
    }
}

#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) decoding: DecodingKey,
    pub(crate) algorithms: Vec<SigningAlgorithm>,
}

impl Key {
    /// The public key of a JWK, if it may verify signatures and is strong enough.
    pub(crate) fn of(jwk: &Jwk) -> Option<Self> {
        let signs = jwk
            .common
            .public_key_use
            .as_ref()
            .is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
        let verifies = jwk
            .common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        let mut algorithms = kinds(&jwk.algorithm)?;
        if let Some(only) = &jwk.common.key_algorithm {
            let only = serde_json::to_value(only).ok()?;
            let only = named(only.as_str()?)?;
            algorithms.retain(|algorithm| *algorithm == only);
        }
        if !signs || !verifies || algorithms.is_empty() {
            return None;
        }
        let decoding = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self { decoding, algorithms })
    }
}

fn kinds(parameters: &AlgorithmParameters) -> Option<Vec<SigningAlgorithm>> {
    match parameters {
        AlgorithmParameters::RSA(rsa) if RSA_BITS.contains(&bits(&rsa.n)?) => {
            Some(vec![Rs256, Rs384, Rs512, Ps256, Ps384, Ps512])
        }
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Some(vec![Es256]),
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P384 => Some(vec![Es384]),
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Some(vec![EdDsa]),
        // A shared secret, or something from after our time; the enumeration is open.
        _ => None,
    }
}

/// Length of a number in base64url.
fn bits(number: &str) -> Option<usize> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let bytes = URL_SAFE_NO_PAD.decode(number).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some((bytes.len() - first) * 8 - bytes[first].leading_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::*;

    fn key(jwk: Value) -> Option<Vec<SigningAlgorithm>> {
        let jwk: Jwk = serde_json::from_value(jwk).ok()?;
        Key::of(&jwk).map(|key| key.algorithms)
    }

    fn rsa(bits: usize) -> Value {
        let mut modulus = vec![0; bits / 8];
        modulus[0] = 0x80;
        json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB"})
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    #[test]
    fn short_rsa_keys_and_shared_secrets_are_no_keys() {
        assert!(key(rsa(2_048)).is_some());
        for weak in [rsa(1_024), rsa(2_040), rsa(16_384)] {
            assert_eq!(key(weak), None);
        }
        // Length in bytes is not length: leading zeros count for nothing.
        let padded = [vec![0; 128], vec![0x80], vec![0; 127]].concat();
        assert_eq!(key(with(rsa(2_048), "n", json!(URL_SAFE_NO_PAD.encode(padded)))), None);
        assert_eq!(key(json!({"kty": "oct", "k": "c2VjcmV0"})), None);
        assert_eq!(key(json!({"kty": "unheard of"})), None);
    }

    #[test]
    fn a_key_serves_the_algorithms_of_its_kind_and_purpose() {
        assert_eq!(key(with(rsa(2_048), "alg", json!("PS256"))), Some(vec![Ps256]));
        for (name, value) in [
            ("use", json!("enc")),
            ("key_ops", json!(["encrypt"])),
            ("alg", json!("HS256")),
            ("alg", json!("ES256")),
        ] {
            assert_eq!(key(with(rsa(2_048), name, value)), None, "{name}");
        }
    }

    #[test]
    fn only_asymmetric_algorithms_have_names() {
        for text in ["none", "None", "HS256", "HS512", "es256", "ES256K", "RS1", "", "EdDSA "] {
            assert_eq!(named(text), None, "{text}");
        }
        assert!(names().all(|name| named(name).is_some()));
    }
}
