//! Invites of spaces: making a code, finding whose it is, coming in by it. The space's own stream decides; the views only know which space
//! a code belongs to, by its hash. Every code that does not let in is answered alike, after the same steps.

use domain::{
    Cohort, IdempotencyKey, InviteId, Reason, SpaceId, UserId, limits as rules, owned_id,
    space::{CodeHash, Command, Rejection, Role, Terms},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    fields::{Fields, word},
    leaving,
    spaces::{self, SpaceAck},
};
use crate::{
    app::App,
    problem::Problem,
    request::{Call, now},
};

/// An invite ends after a minute at the earliest and a year at the latest, if it ends.
const EXPIRES_IN_S: std::ops::RangeInclusive<u32> = 60..=31_536_000;
/// What can be no code is not looked at any closer.
const CODE_BYTES_MAX: usize = 128;

/// `POST /spaces/{id}/invites`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    expires_in_s: Option<u32>,
    uses: Option<u16>,
    role: Option<String>,
    cohort: Option<String>,
}

impl Create {
    pub(crate) fn into_terms(self) -> Result<Terms, Problem> {
        let mut fields = Fields::default();
        let expires_in_s = fields.optional("/expires_in_s", self.expires_in_s, |wait| within(wait, EXPIRES_IN_S));
        let uses = fields.optional("/uses", self.uses, |uses| within(uses, 1..=rules::INVITE_USES_MAX));
        let roles = [("guest", Role::Guest), ("member", Role::Member)];
        let role = fields.optional("/role", self.role.as_deref(), |role| word(role, &roles));
        let cohort = fields.optional("/cohort", self.cohort, |cohort| Cohort::parse(&cohort));
        let terms = expires_in_s.zip(uses).zip(role.zip(cohort));
        fields.finish(terms.map(|((expires_in_s, uses), (role, cohort))| Terms {
            role: role.unwrap_or(Role::Member),
            expires_in_s,
            uses,
            cohort,
        }))
    }
}

/// `POST /invites/redeem`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redeem {
    pub(crate) code: Code,
}

/// `PUT /spaces/{id}/cohorts/{cohort}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pause {
    paused: bool,
    reason: Option<String>,
}

impl Pause {
    /// A label that can be none is like one that no invite has.
    pub(crate) fn into_command(self, cohort: &str) -> Result<Command, Problem> {
        let mut fields = Fields::default();
        let cohort = fields.field("/cohort", Cohort::parse(cohort));
        let reason = fields.optional("/reason", self.reason, |reason| Reason::parse(&reason));
        fields.finish(cohort.zip(reason).map(|(cohort, reason)| Command::SetCohort {
            cohort,
            paused: self.paused,
            reason,
        }))
    }
}

/// What somebody was handed to come in by. Never shown in debug output, and kept nowhere.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Code(String);

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code")
    }
}

impl Code {
    pub(crate) fn of(text: String) -> Self {
        Self(text)
    }

    /// The same for the same person, key and space, so that whoever did not get the answer gets it by asking again.
    fn fresh(app: &App, space: SpaceId, by: UserId, key: &IdempotencyKey) -> Self {
        let purpose = format!("invite\n{}\n{}\n{}", space.uuid(), by.uuid(), key.as_str());
        Self(base32(app.commands.codes.code(&purpose)))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> CodeHash {
        let shown = self.0.as_bytes();
        CodeHash::new(Sha256::digest(&shown[..shown.len().min(CODE_BYTES_MAX)]).into())
    }
}

/// 32 characters of the alphabet that ids have too.
fn base32(bytes: [u8; 20]) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let digit = |place: usize| {
        let bits = place * 5;
        let wide = u16::from(bytes[bits / 8]) << 8 | bytes.get(bits / 8 + 1).map_or(0, |next| u16::from(*next));
        char::from(ALPHABET[usize::from(wide >> (11 - bits % 8)) & 31])
    };
    (0..32).map(digit).collect()
}

pub(crate) fn no_such_invite() -> Problem {
    Rejection::NoSuchInvite.into()
}

/// Makes an invite; the code is in the answer and nowhere else.
pub(crate) async fn create(
    app: &App,
    space: SpaceId,
    terms: Terms,
    call: &Call,
) -> Result<(InviteId, Code, SpaceAck), Problem> {
    let by = call.who.user;
    // A key is its user's own for each space.
    let owned = format!("{}\n{}", space.uuid(), call.key.as_str());
    let invite = InviteId::from(owned_id("invite", by, &owned));
    let code = Code::fresh(app, space, by, &call.key);
    let command = Command::CreateInvite {
        invite,
        code: code.hash(),
        terms,
    };
    let ack = spaces::carry_out(app, space, command, call.caller()).await?;
    Ok((invite, code, ack))
}

