insert into directory_space_member (space, user, role, joined_at)
select unhex(value ->> 'space'), unhex(value ->> 'user'), value ->> 'role', value ->> 'joined_at'
from jsonb_each($1)
where true
on conflict (space, user) do update set role = excluded.role
