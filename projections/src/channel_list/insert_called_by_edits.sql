-- Whoever is mentioned by the edit of a reply, unless they have blocked its author.
insert into channel_list_thread_member (channel, thread, user, fresh)
select reply.channel, reply.thread, unhex(called.value), 1
from jsonb_each($1) as edit
inner join channel_list_reply as reply
    on reply.channel = unhex(edit.value ->> 'channel') and reply.id = unhex(edit.value ->> 'id')
inner join json_each(edit.value -> 'users') as called
where
    not exists (
        select 1 from channel_list_block as block
        where block.user = unhex(called.value) and block.blocked = unhex(edit.value ->> 'author')
    )
on conflict do nothing
