"""Near vectors among millions: packed codes, buckets, sealed windows, a router over shards."""
