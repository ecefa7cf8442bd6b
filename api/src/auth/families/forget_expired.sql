delete from refresh_families where expires_at <= $1
