update search_message
set
    body = change.value ->> 'body',
    version = coalesce(change.value ->> 'version', version)
from jsonb_each($1) as change
where
    search_message.id = unhex(change.value ->> 'id')
    and search_message.channel = unhex(change.value ->> 'channel')
    and (search_message.body is not null or change.value ->> 'restored')
