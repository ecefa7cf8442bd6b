-- directory: who is banned from a space or muted in it. A row stands until it is lifted; one whose time is over means nothing any more.
-- The view is of a new version and is folded again, which fills the table.
create table directory_sanction (
    space blob not null,
    -- ban or mute
    kind text not null,
    user blob not null,
    "by" blob not null,
    reason text not null,
    at integer not null,
    -- Null for a ban without an end.
    until integer,
    -- For `sanctions.sql`.
    primary key (space, kind, user)
) without rowid;
