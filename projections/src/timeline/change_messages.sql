update timeline_message
set
    body = change.value ->> 'body',
    version = coalesce(change.value ->> 'version', version),
    edited_at = coalesce(change.value ->> 'edited_at', edited_at),
    deleted = change.value ->> 'deleted',
    mentions = change.value -> 'mentions'
from jsonb_each($1) as change
where
    timeline_message.channel = unhex(change.value ->> 'channel')
    and timeline_message.id = unhex(change.value ->> 'id')
    and (timeline_message.deleted = 0 or change.value ->> 'restored')
