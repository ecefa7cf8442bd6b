insert into view (name, holder, epoch, heartbeat) values ($1, $2, 1, $3)
on conflict (name) do update set holder = excluded.holder, epoch = epoch + 1, heartbeat = excluded.heartbeat
returning epoch
