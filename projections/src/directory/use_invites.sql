update directory_invite
set used = used + (change.value ->> 'times')
from jsonb_each($1) as change
where directory_invite.id = unhex(change.value ->> 'id')
