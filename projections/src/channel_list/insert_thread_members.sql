-- Without an author nobody needs to be asked for blocks.
insert into channel_list_thread_member (channel, thread, user, fresh)
select unhex(part.value ->> 'channel'), unhex(part.value ->> 'id'), unhex(called.value), 1
from jsonb_each($1) as part
inner join json_each(part.value -> 'users') as called
where
    not exists (
        select 1 from channel_list_block as block
        where block.user = unhex(called.value) and block.blocked = unhex(part.value ->> 'author')
    )
on conflict do nothing
