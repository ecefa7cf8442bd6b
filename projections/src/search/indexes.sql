-- What the index of words reads. The channel is a word of its own, so that a search within few channels never meets the others.
create view if not exists search_source as
select position, body, hex(channel) as place from search_message where body is not null;

-- Words as people type them: without case and accents. It holds no copy of the words beside those of `search_message`.
create virtual table if not exists search_words using fts5(
    body,
    place,
    content = 'search_source',
    content_rowid = 'position',
    tokenize = 'unicode61 remove_diacritics 2'
);

-- Deleted words leave the index at once, instead of being marked as deleted until pages are merged.
insert into search_words (search_words, rank) values ('secure-delete', 1);

create trigger if not exists search_message_said after insert on search_message when new.body is not null
begin
    insert into search_words (rowid, body, place) values (new.position, new.body, hex(new.channel));
end;

-- One trigger for both halves, since the order of two is not defined, and the old words must go before the new ones come.
create trigger if not exists search_message_changed after update on search_message
begin
    insert into search_words (search_words, rowid, body, place)
    select 'delete', old.position, old.body, hex(old.channel) where old.body is not null;
    insert into search_words (rowid, body, place)
    select new.position, new.body, hex(new.channel) where new.body is not null;
end;

create trigger if not exists search_message_gone after delete on search_message when old.body is not null
begin
    insert into search_words (search_words, rowid, body, place)
    values ('delete', old.position, old.body, hex(old.channel));
end;

-- Where messages are there before the index is, as after a rebuild.
insert into search_words (search_words) values ('rebuild');
