update notification
set hidden = fate.value ->> 'hidden'
from jsonb_each($1) as fate
where notification.message = unhex(fate.value ->> 'message')
