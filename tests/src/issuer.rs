//! Somebody else who issues tokens: keys of every kind, a key set served on this machine, and a count of who asked for it. Tokens are
//! put together here by hand, so that wrong ones can be made as easily as right ones.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
        RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A key pair and what it signs with.
pub struct SigningKey {
    pub id: String,
    pub algorithm: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// `RS256`, `PS256`, `ES256` or `EdDSA`.
    pub fn new(id: &str, algorithm: &'static str) -> Self {
        let pair = match algorithm {
            "RS256" | "PS256" => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")),
            "ES256" => Pair::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key")),
            _ => Pair::Ed25519(Ed25519KeyPair::generate().expect("a key")),
        };
        let id = id.to_owned();
        Self { id, algorithm, pair }
    }

    /// The public key, as key sets have it.
    pub fn jwk(&self) -> Value {
        let mut jwk = self.bare_jwk();
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm);
        jwk
    }

    /// Nothing but the key.
    pub fn bare_jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Rsa(pair) => {
                let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
                let exponent = pair.public_key().exponent().big_endian_without_leading_zero().to_vec();
                json!({"kty": "RSA", "n": text(&modulus), "e": text(&exponent)})
            }
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..])})
            }
            Pair::Ed25519(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())}),
        }
    }

    /// What is signed is exactly this.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", part(header), part(claims));
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let padding: &dyn aws_lc_rs::signature::RsaEncoding = if self.algorithm == "PS256" {
                    &RSA_PSS_SHA256
                } else {
                    &RSA_PKCS1_SHA256
                };
                pair.sign(padding, &random, message.as_bytes(), &mut signature)
                    .expect("signed");
                signature
            }
            Pair::P256(pair) => pair
                .sign(&random, message.as_bytes())
                .expect("signed")
                .as_ref()
                .to_vec(),
            Pair::Ed25519(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    pub fn header(&self) -> Value {
        json!({"alg": self.algorithm, "kid": self.id, "typ": "at+jwt"})
    }
}

/// RFC 7638.
pub fn thumbprint(key: &SigningKey) -> String {
    let jwk = key.bare_jwk();
    let names: &[&str] = match jwk["kty"].as_str() {
        Some("RSA") => &["e", "kty", "n"],
        Some("EC") => &["crv", "kty", "x", "y"],
        _ => &["crv", "kty", "x"],
    };
    let members: Vec<_> = names.iter().map(|name| format!("\"{name}\":{}", jwk[name])).collect();
    token_hash(&format!("{{{}}}", members.join(",")))
}

/// The `ath` of a token.
pub fn token_hash(token: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref())
}

/// A part of a token.
pub fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

pub fn seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the end of time")
}

/// Serves documents by path until the tests end.
pub struct Issuer {
    pub origin: String,
    documents: Arc<Mutex<Vec<(String, String)>>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    pub fn with_keys(keys: &[&SigningKey]) -> Self {
        let issuer = Self::start();
        issuer.publish(keys);
        issuer
    }

    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = format!("http://localhost:{}", listener.local_addr().expect("an address").port());
        let documents: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let asked = Arc::new(AtomicUsize::new(0));
        let (served, counted) = (Arc::clone(&documents), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let served = served.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // Whoever hangs up early has their reasons.
                answer(stream, &served).ok();
            }
        });
        Self {
            origin,
            documents,
            asked,
        }
    }

    /// These keys and no others, from now on.
    pub fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        self.document("/keys", &json!({"keys": keys}).to_string());
    }

    pub fn document(&self, path: &str, text: &str) {
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        documents.retain(|(known, _)| known != path);
        documents.push((path.to_owned(), text.to_owned()));
    }

    pub fn withdraw(&self, path: &str) {
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        documents.retain(|(known, _)| known != path);
    }

    /// How often anything was asked of it.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Its table for `verbatim.toml`; `more` are further lines.
    pub fn settings(&self, more: &str) -> String {
        let origin = &self.origin;
        format!(
            "outbound_test_origins = [\"{origin}\"]\n[[issuers]]\nname = \"corp\"\nissuer = \"https://id.example.org\"\n\
             jwks_url = \"{origin}/keys\"\naudiences = [\"chat\"]\nalgorithms = [\"RS256\", \"PS256\", \"ES256\", \"EdDSA\"]\n{more}\n"
        )
    }

    /// Right claims for the subject.
    pub fn claims(&self, subject: &str) -> Value {
        let now = seconds_now();
        json!({
            "iss": "https://id.example.org", "aud": ["chat", "others"], "sub": subject, "iat": now, "exp": now + 300,
            "jti": uuid::Uuid::new_v4(), "preferred_username": subject, "name": format!("{subject} of corp"),
        })
    }

    /// A right token.
    pub fn token(&self, key: &SigningKey, subject: &str) -> String {
        key.sign(&key.header(), &self.claims(subject))
    }
}

fn answer(mut stream: TcpStream, documents: &[(String, String)]) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let path = first.split(' ').nth(1).unwrap_or_default();
    match documents.iter().find(|(known, _)| known == path) {
        Some((_, text)) => write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        ),
        None => write!(stream, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
    }
}
