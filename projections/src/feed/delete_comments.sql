update feed_comment
set deleted = fate.value ->> 'deleted'
from jsonb_each($1) as fate
where
    feed_comment.channel = unhex(fate.value ->> 'channel')
    and feed_comment.id = unhex(fate.value ->> 'message')
