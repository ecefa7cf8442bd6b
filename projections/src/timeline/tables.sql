-- One row per message, also after its deletion, when its words are gone.
create table timeline_message (
    channel blob not null,
    seq integer not null,
    id blob not null,
    author blob not null,
    at integer not null,
    body text,
    version integer not null,
    edited_at integer,
    deleted integer not null,
    reply_to blob,
    -- JSON array of user ids in hexadecimal.
    mentions text not null,
    -- Pages walk this key in either direction, so their cost does not depend on depth.
    primary key (channel, seq)
) without rowid;

-- For `message.sql`, and for the fold's edits and deletions, which name the message.
create unique index timeline_message_id on timeline_message (channel, id);

create table timeline_channel (
    id blob primary key not null,
    -- Seq of the newest event of any kind.
    top integer not null
) without rowid;
