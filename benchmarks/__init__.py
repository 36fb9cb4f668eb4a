"""What minigrad costs: time, memory and lines of code."""
