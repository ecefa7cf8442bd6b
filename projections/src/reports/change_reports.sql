update report
set
    state = change.value ->> 'state',
    action = coalesce(change.value ->> 'action', action),
    until = coalesce(change.value ->> 'until', until),
    decided_by = coalesce(unhex(change.value ->> 'decided_by'), decided_by),
    decided_at = coalesce(change.value ->> 'decided_at', decided_at),
    decided_reason = coalesce(change.value ->> 'decided_reason', decided_reason),
    undone_by = coalesce(unhex(change.value ->> 'undone_by'), undone_by),
    undone_at = coalesce(change.value ->> 'undone_at', undone_at),
    undone_reason = coalesce(change.value ->> 'undone_reason', undone_reason)
from jsonb_each($1) as change
where report.id = unhex(change.value ->> 'id')
