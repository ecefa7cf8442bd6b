select
    invite.id,
    invite."by",
    invite.role,
    invite.at,
    invite.expires_at,
    invite.uses,
    invite.used,
    invite.cohort,
    exists (
        select 1 from directory_paused_cohort as paused where paused.space = invite.space and paused.cohort = invite.cohort
    ) as paused
from directory_invite as invite
where
    invite.space = $1
    and invite.id > $2
    and invite.revoked = 0
    and (invite.uses is null or invite.used < invite.uses)
    and (invite.expires_at is null or invite.expires_at > $3)
order by invite.id
limit $4
