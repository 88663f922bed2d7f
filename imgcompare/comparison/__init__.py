"""Variants side by side: differences, limits and gates, and the baseline that growth is measured from."""
