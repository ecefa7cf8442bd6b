-- The views: everything in this file can be thrown away and folded again from the log.
-- Ids are 16-byte blobs, times are microseconds since 1970, seqs and positions are integers, words are snake_case text.

create table projection_checkpoint (
    name text primary key not null,
    version integer not null,
    generation integer not null,
    -- Everything at or below this position of the log is in the rows of the view.
    position integer not null,
    log_id blob not null,
    incarnation integer not null
) without rowid;

-- Events a projection could not read, and the later ones of the same streams, which wait behind them in order.
create table projection_parked (
    projection text not null,
    position integer not null,
    stream text not null,
    reason text not null,
    primary key (projection, position)
) without rowid;

-- timeline: one row per message, also after its deletion, when its words are gone.
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

-- For `message.sql` and for edits and deletions, which name the message.
create unique index timeline_message_id on timeline_message (channel, id);

create table timeline_channel (
    id blob primary key not null,
    -- Seq of the newest event of any kind.
    top integer not null
) without rowid;

-- channel_list: who is in which channel, and what they have not read.
create table channel_list_channel (
    id blob primary key not null,
    space blob,
    kind text not null,
    name text,
    private integer not null,
    history text not null,
    archived integer not null,
    members_count integer not null,
    top integer not null
) without rowid;

-- For `public_channels.sql` and `channels_in_space_of.sql`.
create index channel_list_channel_space on channel_list_channel (space, id) where space is not null;

create table channel_list_member (
    channel blob not null,
    user blob not null,
    role text not null,
    since integer not null,
    -- Seq at which the membership ended; null for those who are in the channel.
    ended integer,
    primary key (channel, user)
) without rowid;

-- For `channels_of.sql`.
create index channel_list_member_user on channel_list_member (user, channel) where ended is null;

-- How far people have received and read. Kept apart from memberships: marks outlive them and come from other streams.
create table channel_list_mark (
    user blob not null,
    channel blob not null,
    got integer not null,
    read integer not null,
    primary key (user, channel)
) without rowid;

-- The messages that count as unread: one row each until the message is deleted.
create table channel_list_message (
    channel blob not null,
    seq integer not null,
    author blob not null,
    id blob not null,
    primary key (channel, seq)
) without rowid;

-- For edits and deletions, which name the message.
create unique index channel_list_message_id on channel_list_message (channel, id);

create table channel_list_mention (
    user blob not null,
    channel blob not null,
    seq integer not null,
    primary key (user, channel, seq)
) without rowid;

-- For edits and deletions, which take the mentions of a message away.
create index channel_list_mention_message on channel_list_mention (channel, seq);

-- directory: people, spaces and who belongs where.
create table directory_person (
    id blob primary key not null,
    handle text not null,
    display_name text not null,
    -- Position of the registration. Handles are claimed once, before they reach the log; should two people hold the same one
    -- nevertheless, the earlier keeps it.
    registered integer not null
) without rowid;

-- For `person_by_handle.sql`.
create index directory_person_handle on directory_person (handle, registered);

create table directory_service_role (
    user blob not null,
    role text not null,
    primary key (user, role)
) without rowid;

create table directory_space (
    id blob primary key not null,
    name text not null,
    join_rule text not null,
    archived integer not null
) without rowid;

create table directory_space_member (
    space blob not null,
    user blob not null,
    role text not null,
    joined_at integer not null,
    primary key (space, user)
) without rowid;

-- For `spaces_of.sql`.
create index directory_space_member_user on directory_space_member (user, space);
