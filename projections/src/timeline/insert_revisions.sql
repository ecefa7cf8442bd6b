insert into timeline_revision (channel, message, version, seq, at)
select
    unhex(value ->> 'channel'),
    unhex(value ->> 'message'),
    value ->> 'version',
    value ->> 'seq',
    value ->> 'at'
from jsonb_each($1)
where true
on conflict do nothing
