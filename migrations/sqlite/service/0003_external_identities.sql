-- Which account the subject of an outside issuer has. Not derived from the log: that a person is known to somebody else is nobody's business.
create table external_identities (
    issuer text not null,
    subject text not null,
    user_id blob not null,
    created_at integer not null,
    primary key (issuer, subject)
) strict, without rowid;
