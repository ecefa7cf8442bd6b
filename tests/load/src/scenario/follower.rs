//! A socket that follows some channels and checks each: every event once, in order, as sent. It knows how far it has read, and comes
//! back from there.

use std::time::Instant;

use anyhow::{Context, bail};

use crate::{
    checker::{
        Violation,
        room::{Head, RoomReader},
    },
    frame::{self, Frame},
    socket::{Incoming, Place, Socket, SocketError},
    venue::{Channel, Guest, Venue},
};

#[derive(Debug)]
pub(super) struct Follower {
    pub(super) seen: Seen,
    guest: Guest,
    socket: Option<Socket>,
    /// Bytes of the receive buffer, where it is to be small.
    narrow: Option<u32>,
}

/// What the sockets of one follower have seen, one after the other.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) readers: Vec<RoomReader>,
    name: String,
    /// How far each channel went when its subscription was answered on this socket.
    tops: Vec<Option<u64>>,
    /// Heartbeats that were answered.
    pub(super) heartbeats: u64,
}

impl Follower {
    /// Reads each channel from its next event on; all messages in them are one sender's.
    pub(super) fn new(number: usize, guest: Guest, channels: &[Channel]) -> Self {
        let name = format!("socket {number}");
        let reader = |channel: &Channel| RoomReader::new(name.clone(), channel.id.clone(), channel.top + 1, 1);
        Self {
            seen: Seen {
                readers: channels.iter().map(reader).collect(),
                tops: vec![None; channels.len()],
                name,
                heartbeats: 0,
            },
            guest,
            socket: None,
            narrow: None,
        }
    }

    /// With a receive buffer of the system's that fills soon when nobody reads.
    pub(super) fn narrow(mut self, bytes: u32) -> Self {
        self.narrow = Some(bytes);
        self
    }

    /// Opens a socket, with the places of all channels.
    pub(super) async fn connect(&mut self, venue: &Venue) -> anyhow::Result<()> {
        let ticket = venue.ticket(&self.guest).await?;
        self.connect_with(venue, &ticket)
            .await
            .with_context(|| self.seen.name.clone())
    }

    pub(super) async fn connect_with(&mut self, venue: &Venue, ticket: &str) -> Result<(), SocketError> {
        self.socket = None;
        self.seen.tops.fill(None);
        let places: Vec<Place<'_>> = self.seen.readers.iter().map(place).collect();
        let (address, device) = (venue.address(), "load");
        let mut socket = match (self.narrow, venue.is_real()) {
            (Some(bytes), _) => Socket::open_narrow(bytes, address, ticket, device, &places).await?,
            (None, true) => Socket::open(address, ticket, device, &places).await?,
            (None, false) => Socket::open(address, ticket, device, &[]).await?,
        };
        if !venue.is_real() {
            // The yardstick cannot resume; nothing was sent before this either.
            for (reader, top) in self.seen.readers.iter().zip(&mut self.seen.tops) {
                socket.subscribe(reader.channel(), reader.last()).await?;
                *top = Some(0);
            }
        }
        self.socket = Some(socket);
        Ok(())
    }

    /// Reads until every channel is where its subscription said it was.
    pub(super) async fn catch_up(&mut self) -> anyhow::Result<()> {
        self.read_until(Seen::is_live).await
    }

    /// Reads for ever, or until the connection ends, which is an error.
    pub(super) async fn follow(&mut self) -> anyhow::Result<()> {
        self.read_until(|_| false).await
    }

    /// Reads until something holds that only reading can bring about.
    pub(super) async fn read_until(&mut self, holds: impl Fn(&Seen) -> bool) -> anyhow::Result<()> {
        self.take_what_arrived(|_, _, _| {}).await?;
        while !holds(&self.seen) {
            self.fill().await?;
            self.take_what_arrived(|_, _, _| {}).await?;
        }
        Ok(())
    }

    /// Waits for bytes; nothing is lost if this is given up.
    pub(super) async fn fill(&mut self) -> Result<(), SocketError> {
        self.socket.as_mut().ok_or(SocketError::Ended)?.reader.fill().await
    }

    /// Checks every frame that is here, tells `see` of each event, and answers heartbeats.
    pub(super) async fn take_what_arrived(&mut self, mut see: impl FnMut(Head, u64, Instant)) -> anyhow::Result<()> {
        let now = Instant::now();
        let Some(socket) = &mut self.socket else { return Ok(()) };
        while let Some(incoming) = socket.reader.next()? {
            match incoming {
                Incoming::Text(text) => {
                    for one in frame::split(text).map_err(SocketError::Frame)? {
                        if self.seen.take(one, |head, seq| see(head, seq, now))? {
                            socket.writer.push_pong();
                        }
                    }
                }
                Incoming::Ping(payload) => socket.writer.push_ping_answer(payload),
                Incoming::Pong => {}
            }
        }
        Ok(socket.writer.flush().await?)
    }

    /// As a network breaks: without a word.
    pub(super) fn cut(&mut self) -> Result<(), SocketError> {
        self.socket.take().map_or(Ok(()), Socket::cut)
    }

    pub(super) fn guest(&self) -> &Guest {
        &self.guest
    }
}

impl Seen {
    fn is_live(&self) -> bool {
        let there = |(reader, top): (&RoomReader, &Option<u64>)| top.is_some_and(|top| reader.reached(top));
        self.readers.iter().zip(&self.tops).all(there)
    }

    /// Was it a heartbeat, to be answered?
    fn take(&mut self, one: &[u8], see: impl FnOnce(Head, u64)) -> anyhow::Result<bool> {
        for reader in &mut self.readers {
            if let Some((head, seq)) = reader.see_again(one)? {
                see(head, seq);
                return Ok(false);
            }
        }
        match frame::parse(one).map_err(SocketError::Frame)? {
            Frame::Event(event) => {
                let place = self.place_of(&event.channel)?;
                see(self.readers[place].see(&event, one)?, event.seq);
            }
            Frame::Following { channel, top } => {
                let place = self.place_of(&channel)?;
                self.tops[place] = Some(top);
            }
            Frame::Heartbeat => {
                self.heartbeats += 1;
                return Ok(true);
            }
            Frame::Error { code, detail } => bail!("{} was refused a channel with {code}: {detail}", self.name),
            Frame::Other { kind } if matches!(kind.as_str(), "snap" | "sub_end") => {
                bail!("{} got {kind}, which leaves events out", self.name)
            }
            Frame::Ok(_) | Frame::Other { .. } => {}
        }
        Ok(false)
    }

    fn place_of(&self, channel: &str) -> Result<usize, Violation> {
        let place = self.readers.iter().position(|reader| reader.channel() == channel);
        place.ok_or_else(|| Violation::OtherChannel {
            reader: self.name.clone(),
            channel: channel.to_owned(),
        })
    }
}

fn place(reader: &RoomReader) -> Place<'_> {
    Place {
        channel: reader.channel(),
        seq: reader.last(),
    }
}

/// Did the server end this socket in a way after which one resumes?
pub(super) fn may_resume(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(SocketError::Closed { code: 4400..=4499, .. } | SocketError::Io(_) | SocketError::Ended)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_closes_of_the_44_kind_and_broken_connections_are_come_back_from() {
        let closed = |code| {
            anyhow::Error::from(SocketError::Closed {
                code,
                reason: String::new(),
            })
        };
        assert!(may_resume(&closed(4408)) && may_resume(&SocketError::Ended.into()));
        assert!(!may_resume(&closed(4501)) && !may_resume(&closed(4603)));
        let lost = Violation::StrayAck { id: String::new() };
        assert!(!may_resume(&lost.into()));
    }
}
