//! How long somebody may stay with an answer that takes its time: as long as their session and its access last, and as long as they are in
//! the space it is about.

use actix_web::web;
use commands::SpaceExit;
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    time::{Instant, sleep_until},
};

use super::standings::Cut;
use crate::{
    app::App,
    ops::access::Within,
    problem::{Problem, codes},
    request::{Who, now},
};

pub(crate) struct Stay {
    app: web::Data<App>,
    who: Who,
    cuts: Receiver<Cut>,
    access_ends: Instant,
    within: Option<Within>,
    /// They are out of the space.
    exit: Option<SpaceExit>,
    /// Too many were cut to know whether they are among them; whoever comes back is asked anew.
    unsure: bool,
}

impl Stay {
    /// From now on every cut is noticed. To be called before it is asked what they may.
    pub(crate) fn of(app: &web::Data<App>, who: Who) -> Self {
        let left = (who.expires_at - now()).to_std().unwrap_or_default();
        Self {
            who,
            cuts: app.auth.standings.cuts(),
            access_ends: Instant::now() + left,
            app: app.clone(),
            within: None,
            exit: None,
            unsure: false,
        }
    }

    /// It ends with being in this space, too.
    pub(crate) fn within(mut self, within: Option<Within>) -> Self {
        self.within = within;
        self
    }

    pub(crate) fn is_over(&mut self) -> bool {
        loop {
            match self.cuts.try_recv() {
                Ok(cut) => self.notice(&cut),
                Err(TryRecvError::Lagged(_)) => self.unsure = self.within.is_some(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        self.unsure || self.exit.is_some() || !self.is_signed_in()
    }

    /// How they came to be out of the space, if they are.
    pub(crate) fn exit(&self) -> Option<SpaceExit> {
        self.exit
    }

    /// Refuses whoever is not signed in any longer like anyone with a token that is not valid any more.
    pub(crate) fn still(&self) -> Result<(), Problem> {
        if self.is_signed_in() {
            Ok(())
        } else {
            Err(Problem::new(&codes::AUTH_INVALID_TOKEN))
        }
    }

    /// Resolves when it is over. May be dropped at any await without missing anything.
    pub(crate) async fn ends(&mut self) {
        while !self.is_over() {
            tokio::select! {
                () = sleep_until(self.access_ends) => {}
                cut = self.cuts.recv() => match cut {
                    Ok(cut) => self.notice(&cut),
                    Err(RecvError::Lagged(_)) => self.unsure = self.within.is_some(),
                    // Nobody is left to tell; the end of the access still comes.
                    Err(RecvError::Closed) => sleep_until(self.access_ends).await,
                },
            }
        }
    }

    fn is_signed_in(&self) -> bool {
        Instant::now() < self.access_ends && self.app.auth.is_in(&self.who)
    }

    fn notice(&mut self, cut: &Cut) {
        if let (Cut::Space(exit), Some(within)) = (cut, &self.within)
            && exit.user == self.who.user
            && within.ends_by(exit)
        {
            self.exit = Some(*exit);
        }
    }
}
