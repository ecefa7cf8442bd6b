select
    person.id,
    person.handle,
    person.display_name,
    (select json_group_array(role) from directory_service_role where user = person.id) as roles
from jsonb_each($1) as wanted
inner join directory_person as person on person.id = unhex(wanted.value)
order by person.id
