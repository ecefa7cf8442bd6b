//! `GET /spaces/{id}/reports`: what was reported in a space, for its moderators, the oldest first.

use actix_web::{HttpResponse, web};
use domain::{SpaceId, UserId, rights::Right};
use projections::ReportState;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    app::App,
    http::path,
    ops::{
        access,
        pages::{ListQuery, ListWindow},
        reports::ReportShape,
    },
    problem::Problem,
    render::{List, answers::View},
    request::Who,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    state: Option<ReportState>,
    limit: Option<String>,
    after: Option<String>,
    /// Looked at before the page is.
    #[serde(rename = "min_pos")]
    _min_pos: Option<serde::de::IgnoredAny>,
}

pub(crate) async fn list_in_space(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    query: web::Query<Query>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let (state, window) = query.window(&app)?;
    let space = path::space(&path)?;
    access::with_right(&app, who.user, space, Right::HandleReports).await?;
    shows(&app, Some(space), state, window, who.user, view).await
}

impl Query {
    pub(super) fn window(self, app: &App) -> Result<(ReportState, ListWindow), Problem> {
        let window = ListQuery::of(self.limit, self.after).window(&app.limits)?;
        Ok((self.state.unwrap_or(ReportState::Open), window))
    }
}

/// One page. Its cursor is the place in the log at which the last report was opened.
pub(super) async fn shows(
    app: &App,
    space: Option<SpaceId>,
    state: ReportState,
    window: ListWindow,
    reader: UserId,
    view: View,
) -> Result<HttpResponse, Problem> {
    let after = window.after::<Uuid>().map_or(0, |cursor| cursor.as_u128() as u64);
    let found = app.views.reports.of(space, state, reader, after, window.limit).await?;
    let last = found.items.last().map(|row| Uuid::from_u128(u128::from(row.opened)));
    let items: Vec<ReportShape> = found.items.into_iter().map(ReportShape::of_row).collect();
    Ok(view.shows(&List::new(items, found.more, last)))
}
