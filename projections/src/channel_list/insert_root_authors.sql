-- Whoever wrote what is replied to, as long as it is there.
insert into channel_list_thread_member (channel, thread, user, fresh)
select message.channel, message.id, message.author, 1
from jsonb_each($1) as root
inner join channel_list_message as message
    on message.channel = unhex(root.value ->> 'channel') and message.id = unhex(root.value ->> 'id')
where true
on conflict do nothing
