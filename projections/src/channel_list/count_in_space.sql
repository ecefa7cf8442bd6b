select count(*) as channels from channel_list_channel where space = $1 and archived = 0
