select position
from reactor_checkpoint
where reactor = $1 and log = $2
