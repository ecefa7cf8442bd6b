-- channel_list: what is unread comes from stored numbers, so that a list costs the same however much there is to read. The view is of a
-- new version and is folded again, which fills the columns.

-- Messages that are not deleted.
alter table channel_list_channel add column messages integer not null default 0;
-- The highest floor of anyone: no message above it is read already.
alter table channel_list_channel add column furthest integer not null default 0;
-- Time of the newest event, to list the liveliest channels first.
alter table channel_list_channel add column active_at integer not null default 0;

-- The higher of `since` and what the person has read: what is above it may be new to them.
alter table channel_list_member add column floor integer not null default 0;
-- How many of the channel's messages are no news: those up to the floor, and the person's own. The others are unread.
alter table channel_list_member add column passed integer not null default 0;
-- Messages above the floor that mention the person.
alter table channel_list_member add column mentions integer not null default 0;
