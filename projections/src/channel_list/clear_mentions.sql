delete from channel_list_mention
where (channel, seq) in (
    select message.channel, message.seq
    from jsonb_each($1) as changed
    inner join channel_list_message as message
        on message.channel = unhex(changed.value ->> 'channel') and message.id = unhex(changed.value ->> 'id')
)
