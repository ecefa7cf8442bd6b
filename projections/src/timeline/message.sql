select seq, id, author, at, body, version, edited_at, deleted, reply_to, mentions, thread, depth
from timeline_message
where channel = $1 and id = $2
