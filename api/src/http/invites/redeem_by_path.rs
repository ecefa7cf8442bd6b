//! `POST /invites/{code}/redeem`: the same with the code in the path, for links. Our own logs show only the route's template; what stands
//! before us may log more, so `POST /invites/redeem` is the better way.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    ops::invites::{self, Code},
    problem::Problem,
    render::answers,
    request::Call,
};

pub(crate) async fn redeem_by_path(
    app: web::Data<App>,
    call: Call,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let ack = invites::redeem(&app, &Code::of(path.into_inner()), &call).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}
