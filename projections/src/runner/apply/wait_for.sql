update parked set reason = $3 where position = $1 and stream = $2
