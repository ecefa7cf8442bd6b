-- The log. Rows are only ever added; one connection, the writer of the event store, adds them.
-- Positions, revisions and stream numbers are handed out by that writer, so nothing here counts by itself.

-- Which log this is. Filled at the first open; `incarnation` is raised when the log is restored from a backup.
create table identity (
    only_row integer primary key check (only_row = 1),
    id blob not null check (length(id) = 16),
    incarnation integer not null check (incarnation > 0)
) strict;

-- The newest position, moved in the transaction that adds the events.
create table head (
    only_row integer primary key check (only_row = 1),
    position integer not null check (position >= 0)
) strict;

insert into head (only_row, position) values (1, 0);

-- Small numbers for stream names, because the number stands in every row and every index entry of the stream.
create table streams (
    stream integer primary key,
    name text not null unique
) strict;

create table events (
    position integer primary key check (position > 0),
    stream integer not null,
    revision integer not null check (revision >= 0),
    event_id blob not null check (length(event_id) = 16),
    -- Place of the event within its append; the next 0 starts the next append.
    part integer not null check (part >= 0),
    kind text not null,
    version integer not null,
    actor blob not null check (length(actor) = 16),
    key text not null,
    intent blob not null check (length(intent) = 16),
    request_id blob not null check (length(request_id) = 16),
    -- Microseconds since 1970, UTC.
    recorded_at integer not null,
    payload blob not null,
    -- crc32c over all of the above with the stream's name.
    checksum integer not null
) strict;

-- Reads of one stream, and the guard against holes and doubles in it.
create unique index events_by_revision on events (stream, revision);

-- The permanent guard against a second event with the same id. Inside the stream, so that its warm pages stay few.
create unique index events_by_id on events (stream, event_id);
