"""Verify: the value of one alert, recomputed from the records that its evidence names, by the truth's slow code."""
