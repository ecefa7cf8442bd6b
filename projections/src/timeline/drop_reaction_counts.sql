delete from timeline_reaction_count
where
    (channel, message, emoji) in (
        select unhex(value ->> 'channel'), unhex(value ->> 'message'), value ->> 'emoji' from jsonb_each($1)
    )
    and count = 0
