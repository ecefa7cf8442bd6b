insert into timeline_pin (channel, message, seq)
select unhex(value ->> 'channel'), unhex(value ->> 'message'), value ->> 'seq'
from jsonb_each($1)
where true
on conflict (channel, message) do update set seq = excluded.seq
