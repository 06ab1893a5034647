"""Which changes are real: intervals, paired tests, evidence that may be looked at any time, ability on a scale."""
