//! The text of a refresh token: which session it is of, 256 bits that nobody guesses, and a mark that tells tokens that once were of the
//! family from made up ones. Whoever holds a table of hashes holds no token.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    XChaCha20Poly1305,
    aead::{Aead, KeyInit as _},
};
use domain::SessionId;
use hmac::{Hmac, Mac};
use rand::TryRng;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

/// 256 bits.
const SECRET_BYTES: usize = 32;
const SESSION_BYTES: usize = 16;
const MARK_BYTES: usize = 16;
const TOKEN_BYTES: usize = SESSION_BYTES + SECRET_BYTES + MARK_BYTES;
const NONCE_BYTES: usize = 24;

/// What a key derived from a token is for, so that no two uses share one.
const SEALING: &[u8] = b"verbatim: what a refresh token was exchanged for";

pub(super) type Hash = [u8; 32];
pub(super) type MarkKey = [u8; 32];

/// A refresh token, as it was issued or presented.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken(Zeroizing<[u8; TOKEN_BYTES]>);

/// The machine gives no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the machine gives no random numbers")]
pub(crate) struct NoChance;

impl RefreshToken {
    pub(super) fn draw(session: SessionId, mark_key: &MarkKey) -> Result<Self, NoChance> {
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        bytes[..SESSION_BYTES].copy_from_slice(session.uuid().as_bytes());
        bytes[SESSION_BYTES..SESSION_BYTES + SECRET_BYTES].copy_from_slice(&*random::<SECRET_BYTES>()?);
        let mark = mark(mark_key, &bytes[..SESSION_BYTES + SECRET_BYTES]);
        bytes[SESSION_BYTES + SECRET_BYTES..].copy_from_slice(&mark);
        Ok(Self(bytes))
    }

    /// `None` for a text that no token has.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        let written = URL_SAFE_NO_PAD.decode_slice(text, &mut *bytes).ok()?;
        (written == TOKEN_BYTES).then_some(Self(bytes))
    }

    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_slice())
    }

    pub(crate) fn session(&self) -> SessionId {
        let (session, _) = self.0.split_at(SESSION_BYTES);
        Uuid::from_slice(session).unwrap_or_default().into()
    }

    pub(super) fn hash(&self) -> Hash {
        Sha256::digest(self.0.as_slice()).into()
    }

    /// Whether it was issued by whoever has this key.
    pub(super) fn has_mark_of(&self, key: &MarkKey) -> bool {
        let (marked, mark) = self.0.split_at(SESSION_BYTES + SECRET_BYTES);
        keyed(key, marked).verify_truncated_left(mark).is_ok()
    }

    /// Only the bearer of this token can open it again.
    pub(super) fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, NoChance> {
        let nonce = random::<NONCE_BYTES>()?;
        let sealed = self.cipher().encrypt(&(*nonce).into(), plain).map_err(|_| NoChance)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    pub(super) fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        self.cipher().decrypt(&(*nonce).into(), sealed).ok().map(Zeroizing::new)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        let key: [u8; 32] = keyed(&*self.0, SEALING).finalize().into_bytes().into();
        XChaCha20Poly1305::new(&key.into())
    }
}

fn mark(key: &MarkKey, marked: &[u8]) -> [u8; MARK_BYTES] {
    let full: [u8; 32] = keyed(key, marked).finalize().into_bytes().into();
    std::array::from_fn(|place| full[place])
}

fn keyed(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac
}

pub(super) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, NoChance> {
    let mut bytes = Zeroizing::new([0; N]);
    rand::rngs::SysRng.try_fill_bytes(&mut *bytes).map_err(|_| NoChance)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionId = SessionId::from_u128(7);
    const KEY: MarkKey = [1; 32];

    fn token() -> RefreshToken {
        RefreshToken::draw(SESSION, &KEY).expect("chance")
    }

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let token = token();
        let read = RefreshToken::parse(&token.text()).expect("a token");
        assert!(read == token && read.session() == SESSION && read.has_mark_of(&KEY));
        assert!(token != super::tests::token());
    }

    #[test]
    fn a_made_up_token_has_no_mark() {
        for place in 0..TOKEN_BYTES {
            let mut changed = token();
            changed.0[place] ^= 1;
            assert!(!changed.has_mark_of(&KEY), "{place}");
        }
        assert!(!token().has_mark_of(&[2; 32]));
    }

    #[test]
    fn nonsense_is_no_token() {
        let text = token().text();
        let cut = &text[1..];
        for nonsense in [
            "",
            "x",
            cut,
            &format!("{text}AA"),
            &"x".repeat(100_000),
            &text.replace(|_| true, "!"),
        ] {
            assert!(RefreshToken::parse(nonsense).is_none());
        }
    }

    #[test]
    fn what_is_sealed_opens_for_its_token_alone() {
        let (one, other) = (token(), token());
        let sealed = one.seal(b"the pair").expect("sealed");
        assert_eq!(
            one.open(&sealed).as_deref().map(Vec::as_slice),
            Some(b"the pair".as_slice())
        );
        assert!(other.open(&sealed).is_none());
        assert!(one.open(&sealed[..sealed.len() - 1]).is_none() && one.open(&[]).is_none());
        assert!(!sealed.windows(8).any(|window| window == b"the pair"));
    }
}
