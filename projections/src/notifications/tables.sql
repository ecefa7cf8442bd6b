-- notifications: what calls a person: ids only, the words are in the timeline.
create table notification (
    user blob not null,
    -- Of the event that calls them, so lists are in the order of the log.
    position integer not null,
    -- reply, direct, mention or invite
    kind text not null,
    at integer not null,
    "by" blob not null,
    space blob,
    channel blob,
    message blob,
    -- The message is deleted.
    hidden integer not null,
    primary key (user, position)
) without rowid;

-- A message calls nobody twice. Also for the fold's edits, deletions and restorations, which name the message.
create unique index notification_message on notification (message, user) where message is not null;

create table notification_channel (
    id blob primary key not null,
    space blob,
    kind text not null
) without rowid;

-- The two people of direct conversations.
create table notification_peer (
    channel blob not null,
    user blob not null,
    primary key (channel, user)
) without rowid;

create table notification_block (
    user blob not null,
    blocked blob not null,
    primary key (user, blocked)
) without rowid;

-- Up to which position people have seen theirs.
create table notification_mark (
    user blob primary key not null,
    up_to integer not null
) without rowid;
