-- Which generations of which views there are. The files beside this one hold their rows.

create table view (
    name text primary key not null,
    -- The highest number ever given to a generation; none is given twice.
    newest integer not null default 0,
    -- Who folds: each runner takes the next epoch, and only the newest one can move checkpoints.
    holder blob,
    epoch integer not null default 0,
    -- Microseconds since 1970.
    heartbeat integer
) strict, without rowid;

create table generation (
    projection text not null,
    generation integer not null,
    version integer not null,
    state text not null,
    paused integer not null default 0,
    -- Events folded a second at most while it is built; null for as many as possible.
    events_per_s integer,
    -- Whether it is promoted once it is built: when_equal, always or never.
    promote text not null,
    -- Why it is what it is, where that is not plain.
    reason text,
    -- Microseconds since 1970.
    created_at integer not null,
    changed_at integer not null,
    primary key (projection, generation)
) strict, without rowid;

create unique index generation_serving on generation (projection) where state = 'serving';
