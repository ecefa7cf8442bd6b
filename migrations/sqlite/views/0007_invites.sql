-- directory: invites of spaces by the hash of their code, and cohorts whose invites rest. The view is of a new version and is folded again,
-- which fills the tables.
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

-- For `space_of_code.sql`.
create unique index directory_invite_code on directory_invite (code);

-- For `invites.sql`.
create index directory_invite_space on directory_invite (space, id) where revoked = 0;

create table directory_paused_cohort (
    space blob not null,
    cohort text not null,
    primary key (space, cohort)
) without rowid;
