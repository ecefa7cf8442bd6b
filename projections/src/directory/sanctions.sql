select
    sanction.user,
    coalesce(person.handle, '') as handle,
    coalesce(person.display_name, '') as display_name,
    sanction."by",
    sanction.reason,
    sanction.at,
    sanction.until
from directory_sanction as sanction
left join directory_person as person on person.id = sanction.user
where sanction.space = $1 and sanction.kind = $2 and sanction.user > $3 and (sanction.until is null or sanction.until > $4)
order by sanction.user
limit $5
