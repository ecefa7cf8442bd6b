-- Who is out, as folded from the log up to the checkpoint `standings`, so that a restart need not read the log from its start. A session
-- is forgotten here once no access token of it can live any more.
create table ended_sessions (
    session_id blob not null primary key,
    ended_at integer not null
) strict, without rowid;
-- Forgetting, oldest first.
create index ended_sessions_by_end on ended_sessions (ended_at);

create table suspended_people (
    user_id blob not null primary key,
    -- Without it: until they are reinstated.
    until integer
) strict, without rowid;

-- How each session goes on: which refresh token is the newest, by its hash, and what it was exchanged for a moment ago. One row is one
-- family of tokens. Nothing here can be used as a token.
create table refresh_families (
    session_id blob not null primary key,
    user_id blob not null,
    -- Tells tokens that once were of this family from made up ones.
    mark_key blob not null,
    current_hash blob not null,
    -- The token before the newest, when it was exchanged, and for what, sealed so that only its bearer can read it.
    previous_hash blob,
    rotated_at integer,
    sealed_pair blob,
    last_used_at integer not null,
    -- Of the newest token, never later than the session's own end.
    expires_at integer not null,
    ends_at integer not null
) strict, without rowid;
-- Forgetting those that ended.
create index refresh_families_by_expiry on refresh_families (expires_at);
-- The sessions of one person.
create index refresh_families_by_user on refresh_families (user_id);
-- Answers that may still be asked for again, to be wiped.
create index refresh_families_by_rotation on refresh_families (rotated_at) where sealed_pair is not null;

-- Raised with each new password: a sign-in with the old one does not outlive it.
alter table credentials add column password_version integer not null default 0;
