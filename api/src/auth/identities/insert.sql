insert into external_identities (issuer, subject, user_id, created_at)
values ($1, $2, $3, $4)
on conflict (issuer, subject) do nothing
