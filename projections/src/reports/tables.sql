-- What people have reported, for those who decide about it.
create table report (
    id blob primary key not null,
    -- Position of the event that opened it last: lists are in this order.
    opened integer not null,
    opened_at integer not null,
    reporter blob not null,
    space blob,
    channel blob not null,
    -- The person reported, or the author of the message.
    subject blob not null,
    message blob,
    -- Where the reported words stand, and their fingerprint; null for reports of a person.
    seq integer,
    event blob,
    version integer,
    sha256 text,
    reason text not null,
    state text not null,
    action text,
    until integer,
    decided_by blob,
    decided_at integer,
    decided_reason text,
    undone_by blob,
    undone_at integer,
    undone_reason text
) without rowid;
