insert into projection_checkpoint (name, version, generation, position, log_id, incarnation)
values ($1, $2, $3, 0, $4, $5)
on conflict (name) do update
set
    version = excluded.version,
    generation = excluded.generation,
    position = 0,
    log_id = excluded.log_id,
    incarnation = excluded.incarnation
