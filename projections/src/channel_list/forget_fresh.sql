update channel_list_thread_member
set fresh = 0
where fresh = 1 and channel in (select unhex(value) from jsonb_each($1))
