insert into credentials (handle, user_id, display_name, password_hash, created_at)
select value ->> 'handle', unhex(value ->> 'user'), value ->> 'handle', '!', $2
from json_each($1)
where true
on conflict do nothing
