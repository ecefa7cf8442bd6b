-- reports: what people have reported, for those who decide about it.
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

-- For `reports_of.sql`: those of one space, or of none, by state.
create index report_queue on report (space, state, opened);

-- audit: every use of a privilege, one row each.
create table audit_act (
    position integer primary key not null,
    at integer not null,
    kind text not null,
    actor blob not null,
    target_kind text not null,
    target blob,
    space blob,
    channel blob,
    reason text,
    event blob not null
) without rowid;

-- For `acts.sql`, by whichever filter narrows most.
create index audit_act_kind on audit_act (kind, position);
create index audit_act_actor on audit_act (actor, position);
create index audit_act_target on audit_act (target, position);

-- Which space a channel belongs to, for acts in channels, whose events do not say.
create table audit_channel (
    id blob primary key not null,
    space blob not null
) without rowid;
