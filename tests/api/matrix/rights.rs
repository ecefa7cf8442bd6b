//! The table of rights on the page of rules against what everyone was answered: a right that is on the page and not at the door, or the
//! other way round, is found here.

use super::{cast::Who, golden};

/// Rows of the page, each with a row of the matrix that takes nothing but that right.
const ROWS: &[(&str, &str)] = &[
    (
        "see the space, its members and its public channels",
        "GET /api/v1/spaces/{space}/members",
    ),
    ("leave the space", "POST /api/v1/spaces/{space}/leave"),
    (
        "remove people of a lower rank from the space",
        "DELETE /api/v1/spaces/{space}/members/{user}",
    ),
    (
        "ban people of a lower rank and strangers, lift bans, see them",
        "PUT /api/v1/spaces/{space}/bans/{user}",
    ),
    (
        "mute people of a lower rank, lift mutes, see them",
        "PUT /api/v1/spaces/{space}/mutes/{user}",
    ),
    (
        "see and resolve the reports of the space",
        "GET /api/v1/spaces/{space}/reports",
    ),
    (
        "add people and give roles, below the own rank",
        "PUT /api/v1/spaces/{space}/members/{user}",
    ),
    (
        "make, list and revoke invites, pause and resume a cohort",
        "POST /api/v1/spaces/{space}/invites",
    ),
    ("change the name and who may join", "PATCH /api/v1/spaces/{space}"),
    ("archive the space and restore it", "DELETE /api/v1/spaces/{space}"),
    (
        "hand the space over to another member",
        "POST /api/v1/spaces/{space}/owner",
    ),
    ("open a channel", "POST /api/v1/spaces/{space}/channels"),
    ("join a public channel", "POST /api/v1/channels/{channel}/join public"),
    ("join a private channel", "POST /api/v1/channels/{channel}/join private"),
    (
        "bring people of the space into a public channel one is in",
        "PUT /api/v1/channels/{channel}/members/{user}",
    ),
    (
        "bring people of the space into a private channel one is in",
        "PUT /api/v1/channels/{channel}/members/{user} private",
    ),
    (
        "remove people and messages in a channel one is in",
        "DELETE /api/v1/channels/{channel}/members/{user}",
    ),
    (
        "pin messages in a channel one is in, and unpin them",
        "PUT /api/v1/channels/{channel}/messages/{message}/pin",
    ),
    (
        "change and archive a channel one is in",
        "PATCH /api/v1/channels/{channel}",
    ),
];

const ROLES: [Who; 5] = [Who::Guest, Who::Member, Who::Moderator, Who::Admin, Who::Owner];

fn page() -> Vec<(String, Vec<bool>)> {
    let path = golden("../../ops/docs/rules.md");
    let text = std::fs::read_to_string(path).expect("the page of rules");
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with("<!-- the table of rights"))
        .skip(3)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let right = cells.next().expect("a right").to_owned();
        (right, cells.map(|cell| cell == "yes").collect())
    })
    .collect()
}

/// Who was let through, by role.
fn let_through(matrix: &str, of: &str) -> Vec<bool> {
    let mut rows = matrix.lines().filter_map(|line| line.split_once("  "));
    let (_, cells) = rows
        .find(|(row, _)| *row == of)
        .unwrap_or_else(|| panic!("{of} is in no row"));
    let cells: Vec<_> = cells.split_whitespace().collect();
    let place = |role: &Who| Who::ALL.iter().position(|who| who == role).expect("one of all");
    ROLES.iter().map(|role| cells[place(role)] == "yes").collect()
}

#[test]
fn what_is_answered_is_what_the_table_of_rights_says() {
    let matrix = std::fs::read_to_string(golden("rights.txt")).expect("the matrix");
    let page = page();
    assert_eq!(
        page.len(),
        ROWS.len(),
        "a right of the page is not looked at, or the page was not understood"
    );
    for (right, cells) in page {
        let row = ROWS.iter().find(|(words, _)| *words == right);
        let (_, of) = row.unwrap_or_else(|| panic!("nothing is asked for the right to {right}"));
        assert_eq!(let_through(&matrix, of), cells, "{right}: {of}");
    }
}
