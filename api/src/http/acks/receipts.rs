//! `GET /channels/{id}/receipts`: how far each member has received and read.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::path,
    ops::{access, pages::ListQuery},
    problem::Problem,
    render::{List, ReceiptShape, answers::View},
    request::Who,
};

pub(crate) async fn receipts(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    query: web::Query<ListQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let window = query.into_inner().window(&app.limits)?;
    let id = path::channel(&path)?;
    access::reader(&app, who.user, id).await?;
    let receipts = app
        .views
        .channel_list
        .receipts(id, window.after(), window.limit)
        .await?;
    let last = receipts.items.last().map(|receipt| receipt.user.uuid());
    let items: Vec<ReceiptShape> = receipts.items.into_iter().map(ReceiptShape::from).collect();
    Ok(view.shows(&List::new(items, receipts.more, last)))
}
