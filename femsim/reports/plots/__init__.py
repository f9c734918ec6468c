"""Pictures of layouts, meshes and results; every ``plot_x(result, ax=None)`` draws on ``ax`` or a figure of its own and
returns the axes.

They are imported when they are asked for: what gathers the data of a figure needs no matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from femsim.reports.plots.fields import plot_deformed, plot_root
    from femsim.reports.plots.isotherms import plot_heat_flux, plot_temperature
    from femsim.reports.plots.layout import plot_layout
    from femsim.reports.plots.mesh import plot_mesh, plot_quality
    from femsim.reports.plots.roots import plot_interface, plot_power_law

__all__ = [
    "plot_deformed",
    "plot_heat_flux",
    "plot_interface",
    "plot_layout",
    "plot_mesh",
    "plot_power_law",
    "plot_quality",
    "plot_root",
    "plot_temperature",
]

_PLACES = {
    "plot_deformed": "fields",
    "plot_heat_flux": "isotherms",
    "plot_interface": "roots",
    "plot_layout": "layout",
    "plot_mesh": "mesh",
    "plot_power_law": "roots",
    "plot_quality": "mesh",
    "plot_root": "fields",
    "plot_temperature": "isotherms",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
