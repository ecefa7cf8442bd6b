delete from channel_list_message
where (channel, id) in (select unhex(value ->> 'channel'), unhex(value ->> 'id') from jsonb_each($1))
