"""Measurements of a running raglan. Figures of one machine mean little; ratios taken in one run mean more."""
