update feed_channel
set
    private = coalesce(change.value ->> 'private', private),
    history = coalesce(change.value ->> 'history', history),
    archived = max(archived, change.value ->> 'archived')
from jsonb_each($1) as change
where feed_channel.id = unhex(change.value ->> 'id')
