insert into directory_invite (id, space, code, "by", role, at, expires_at, uses, cohort, used, revoked)
select
    unhex(value ->> 'id'),
    unhex(value ->> 'space'),
    unhex(value ->> 'code'),
    unhex(value ->> 'by'),
    value ->> 'role',
    value ->> 'at',
    value ->> 'expires_at',
    value ->> 'uses',
    value ->> 'cohort',
    0,
    0
from jsonb_each($1)
where true
on conflict do nothing
