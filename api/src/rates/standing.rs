//! What is left of a quota, and how an answer tells it: the fields `RateLimit` and `RateLimit-Policy` of the IETF's draft on rate limit
//! headers.

/// What is left of one quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The name of its class.
    pub policy: &'static str,
    pub burst: u32,
    pub remaining: u32,
    /// From nothing left to everything.
    pub window_seconds: u64,
    /// Until everything is there again; when nothing is left, until something is.
    pub reset_seconds: u64,
}

impl Standing {
    /// Of two quotas the one that is exhausted sooner.
    #[must_use]
    pub fn tighter(self, other: Self) -> Self {
        let key = |standing: &Self| (standing.remaining, std::cmp::Reverse(standing.reset_seconds));
        if key(&other) < key(&self) { other } else { self }
    }

    /// The value of `RateLimit-Policy`.
    pub fn policy_field(&self) -> String {
        format!("\"{}\";q={};w={}", self.policy, self.burst, self.window_seconds)
    }

    /// The value of `RateLimit`.
    pub fn state_field(&self) -> String {
        format!("\"{}\";r={};t={}", self.policy, self.remaining, self.reset_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(policy: &'static str, remaining: u32, reset_seconds: u64) -> Standing {
        Standing {
            policy,
            burst: 60,
            remaining,
            window_seconds: 3,
            reset_seconds,
        }
    }

    #[test]
    fn the_quota_that_ends_first_is_told() {
        let (wide, tight) = (left("requests", 400, 1), left("commands", 12, 3));
        assert_eq!(wide.tighter(tight), tight);
        assert_eq!(tight.tighter(wide), tight);
        let longer = left("logins", 12, 30);
        assert_eq!(tight.tighter(longer), longer);
    }

    #[test]
    fn fields_are_written_as_the_draft_has_them() {
        let standing = left("commands", 12, 3);
        assert_eq!(standing.policy_field(), r#""commands";q=60;w=3"#);
        assert_eq!(standing.state_field(), r#""commands";r=12;t=3"#);
    }
}
