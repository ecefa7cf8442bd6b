select c.handle, c.user_id, c.display_name, c.password_hash, c.password_version
from external_identities e
join credentials c on c.user_id = e.user_id
where e.issuer = $1 and e.subject = $2
