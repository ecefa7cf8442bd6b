-- For `public_channels.sql` and `channels_in_space_of.sql`.
create index channel_list_channel_space on channel_list_channel (space, id) where space is not null;

-- For `channels_of.sql`.
create index channel_list_member_user on channel_list_member (user, channel) where ended is null;
