update directory_person
set display_name = change.value ->> 'display_name'
from jsonb_each($1) as change
where directory_person.id = unhex(change.value ->> 'id')
