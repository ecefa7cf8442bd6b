insert into directory_space (id, name, join_rule, archived)
select unhex(value ->> 'id'), value ->> 'name', value ->> 'join_rule', value ->> 'archived'
from jsonb_each($1)
where true
on conflict do nothing
