"""Measurements: each program prints ratios against something run beside it."""
