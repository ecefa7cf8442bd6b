insert into directory_service_role (user, role)
select unhex(value ->> 'user'), value ->> 'role'
from jsonb_each($1)
where true
on conflict do nothing
