//! How long somebody may stay with an answer that takes its time: as long as their session and its access last.

use actix_web::web;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, sleep_until},
};

use super::standings::Cut;
use crate::{
    app::App,
    problem::{Problem, codes},
    request::{Who, now},
};

pub(crate) struct Stay {
    app: web::Data<App>,
    who: Who,
    cuts: Receiver<Cut>,
    access_ends: Instant,
}

impl Stay {
    /// From now on every cut is noticed.
    pub(crate) fn of(app: &web::Data<App>, who: Who) -> Self {
        let left = (who.expires_at - now()).to_std().unwrap_or_default();
        Self {
            who,
            cuts: app.auth.standings.cuts(),
            access_ends: Instant::now() + left,
            app: app.clone(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.access_ends || !self.app.auth.is_in(&self.who)
    }

    /// Refuses whoever may not stay any longer like anyone with a token that is not valid any more.
    pub(crate) fn still(&self) -> Result<(), Problem> {
        if self.is_over() {
            Err(Problem::new(&codes::AUTH_INVALID_TOKEN))
        } else {
            Ok(())
        }
    }

    /// Resolves when it is over. May be dropped at any await without missing anything.
    pub(crate) async fn ends(&mut self) {
        while !self.is_over() {
            tokio::select! {
                () = sleep_until(self.access_ends) => {}
                cut = self.cuts.recv() => match cut {
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    // Nobody is left to tell; the end of the access still comes.
                    Err(RecvError::Closed) => sleep_until(self.access_ends).await,
                },
            }
        }
    }
}
