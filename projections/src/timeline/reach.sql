select
    coalesce((select top from timeline_channel where id = $1), 0) as top,
    coalesce((select seq from timeline_horizon where channel = $1), 0) as horizon
