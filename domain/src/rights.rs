//! What each role in a space allows, in one table. Rules ask it instead of comparing ranks; what depends on more than a role (whose
//! message it is, who outranks whom, what is archived) is decided where the thing is. `ops/docs/rules.md` shows the table as it is here.

use crate::space::Role;

#[cfg(test)]
mod tests;

macro_rules! rights {
    ($($name:ident $words:literal $guest:tt $member:tt $moderator:tt $admin:tt $owner:tt;)*) => {
        /// Something a role in a space allows or does not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Right { $($name,)* }

        impl Right {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The right in words, as the page of rules has it.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }

            /// Who has it, in the order of the ranks: guest, member, moderator, admin, owner.
            const fn holders(self) -> [bool; 5] {
                match self {
                    $(Self::$name => [
                        rights!(@$guest), rights!(@$member), rights!(@$moderator), rights!(@$admin), rights!(@$owner),
                    ],)*
                }
            }
        }
    };
    (@yes) => { true };
    (@-) => { false };
}

rights! {
    //                                                                               guest member mod. admin owner
    SeeSpace         "see the space, its members and its public channels"            yes   yes   yes   yes   yes;
    LeaveSpace       "leave the space"                                               yes   yes   yes   yes   -;
    RemovePeople     "remove people of a lower rank from the space"                  -     -     yes   yes   yes;
    BanPeople        "ban people of a lower rank and strangers, lift bans, see them" -     -     yes   yes   yes;
    MutePeople       "mute people of a lower rank, lift mutes, see them"             -     -     yes   yes   yes;
    HandleReports    "see and resolve the reports of the space"                      -     -     yes   yes   yes;
    SetRoles         "add people and give roles, below the own rank"                 -     -     -     yes   yes;
    Invite           "make, list and revoke invites, pause and resume a cohort"      -     -     -     yes   yes;
    ChangeSpace      "change the name and who may join"                              -     -     -     yes   yes;
    ArchiveSpace     "archive the space and restore it"                              -     -     -     -     yes;
    TransferSpace    "hand the space over to another member"                         -     -     -     -     yes;
    OpenChannel      "open a channel"                                                -     -     -     yes   yes;
    JoinPublic       "join a public channel"                                         -     yes   yes   yes   yes;
    JoinPrivate      "join a private channel"                                        -     -     -     yes   yes;
    BringIntoPublic  "bring people of the space into a public channel one is in"     -     yes   yes   yes   yes;
    BringIntoPrivate "bring people of the space into a private channel one is in"    -     -     yes   yes   yes;
    ModerateChannel  "remove people and messages in a channel one is in"             -     -     yes   yes   yes;
    PinMessages      "pin messages in a channel one is in, and unpin them"           -     -     yes   yes   yes;
    GovernChannel    "change and archive a channel one is in"                       -     -     -     yes   yes;
}

impl Role {
    /// From least to most.
    pub const ALL: [Self; 5] = [Self::Guest, Self::Member, Self::Moderator, Self::Admin, Self::Owner];

    /// Whether the table gives this role the right.
    pub const fn may(self, right: Right) -> bool {
        let [guest, member, moderator, admin, owner] = right.holders();
        match self {
            Self::Guest => guest,
            Self::Member => member,
            Self::Moderator => moderator,
            Self::Admin => admin,
            Self::Owner => owner,
        }
    }
}
