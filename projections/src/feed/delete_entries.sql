update feed_entry
set deleted = fate.value ->> 'deleted'
from jsonb_each($1) as fate
where feed_entry.id = unhex(fate.value ->> 'message')
