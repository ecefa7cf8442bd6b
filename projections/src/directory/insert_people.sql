insert into directory_person (id, handle, display_name, registered)
select unhex(value ->> 'id'), value ->> 'handle', value ->> 'display_name', value ->> 'registered'
from jsonb_each($1)
where true
on conflict do nothing
