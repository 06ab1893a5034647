"""Pictures of what was measured: ability over weeks, cost against ability, a heat map, what is known by heart."""
