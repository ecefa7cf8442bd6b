select
    message.seq,
    message.id,
    message.author,
    message.at,
    message.body,
    message.version,
    message.edited_at,
    message.deleted,
    message.reply_to,
    message.mentions,
    message.thread,
    message.depth
from json_each($2) as wanted
cross join timeline_message as message on message.channel = $1 and message.id = unhex(wanted.value)
