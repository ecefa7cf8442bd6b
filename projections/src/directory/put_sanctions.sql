insert into directory_sanction (space, kind, user, "by", reason, at, until)
select
    unhex(value ->> 'space'),
    value ->> 'kind',
    unhex(value ->> 'user'),
    unhex(value ->> 'by'),
    value ->> 'reason',
    value ->> 'at',
    value ->> 'until'
from jsonb_each($1)
where true
on conflict (space, kind, user) do update
set "by" = excluded."by", reason = excluded.reason, at = excluded.at, until = excluded.until
