delete from timeline_reaction
where
    (channel, message, emoji, user) in (
        select unhex(value ->> 'channel'), unhex(value ->> 'message'), value ->> 'emoji', unhex(value ->> 'user')
        from jsonb_each($1)
    )
