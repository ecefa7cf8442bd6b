-- Events that operators had a view pass over. Who did it and why is in the audit trail.
create table if not exists skipped (
    projection text not null,
    position integer not null,
    -- Microseconds since 1970.
    at integer not null,
    primary key (projection, position)
) strict, without rowid
