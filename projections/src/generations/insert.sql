insert into generation
    (projection, generation, version, state, events_per_s, promote, created_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $7)
