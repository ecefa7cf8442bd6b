select
    person.id,
    person.handle,
    person.display_name,
    (select json_group_array(role) from directory_service_role where user = person.id) as roles
from directory_person as person
where person.id = $1
