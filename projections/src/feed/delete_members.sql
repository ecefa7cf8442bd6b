delete from feed_member
where (user, channel) in (select unhex(value ->> 'user'), unhex(value ->> 'channel') from jsonb_each($1))
