update channel_list_channel
set
    name = coalesce(change.value ->> 'name', name),
    private = coalesce(change.value ->> 'private', private),
    history = coalesce(change.value ->> 'history', history),
    slow_mode_s = coalesce(change.value ->> 'slow_mode_s', slow_mode_s),
    archived = max(archived, change.value ->> 'archived'),
    top = max(top, change.value ->> 'top'),
    active_at = max(active_at, change.value ->> 'active_at')
from jsonb_each($1) as change
where channel_list_channel.id = unhex(change.value ->> 'id')
