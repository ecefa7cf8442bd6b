insert into directory_service_role (user, role)
select unhex(value ->> 'user'), value ->> 'role'
from json_each($1)
where true
on conflict do nothing
