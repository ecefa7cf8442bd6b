insert into reactor_checkpoint (reactor, log, position)
values ('standings', $1, $2)
on conflict (reactor) do update set log = excluded.log, position = excluded.position
