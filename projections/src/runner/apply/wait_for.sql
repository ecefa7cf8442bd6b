update parked set reason = $1 where position = $2 and stream = $3
