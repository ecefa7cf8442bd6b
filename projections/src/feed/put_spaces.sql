insert into feed_space (id, join_rule, archived)
select unhex(value ->> 'id'), value ->> 'join_rule', coalesce(value ->> 'archived', 0)
from jsonb_each($1)
where value ->> 'join_rule' is not null
on conflict do nothing
