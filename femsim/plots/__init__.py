"""Pictures of layouts, meshes and results; every ``plot_x(result, ax=None)`` draws on ``ax`` or a figure of its own and returns
the axes.
"""

from __future__ import annotations

from femsim.plots.fields import plot_deformed, plot_root, plot_temperature
from femsim.plots.layout import plot_layout
from femsim.plots.mesh import plot_mesh, plot_quality
from femsim.plots.roots import plot_interface, plot_power_law

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
