"""Pictures of layouts, meshes and results; every ``plot_x(result, ax=None)`` draws on ``ax`` or a figure of its own and
returns the axes.
"""

from __future__ import annotations

from femsim.reports.plots.fields import plot_deformed, plot_root, plot_temperature
from femsim.reports.plots.layout import plot_layout
from femsim.reports.plots.mesh import plot_mesh, plot_quality
from femsim.reports.plots.roots import plot_interface, plot_power_law

__all__ = [
    "plot_deformed",
    "plot_interface",
    "plot_layout",
    "plot_mesh",
    "plot_power_law",
    "plot_quality",
    "plot_root",
    "plot_temperature",
]
