select stream, min(position) from parked group by stream
