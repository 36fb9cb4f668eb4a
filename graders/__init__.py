"""Everything that looks at a student's work: check cells, comparison, diagnosis, the judge.

Each room has one responsibility and imports only downwards: judge -> check -> diagnose -> compare -> minigrad.
"""
