//! `GET /spaces/{id}/channels`: the channels of a space that the caller is in, and those they could join.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use domain::{ChannelId, SpaceId, UserId, space::Role};
use projections::{ChannelRow, Listing};

use crate::{
    app::App,
    http::path,
    ops::{
        access, overview,
        pages::{ListQuery, ListWindow},
    },
    problem::Problem,
    render::{Channel, List, answers::View},
    request::Who,
};

pub(crate) async fn list_in_space(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    query: web::Query<ListQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let window = query.into_inner().window(&app.limits)?;
    let space = path::space(&path)?;
    let role = access::look_at_space(&app, who.user, space, |_, role| role).await?;
    let public = joinable(&app, space, role, window).await?;
    let own = app.views.channel_list.channels_in_space_of(space, who.user).await?;
    let page = merged(own, public, window);
    let last = page.items.last().map(|(id, _)| id.uuid());
    let items = shapes(&app, who.user, page.items).await?;
    Ok(view.shows(&List::new(items, page.more, last)))
}

/// Guests join nothing by themselves, so to them the public channels do not exist.
async fn joinable(app: &App, space: SpaceId, role: Role, window: ListWindow) -> Result<Listing<ChannelRow>, Problem> {
    match role {
        Role::Guest => Ok(Listing {
            items: vec![],
            more: false,
        }),
        Role::Member | Role::Moderator | Role::Admin | Role::Owner => Ok(app
            .views
            .channel_list
            .public_channels(space, window.after(), window.limit)
            .await?),
    }
}

/// Both lists in one order. A full page of public channels ends before any own channel that could be missing from it.
fn merged(
    own: Vec<ChannelId>,
    public: Listing<ChannelRow>,
    window: ListWindow,
) -> Listing<(ChannelId, Option<ChannelRow>)> {
    let after: Option<ChannelId> = window.after();
    let own = own
        .into_iter()
        .filter(|id| after.is_none_or(|after| *id > after))
        .map(|id| (id, None));
    let mut channels: BTreeMap<ChannelId, Option<ChannelRow>> = own.collect();
    channels.extend(public.items.into_iter().map(|row| (row.id, Some(row))));
    let more = public.more || channels.len() > window.limit;
    Listing {
        items: channels.into_iter().take(window.limit).collect(),
        more,
    }
}

async fn shapes(
    app: &App,
    user: UserId,
    channels: Vec<(ChannelId, Option<ChannelRow>)>,
) -> Result<Vec<Channel>, Problem> {
    let mut shapes = Vec::with_capacity(channels.len());
    for (id, row) in channels {
        match app.views.channel_list.channel_of(user, id).await? {
            Some(of) => shapes.extend(overview::of_list(app, vec![of]).await?),
            // Left a moment ago, a channel that is not public is gone.
            None => shapes.extend(row.map(Channel::of_row)),
        }
    }
    Ok(shapes)
}

#[cfg(test)]
mod tests {
    use domain::channel::{History, Kind};

    use super::*;
    use crate::limits::Limits;

    fn id(number: u128) -> ChannelId {
        ChannelId::from_u128(number)
    }

    fn row(number: u128) -> ChannelRow {
        ChannelRow {
            id: id(number),
            space: Some(SpaceId::from_u128(1)),
            kind: Kind::Text,
            name: Some("general".to_owned()),
            private: false,
            history: History::All,
            slow_mode_s: 0,
            archived: false,
            members_count: 1,
            top: 2,
        }
    }

    fn window(query: &str) -> ListWindow {
        let query = web::Query::<ListQuery>::from_query(query).expect("the names are known");
        query.into_inner().window(&Limits::default()).expect("valid")
    }

    fn ids(page: &Listing<(ChannelId, Option<ChannelRow>)>) -> Vec<ChannelId> {
        page.items.iter().map(|(id, _)| *id).collect()
    }

    #[test]
    fn a_channel_that_is_public_and_ones_own_is_listed_once() {
        let public = Listing {
            items: vec![row(2), row(4)],
            more: false,
        };
        let page = merged(vec![id(2), id(3)], public, window("limit=10"));
        assert_eq!(ids(&page), [id(2), id(3), id(4)]);
        assert!(!page.more);
    }

    #[test]
    fn a_full_page_says_that_more_follows() {
        let public = Listing {
            items: vec![row(2), row(4)],
            more: true,
        };
        let page = merged(vec![id(3), id(9)], public, window("limit=2"));
        assert_eq!(ids(&page), [id(2), id(3)]);
        assert!(page.more);
    }

    #[test]
    fn own_channels_of_earlier_pages_do_not_come_back() {
        let after = crate::ops::pages::Cursor::after(id(3).uuid());
        let public = Listing {
            items: vec![row(4)],
            more: false,
        };
        let page = merged(
            vec![id(2), id(3), id(5)],
            public,
            window(&format!("limit=2&after={after}")),
        );
        assert_eq!(ids(&page), [id(4), id(5)]);
        assert!(!page.more);
    }
}
