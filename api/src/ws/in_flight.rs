//! Commands of one socket that were handed over and are not answered yet. They all go to one stream at a time, so that they are decided in
//! order, and their answers leave in that order too.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    time::Instant,
};

use domain::ChannelId;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    conn::Conn,
    protocol::server::{Done, Refused},
};
use crate::{ops::Submitted, request::hide_problem};

/// Commands that wait for their answers; the next one is not read before there is room.
const IN_FLIGHT_MAX: usize = 64;

#[derive(Default)]
pub(super) struct InFlight {
    waiting: RefCell<VecDeque<Waiting>>,
    /// Those in `waiting`, and the one that is being awaited.
    count: Cell<usize>,
    stream: Cell<Uuid>,
    answered: Notify,
}

pub(super) struct Waiting {
    pub(super) id: Option<String>,
    pub(super) ch: Option<ChannelId>,
    pub(super) asked: Instant,
    pub(super) submitted: Submitted,
}

impl InFlight {
    /// Waits until a command for `stream` may be handed over: there is room, and what goes to another stream has been answered.
    pub(super) async fn turn_for(&self, stream: Uuid) {
        loop {
            let answered = self.answered.notified();
            let (count, same) = (self.count.get(), self.stream.get() == stream && !stream.is_nil());
            if count == 0 || (same && count < IN_FLIGHT_MAX) {
                self.stream.set(stream);
                return;
            }
            answered.await;
        }
    }

    /// Waits until everything that was handed over is answered.
    pub(super) async fn all_answered(&self) {
        loop {
            let answered = self.answered.notified();
            if self.count.get() == 0 {
                return;
            }
            answered.await;
        }
    }

    /// Answers a command once its outcome is known and those before it are answered. One task at a time does so for a socket.
    pub(super) fn answer(self: &Rc<Self>, conn: &Rc<Conn>, waiting: Waiting) {
        self.waiting.borrow_mut().push_back(waiting);
        self.count.set(self.count.get() + 1);
        if self.count.get() == 1 {
            actix_web::rt::spawn(Rc::clone(self).answer_all(Rc::clone(conn)));
        }
    }

    async fn answer_all(self: Rc<Self>, conn: Rc<Conn>) {
        while let Some(Waiting {
            id,
            ch,
            asked,
            submitted,
        }) = self.next()
        {
            let answer = submitted.answer.await;
            if let Err(problem) = &answer {
                hide_problem(problem, asked.into()).await;
            }
            match answer {
                // Whoever was cut off meanwhile is told nothing, before the hub hears of it too.
                Ok(_) | Err(_) if !conn.expel_if_out() => {}
                Ok(ack) => conn.send_frame(&Done::of(id.as_deref(), ack)),
                Err(problem) => conn.send_frame(&Refused::of(id.as_deref(), ch, &problem)),
            }
            self.count.set(self.count.get() - 1);
            self.answered.notify_waiters();
        }
    }

    fn next(&self) -> Option<Waiting> {
        self.waiting.borrow_mut().pop_front()
    }
}
