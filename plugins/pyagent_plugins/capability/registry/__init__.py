"""What was measured, kept with its evidence: who answered which item how, week by week."""
