-- Who is in which channel, and what they have not read. What is unread comes from stored numbers, so that a list costs the same however
-- much there is to read.
create table channel_list_channel (
    id blob primary key not null,
    space blob,
    kind text not null,
    name text,
    private integer not null,
    history text not null,
    -- How long people wait between two messages.
    slow_mode_s integer not null,
    archived integer not null,
    members_count integer not null,
    top integer not null,
    -- Time of the newest event, to list the liveliest channels first.
    active_at integer not null,
    -- Messages that are not deleted.
    messages integer not null,
    -- The highest floor of anyone: no message above it is read already.
    furthest integer not null
) without rowid;

create table channel_list_member (
    channel blob not null,
    user blob not null,
    role text not null,
    since integer not null,
    -- Seq at which the membership ended; null for those who are in the channel.
    ended integer,
    -- The higher of `since` and what the person has read: what is above it may be new to them.
    floor integer not null,
    -- How many of the channel's messages are no news: those up to the floor, and the person's own. The others are unread.
    passed integer not null,
    -- Messages above the floor that mention the person.
    mentions integer not null,
    -- Replies of others above the floor in threads that the person takes part in.
    threads integer not null,
    primary key (channel, user)
) without rowid;

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

-- For the fold's edits and deletions, which name the message.
create unique index channel_list_message_id on channel_list_message (channel, id);

create table channel_list_mention (
    user blob not null,
    channel blob not null,
    seq integer not null,
    primary key (user, channel, seq)
) without rowid;

-- For the fold's edits and deletions, which take the mentions of a message away.
create index channel_list_mention_message on channel_list_mention (channel, seq);

-- Mentions by whom one has blocked are no news.
create table channel_list_block (
    user blob not null,
    blocked blob not null,
    -- For `count_mentions.sql` and `insert_mentions.sql`.
    primary key (user, blocked)
) without rowid;

-- What is said in threads, also after its deletion, since it can be given back.
create table channel_list_reply (
    channel blob not null,
    seq integer not null,
    author blob not null,
    id blob not null,
    -- The root's id.
    thread blob not null,
    deleted integer not null,
    primary key (channel, seq)
) without rowid;

-- For the fold's edits and deletions, which name the message.
create unique index channel_list_reply_id on channel_list_reply (channel, id);

-- For the fold's `count_fresh.sql`.
create index channel_list_reply_thread on channel_list_reply (channel, thread, seq);

-- Who takes part in a thread: whoever wrote its root, replied in it or was mentioned in a reply, for good.
create table channel_list_thread_member (
    channel blob not null,
    thread blob not null,
    user blob not null,
    -- Only while a run of events is folded: what they have not read is not counted yet.
    fresh integer not null,
    primary key (channel, thread, user)
) without rowid;

-- For the fold's `count_fresh.sql`.
create index channel_list_thread_member_fresh on channel_list_thread_member (channel, thread, user) where fresh = 1;
