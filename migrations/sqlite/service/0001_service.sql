-- Everything the service keeps that is neither the log nor derived from it.

-- Who may sign in. The handle is unique here before anything about the person reaches the log; the display name is only needed to
-- finish a registration that was cut short.
create table credentials (
    handle text not null primary key,
    user_id blob not null unique,
    display_name text not null,
    password_hash text not null,
    created_at integer not null
) strict, without rowid;

-- How far each reactor has followed the log. Kept outside the views, so that no rebuild repeats a follow-up.
create table reactor_checkpoint (
    reactor text not null primary key,
    log text not null,
    position integer not null
) strict, without rowid;
