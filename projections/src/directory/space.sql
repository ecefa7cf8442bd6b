select
    space.id,
    space.name,
    space.join_rule,
    space.archived,
    (select user from directory_space_member where space = $1 and role = 'owner' order by user limit 1) as owner
from directory_space as space
where space.id = $1
