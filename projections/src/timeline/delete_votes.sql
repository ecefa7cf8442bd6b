delete from timeline_vote
where
    (channel, message, user) in (
        select unhex(value ->> 'channel'), unhex(value ->> 'message'), unhex(value ->> 'user') from jsonb_each($1)
    )
