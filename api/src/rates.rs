//! How often one may: every request by the address it comes from, then by what it asks for: reads and commands by person, sign-ins by
//! account and address, tickets by person. What is counted is one class each, with a quota from the limits; how a class remembers its
//! keys is in `rates/limiter.rs`, how signing in is slowed in `rates/logins.rs`. Sizes and counts are bounded elsewhere and stay when
//! rates are lifted.
//!
//! To add a class: a row in `classes!` below, its limits in `limits.rs`, and whoever counts it.

mod limiter;
mod logins;
mod standing;

use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    time::Duration,
};

use domain::{ChannelId, Handle, UserId};

use self::{limiter::Limiter, logins::KnownAddresses};
use crate::{
    limits::Limits,
    metrics::RateMetrics,
    problem::{Problem, codes},
};

pub use self::{logins::Attempt, standing::Standing};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// One row per class: its name in headers and metrics, and how many in which time, after a burst of how many.
macro_rules! classes {
    ($($(#[$doc:meta])* $class:ident = $name:literal $period:ident $count:ident, $burst:ident;)*) => {
        /// What is counted together, by keys of one kind.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Class {
            $($(#[$doc])* $class,)*
        }

        impl Class {
            pub const ALL: &[Self] = &[$(Self::$class),*];

            /// As headers and metrics name it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$class => $name,)*
                }
            }

            fn limiter(self, limits: &Limits, metrics: &RateMetrics) -> Limiter {
                let keys = metrics.keys(self.name());
                match self {
                    $(Self::$class => Limiter::new($name, $period, limits.$count, limits.$burst, keys),)*
                }
            }
        }
    };
}

classes! {
    /// Every request, by address.
    Requests = "requests" SECOND requests_per_second, requests_burst;
    /// By person.
    Reads = "reads" SECOND reads_per_second, reads_burst;
    /// By person, over HTTP and sockets together.
    Commands = "commands" SECOND commands_per_second, commands_burst;
    /// By person and channel.
    ChannelCommands = "channel-commands" SECOND channel_commands_per_second, channel_commands_burst;
    /// By address.
    Logins = "logins" MINUTE logins_per_minute, logins_per_minute;
    /// By account, from addresses that nobody has signed in from to it; and by person in a session, who says their password again.
    StrangeLogins = "strange-logins" MINUTE logins_per_minute, logins_per_minute;
    /// By address.
    Registrations = "registrations" HOUR registrations_per_hour, registrations_per_hour;
    /// By address.
    Refreshes = "refreshes" MINUTE refreshes_per_minute, refreshes_per_minute;
    /// By person.
    Reports = "reports" HOUR reports_per_hour, reports_per_hour;
    /// By person.
    Tickets = "tickets" MINUTE tickets_per_minute, tickets_per_minute;
}

pub struct Rates {
    /// In the order of [`Class::ALL`]; none when rates are lifted.
    limiters: Vec<Limiter>,
    known_addresses: KnownAddresses,
    /// Keys are remembered by their hash: of one size, and worth nothing to who reads them.
    hashing: RandomState,
    metrics: RateMetrics,
}

/// What became of one request in one class.
#[derive(Debug, Clone, Copy)]
#[must_use = "a request that is not allowed is refused"]
pub struct Counted {
    /// What is left afterwards; `None` when rates are lifted.
    pub standing: Option<Standing>,
    too_soon_by: Option<Duration>,
}

impl Counted {
    /// The problem says how long to wait.
    pub fn allowed(self) -> Result<(), Problem> {
        match self.too_soon_by {
            None => Ok(()),
            Some(wait) => Err(Problem::new(&codes::RATE_LIMITED)
                .retry_after(wait)
                .of_quota(self.standing)),
        }
    }
}

impl Rates {
    /// With `on` false nothing is ever refused here.
    pub fn new(limits: &Limits, on: bool, metrics: RateMetrics) -> Self {
        let limiters = Class::ALL.iter().filter(|_| on);
        Self {
            limiters: limiters.map(|class| class.limiter(limits, &metrics)).collect(),
            known_addresses: KnownAddresses::default(),
            hashing: RandomState::new(),
            metrics,
        }
    }

    /// One more request of this class.
    pub fn count(&self, class: Class, key: impl Hash) -> Counted {
        let Some(limiter) = self.limiters.get(class as usize) else {
            return Counted {
                standing: None,
                too_soon_by: None,
            };
        };
        match limiter.check(self.hash(key)) {
            Ok(standing) => Counted {
                standing: Some(standing),
                too_soon_by: None,
            },
            Err(wait) => {
                self.metrics.refused(class.name());
                Counted {
                    standing: Some(limiter.empty(wait)),
                    too_soon_by: Some(wait),
                }
            }
        }
    }

    /// One more request from this address, whatever it is.
    pub fn request(&self, from: IpAddr) -> Counted {
        self.count(Class::Requests, from)
    }

    /// One more account that is opened from this address.
    pub fn registration(&self, from: IpAddr) -> Result<(), Problem> {
        self.count(Class::Registrations, from).allowed()
    }

    /// One more command of this person. The problem says how long to wait.
    pub fn command(&self, user: UserId) -> Result<(), Problem> {
        self.count(Class::Commands, user).allowed()
    }

    /// One more command of this person in this channel.
    pub fn channel_command(&self, user: UserId, channel: ChannelId) -> Result<(), Problem> {
        self.count(Class::ChannelCommands, (user, channel)).allowed()
    }

    /// One more try to sign in to this account, whether or not it exists. Refused are only addresses that the account is not known
    /// from, so that nobody is locked out by the guesses of others.
    pub fn login(&self, account: &Handle, from: IpAddr) -> Result<Attempt, Problem> {
        let attempt = Attempt::new(self.hash(account), self.hash((account, from)));
        if !self.known_addresses.knows(attempt) {
            self.count(Class::StrangeLogins, attempt.account()).allowed()?;
        }
        Ok(attempt)
    }

    /// One more time that a person in a session says what their password is.
    pub fn own_password(&self, user: UserId) -> Result<(), Problem> {
        self.count(Class::StrangeLogins, user).allowed()
    }

    /// The account was opened from that address.
    pub fn known_from(&self, account: &Handle, from: IpAddr) {
        self.known_addresses
            .learn(Attempt::new(self.hash(account), self.hash((account, from))));
    }

    /// The try was successful: from now on the account is known from that address, and the try counts for nothing.
    pub fn signed_in(&self, attempt: Attempt) {
        if self.known_addresses.learn(attempt)
            && let Some(limiter) = self.limiters.get(Class::StrangeLogins as usize)
        {
            limiter.give_back(self.hash(attempt.account()));
        }
    }

    fn hash(&self, key: impl Hash) -> u64 {
        self.hashing.hash_one(key)
    }
}

#[cfg(test)]
mod tests;
