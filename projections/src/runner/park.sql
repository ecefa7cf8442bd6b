insert into projection_parked (projection, position, stream, reason)
select $1, value ->> 'position', value ->> 'stream', value ->> 'reason'
from jsonb_each($2)
where true
on conflict do nothing
