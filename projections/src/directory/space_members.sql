select
    member.user,
    coalesce(person.handle, '') as handle,
    coalesce(person.display_name, '') as display_name,
    member.role,
    member.joined_at
from directory_space_member as member
left join directory_person as person on person.id = member.user
where member.space = $1 and member.user > $2
order by member.user
limit $3
