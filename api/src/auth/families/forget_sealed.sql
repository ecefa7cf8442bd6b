update refresh_families
set sealed_pair = null
where sealed_pair is not null and rotated_at <= $1
