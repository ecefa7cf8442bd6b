insert into parked (position, stream, reason)
select value ->> 'position', value ->> 'stream', value ->> 'reason'
from jsonb_each($1)
where true
on conflict do nothing
