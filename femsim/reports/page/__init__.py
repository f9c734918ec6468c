"""The report's page: its sections, its style, and the contour that can be questioned."""
