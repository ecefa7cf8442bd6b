//! Close codes: what a client should do next, in one number. 44xx reconnect and resume, 45xx fix something first, 46xx do not come back.

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    Normal,
    Protocol,
    Binary,
    BadUtf8,
    TooBig,
    Internal,
    Slow,
    NoHeartbeat,
    Draining,
    Ticket,
    TooManySockets,
    Flooding,
    Violation,
}

impl CloseCode {
    pub fn number(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::Protocol => 1002,
            Self::Binary => 1003,
            Self::BadUtf8 => 1007,
            Self::TooBig => 1009,
            Self::Internal => 1011,
            Self::Slow => 4408,
            Self::NoHeartbeat => 4412,
            Self::Draining => 4420,
            Self::Ticket => 4501,
            Self::TooManySockets => 4503,
            Self::Flooding => 4529,
            Self::Violation => 4603,
        }
    }

    /// For the close frame and the log line.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Normal => "bye",
            Self::Protocol => "not a valid WebSocket frame",
            Self::Binary => "text frames only",
            Self::BadUtf8 => "not valid UTF-8",
            Self::TooBig => "frame too big",
            Self::Internal => "something went wrong here; reconnect",
            Self::Slow => "too slow; reconnect and resume",
            Self::NoHeartbeat => "no sign of life; reconnect and resume",
            Self::Draining => "draining; reconnect and resume",
            Self::Ticket => "ticket missing, used, expired or late",
            Self::TooManySockets => "too many sockets",
            Self::Flooding => "too many commands",
            Self::Violation => "protocol violation",
        }
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
