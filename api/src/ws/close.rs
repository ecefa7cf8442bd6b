//! Close codes: what a client should do next, in one number. 44xx reconnect and resume, 45xx fix something first, 46xx do not come back.

/// One row per code: its name here, its number, and what the close frame and the log line say.
macro_rules! close_codes {
    ($($name:ident = $number:literal $reason:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CloseCode {
            $($name,)*
        }

        impl CloseCode {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub fn number(self) -> u16 {
                match self {
                    $(Self::$name => $number,)*
                }
            }

            pub fn reason(self) -> &'static str {
                match self {
                    $(Self::$name => $reason,)*
                }
            }
        }
    };
}

close_codes! {
    Normal = 1000 "bye",
    Protocol = 1002 "not a valid WebSocket frame",
    Binary = 1003 "text frames only",
    BadUtf8 = 1007 "not valid UTF-8",
    TooBig = 1009 "frame too big",
    Internal = 1011 "something went wrong here; reconnect",
    Slow = 4408 "too slow; reconnect and resume",
    Behind = 4410 "too far behind; reconnect and resume",
    NoHeartbeat = 4412 "no sign of life; reconnect and resume",
    Draining = 4420 "draining; reconnect and resume",
    Ticket = 4501 "ticket missing, used, expired or late",
    Expired = 4502 "access expired; refresh, then reconnect",
    TooManySockets = 4503 "too many sockets",
    Flooding = 4529 "too many frames",
    Revoked = 4601 "session ended, or account suspended",
    Violation = 4603 "protocol violation",
    Erased = 4604 "account erased",
}

impl CloseCode {
    /// What a client does next, for the published contract.
    pub fn advice(self) -> &'static str {
        match self.number() {
            1000 => "nothing",
            1002 | 1011 | 4400..=4499 => "reconnect and resume, with a pause that grows and has chance in it",
            4500..=4599 => "put it right, then reconnect",
            _ => "do not repeat: a fault of the client, or the end of its session",
        }
    }

    /// Whether nothing that waits to be sent goes out before it: to whoever takes nothing, or may have nothing more.
    pub(super) fn discards_queue(self) -> bool {
        matches!(self, Self::Slow | Self::Revoked | Self::Erased)
    }

    /// A close frame (RFC 6455 section 5.5.1).
    pub fn frame(self) -> bytes::Bytes {
        const FINAL_CLOSE: u8 = 0x88;
        let reason = self.reason().as_bytes();
        let mut frame = vec![FINAL_CLOSE, 2 + reason.len() as u8];
        frame.extend_from_slice(&self.number().to_be_bytes());
        frame.extend_from_slice(reason);
        frame.into()
    }
}
