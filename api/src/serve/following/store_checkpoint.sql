insert into reactor_checkpoint (reactor, log, position)
values ($1, $2, $3)
on conflict (reactor) do update set log = excluded.log, position = excluded.position
