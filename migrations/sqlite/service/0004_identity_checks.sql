-- When each proved identity is looked at again. Only a schedule: what is proved stands in the log.
create table identity_checks (
    user_id blob not null,
    did text not null,
    checked_at integer not null,
    next_at integer not null,
    failures integer not null,
    primary key (user_id, did)
) strict, without rowid;

-- For `due.sql`.
create index identity_checks_due on identity_checks (next_at);
