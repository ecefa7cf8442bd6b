//! What happens to spaces and who is in them, beyond the coming and going of every day: order, owners, invites.

use chrono::TimeDelta;
use domain::{
    Cohort, InviteId, Reason,
    space::{self, JoinRule, Role},
};

use crate::world::{ANN, BOB, CAROL, DAVE, ERIN, World};

/// Somebody is kept silent, put out and taken back; the house changes hands and opens again.
pub(super) async fn order_is_kept(world: &mut World) {
    let club = world.new_space(CAROL, "Club", JoinRule::Open).await;
    for user in [ANN, BOB, DAVE] {
        world.space(user, club, space::Command::Join).await.unwrap();
    }
    let reason = |text| Reason::parse(text).unwrap();
    let until = world.now + TimeDelta::days(3650);
    let acts = [
        space::Command::PutMember {
            user: DAVE,
            role: Role::Moderator,
            reason: Some(reason("is always here")),
        },
        space::Command::Mute {
            user: ANN,
            reason: reason("sings"),
            until,
        },
        space::Command::Mute {
            user: BOB,
            reason: reason("whistles"),
            until,
        },
        space::Command::Unmute {
            user: BOB,
            reason: Some(reason("stopped")),
            laid_by: None,
        },
        space::Command::Ban {
            user: BOB,
            reason: reason("started again"),
            until: None,
        },
        space::Command::Ban {
            user: ERIN,
            reason: reason("would only laugh"),
            until: Some(until),
        },
        space::Command::Unban {
            user: BOB,
            reason: Some(reason("said sorry")),
            laid_by: None,
        },
        space::Command::RemoveMember {
            user: DAVE,
            reason: Some(reason("went home")),
        },
    ];
    for act in acts {
        world.space(CAROL, club, act).await.unwrap();
    }
    world.space(BOB, club, space::Command::Join).await.unwrap();
    for act in [
        space::Command::Archive {
            reason: Some(reason("summer")),
        },
        space::Command::Restore {
            reason: Some(reason("autumn")),
        },
        space::Command::Transfer { to: BOB },
    ] {
        world.space(CAROL, club, act).await.unwrap();
    }
}

/// People come by invites; a cohort rests and goes on.
pub(super) async fn doors_open(world: &mut World) {
    let hall = world.new_space(ANN, "Hall", JoinRule::Invite).await;
    let cohort = || Cohort::parse("spring").unwrap();
    let invite = |number: u8| InviteId::from_u128(0x1f00 + u128::from(number));
    let code = |number: u8| space::CodeHash::new([number; 32]);
    for (number, uses, expires_in_s) in [(1, Some(1), None), (2, Some(5), Some(86_400)), (3, None, None)] {
        let terms = space::Terms {
            role: if number == 3 { Role::Guest } else { Role::Member },
            expires_in_s,
            uses,
            cohort: (number == 2).then(cohort),
        };
        let create = space::Command::CreateInvite {
            invite: invite(number),
            code: code(number),
            terms,
        };
        world.space(ANN, hall, create).await.unwrap();
    }
    for (user, number) in [(BOB, 1), (CAROL, 2), (DAVE, 3)] {
        let redeem = space::Command::Redeem { code: code(number) };
        world.space(user, hall, redeem).await.unwrap();
    }
    world.space(CAROL, hall, space::Command::Leave).await.unwrap();
    let again = space::Command::Redeem { code: code(2) };
    world.space(CAROL, hall, again).await.unwrap();
    let reason = |text| Some(Reason::parse(text).unwrap());
    for act in [
        space::Command::SetCohort {
            cohort: cohort(),
            paused: true,
            reason: reason("full for today"),
        },
        space::Command::SetCohort {
            cohort: cohort(),
            paused: false,
            reason: None,
        },
        space::Command::SetCohort {
            cohort: Cohort::parse("autumn").unwrap(),
            paused: true,
            reason: None,
        },
        space::Command::RevokeInvite {
            invite: invite(3),
            reason: reason("was on a poster"),
        },
    ] {
        world.space(ANN, hall, act).await.unwrap();
    }
}
