delete from timeline_pin
where
    (channel, message) in (
        select unhex(value ->> 'channel'), unhex(value ->> 'message') from jsonb_each($1)
    )
