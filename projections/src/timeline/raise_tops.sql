insert into timeline_channel (id, top)
select unhex(value ->> 'id'), value ->> 'top'
from jsonb_each($1)
where true
on conflict (id) do update set top = max(top, excluded.top)
