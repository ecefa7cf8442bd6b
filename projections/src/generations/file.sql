-- What every generation's file holds beside the tables of its view.

-- Everything at or below this position of that log is in the rows.
create table checkpoint (
    only_row integer primary key check (only_row = 1),
    projection text not null,
    generation integer not null,
    version integer not null,
    position integer not null,
    -- Who may move it: the lease of this epoch in the registry.
    epoch integer not null,
    log_id blob not null,
    incarnation integer not null,
    -- Id of the newest event at or below the position: should the log name another one there, it was restored.
    event_id blob
) strict;

-- Events the view could not read, and the later ones of the same streams, which wait behind them in order.
create table parked (
    position integer primary key not null,
    stream text not null,
    reason text not null
) strict;
