-- Every use of a privilege, one row each.
create table audit_act (
    position integer primary key not null,
    at integer not null,
    kind text not null,
    actor blob not null,
    target_kind text not null,
    target blob,
    -- Of what has no id.
    name text,
    space blob,
    channel blob,
    reason text,
    event blob not null
) without rowid;

-- Which space a channel belongs to, for acts in channels, whose events do not say.
create table audit_channel (
    id blob primary key not null,
    space blob not null
) without rowid;
