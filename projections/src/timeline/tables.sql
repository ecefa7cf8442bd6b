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
    -- The root of the thread it belongs to, and of a comment how many answers it is away from its post.
    thread blob,
    depth integer not null,
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

-- One row per message that others belong to.
create table timeline_thread (
    channel blob not null,
    root blob not null,
    -- Messages of the thread that are not deleted, without the root.
    replies integer not null,
    -- Of the newest message of the thread, deleted or not.
    last_seq integer not null,
    last_at integer not null,
    primary key (channel, root)
) without rowid;

-- Who reacted to what with what, now.
create table timeline_reaction (
    channel blob not null,
    message blob not null,
    emoji text not null,
    user blob not null,
    primary key (channel, message, emoji, user)
) without rowid;

-- How many they are; never zero.
create table timeline_reaction_count (
    channel blob not null,
    message blob not null,
    emoji text not null,
    count integer not null,
    primary key (channel, message, emoji)
) without rowid;

-- Who votes how, now: 1 or -1.
create table timeline_vote (
    channel blob not null,
    message blob not null,
    user blob not null,
    vote integer not null,
    primary key (channel, message, user)
) without rowid;

-- The sum of the votes of every message that ever had one.
create table timeline_score (
    channel blob not null,
    message blob not null,
    score integer not null,
    primary key (channel, message)
) without rowid;

-- The newest changes of the scores of comments, so that a ranking can be shown as it was at a seq of the channel.
create table timeline_score_change (
    channel blob not null,
    message blob not null,
    seq integer not null,
    at integer not null,
    difference integer not null,
    primary key (channel, message, seq)
) without rowid;

-- For `raise_horizons.sql` and `forget_score_changes.sql`.
create index timeline_score_change_at on timeline_score_change (channel, at);

-- Where changes of scores were forgotten: rankings from before this seq are not known any more.
create table timeline_horizon (
    channel blob primary key not null,
    seq integer not null
) without rowid;

-- What is pinned now.
create table timeline_pin (
    channel blob not null,
    message blob not null,
    -- Of the event that pinned it.
    seq integer not null,
    primary key (channel, message)
) without rowid;

-- Where the words of the later versions of messages stand in the log; never the words.
create table timeline_revision (
    channel blob not null,
    message blob not null,
    version integer not null,
    seq integer not null,
    at integer not null,
    primary key (channel, message, version)
) without rowid;
