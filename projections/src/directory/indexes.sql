-- For `person_by_handle.sql`.
create index directory_person_handle on directory_person (handle, registered);

-- For `spaces_of.sql`.
create index directory_space_member_user on directory_space_member (user, space);

-- For `invites.sql`.
create index directory_invite_space on directory_invite (space, id) where revoked = 0;