/// Takes an invite back. To whoever may not, there is no such invite.
pub(crate) async fn revoke(
    app: &App,
    invite: InviteId,
    reason: Option<Reason>,
    call: &Call,
) -> Result<SpaceAck, Problem> {
    up_to_date(app).await?;
    let space = app.views.directory.space_of_invite(invite).await?;
    let command = Command::RevokeInvite { invite, reason };
    let outcome = spaces::command(
        app,
        space.unwrap_or_else(|| nowhere(invite.uuid())),
        command,
        call.caller(),
    )
    .await;
    outcome.map_err(|error| match error {
        commands::CommandError::Rejected(Rejection::NotFound | Rejection::Forbidden) => no_such_invite(),
        other => other.into(),
    })
}

/// Comes in by a code.
pub(crate) async fn redeem(app: &App, code: &Code, call: &Call) -> Result<SpaceAck, Problem> {
    let space = space_of(app, code).await?;
    spaces::room_for(app, call.who.user, space, &call.caller()).await?;
    spaces::carry_out(app, space, Command::Redeem { code: code.hash() }, call.caller()).await
}

/// Lets a new person in by a code, before they are one. Asking again with the same person changes nothing.
pub(crate) async fn admit(app: &App, code: &Code, person: UserId, request_id: Uuid) -> Result<(), Problem> {
    let space = space_of(app, code).await?;
    let key = IdempotencyKey::parse("register").expect("a word is visible ASCII");
    let caller = commands::Caller {
        actor: person.into(),
        acting_as: None,
        key,
        request_id,
        at: now(),
    };
    let command = Command::Redeem { code: code.hash() };
    spaces::carry_out(app, space, command, caller).await.map(drop)
}

/// Whether a code would let somebody new in now.
pub(crate) async fn is_good(app: &App, code: &Code) -> Result<bool, Problem> {
    let (space, hash) = (space_of(app, code).await?, code.hash());
    let admits = move |view: commands::StreamView<'_, domain::space::Space>| {
        view.state.open().is_some_and(|open| open.admits(hash, now()))
    };
    Ok(app.commands.spaces.read(space.uuid(), admits).await?)
}

/// The space of a code; for a code of none a space that is none, so that what follows is the same.
async fn space_of(app: &App, code: &Code) -> Result<SpaceId, Problem> {
    up_to_date(app).await?;
    let hash = code.hash();
    let found = app.views.directory.space_of_code(hash).await?;
    let [first, ..] = hash.bytes().as_chunks::<16>().0 else {
        return Err(no_such_invite());
    };
    Ok(found.unwrap_or_else(|| nowhere(Uuid::from_bytes(*first))))
}

/// An invite that was just made counts, also when the views have not seen it yet.
async fn up_to_date(app: &App) -> Result<(), Problem> {
    app.shown(leaving::head(&*app.log).await?).await
}

/// No space has such an id: those follow from their creators, in another name space of UUIDs.
fn nowhere(seed: Uuid) -> SpaceId {
    SpaceId::from(Uuid::new_v5(&Uuid::NAMESPACE_OID, seed.as_bytes()))
}

fn within<T: PartialOrd + std::fmt::Display + Copy>(
    number: T,
    range: std::ops::RangeInclusive<T>,
) -> Result<T, String> {
    if range.contains(&number) {
        Ok(number)
    } else {
        Err(format!(
            "must be a whole number from {} to {}",
            range.start(),
            range.end()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_shows_all_its_bits() {
        assert_eq!(base32([0; 20]), "0".repeat(32));
        assert_eq!(base32([0xff; 20]), "z".repeat(32));
        let mut one = [0; 20];
        one[19] = 1;
        assert_eq!(base32(one), format!("{}1", "0".repeat(31)));
        one[0] = 0b0000_1000;
        assert_eq!(base32(one), format!("1{}1", "0".repeat(30)));
    }

    #[test]
    fn an_invite_is_for_members_and_without_end_unless_it_is_said_otherwise() {
        let usual = Create::default().into_terms().expect("valid");
        assert_eq!(
            usual,
            Terms {
                role: Role::Member,
                expires_in_s: None,
                uses: None,
                cohort: None
            }
        );
        for wrong in [
            r#"{"role":"moderator"}"#,
            r#"{"uses":0}"#,
            r#"{"uses":1001}"#,
            r#"{"expires_in_s":59}"#,
            r#"{"expires_in_s":31536001}"#,
            r#"{"cohort":"Spring"}"#,
            r#"{"cohort":""}"#,
        ] {
            let create: Create = serde_json::from_str(wrong).expect("the shape is right");
            assert!(create.into_terms().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_code_is_not_in_debug_output() {
        assert_eq!(format!("{:?}", Code::of("secret".to_owned())), "Code");
    }
}
