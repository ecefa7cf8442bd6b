-- search: the words of every message that has some. Deleted messages keep their place, without words.
create table search_message (
    -- Of the event that sent it: the newest message is the highest.
    position integer primary key not null,
    channel blob not null,
    id blob not null,
    seq integer not null,
    author blob not null,
    at integer not null,
    version integer not null,
    -- Null once deleted.
    body text
);

-- For the fold's edits and deletions, which name the message.
create unique index search_message_id on search_message (channel, id);
