update feed_space
set
    join_rule = coalesce(change.value ->> 'join_rule', join_rule),
    archived = coalesce(change.value ->> 'archived', archived)
from jsonb_each($1) as change
where feed_space.id = unhex(change.value ->> 'id')
