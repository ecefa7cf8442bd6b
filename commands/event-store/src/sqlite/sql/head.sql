select head.position, coalesce((select max(position) from events), 0), coalesce((select max(stream) from streams), 0)
from head
