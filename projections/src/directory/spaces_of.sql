select
    space.id,
    space.name,
    space.join_rule,
    space.archived,
    (select user from directory_space_member where space = member.space and role = 'owner' order by user limit 1) as owner,
    member.role,
    member.joined_at
from directory_space_member as member
inner join directory_space as space on space.id = member.space
where member.user = $1 and member.space > $2
order by member.space
limit $3
