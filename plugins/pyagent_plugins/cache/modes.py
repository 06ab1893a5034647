"""What the cache may do in a run; light, since every command asks."""

MODES = ("use", "refresh", "only", "off")
