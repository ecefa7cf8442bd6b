-- People, spaces and who belongs where.
create table directory_person (
    id blob primary key not null,
    handle text not null,
    display_name text not null,
    -- Position of the registration. Handles are claimed once, before they reach the log; should two people hold the same one
    -- nevertheless, the earlier keeps it.
    registered integer not null
) without rowid;

create table directory_service_role (
    user blob not null,
    role text not null,
    primary key (user, role)
) without rowid;

create table directory_space (
    id blob primary key not null,
    name text not null,
    join_rule text not null,
    archived integer not null
) without rowid;

create table directory_space_member (
    space blob not null,
    user blob not null,
    role text not null,
    joined_at integer not null,
    primary key (space, user)
) without rowid;

-- Who is banned from a space or muted in it. A row stands until it is lifted; one whose time is over means nothing any more.
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

-- Invites of spaces by the hash of their code.
create table directory_invite (
    id blob primary key not null,
    space blob not null,
    -- SHA-256 of the code, which is nowhere.
    code blob not null,
    "by" blob not null,
    role text not null,
    at integer not null,
    expires_at integer,
    -- People it lets in; null for any number.
    uses integer,
    cohort text,
    used integer not null,
    revoked integer not null
) without rowid;

-- For `space_of_code.sql`. Here and not among the indexes that come last, since the fold leaves a second invite of the same code out.
create unique index directory_invite_code on directory_invite (code);

-- Cohorts whose invites rest.
create table directory_paused_cohort (
    space blob not null,
    cohort text not null,
    primary key (space, cohort)
) without rowid;
