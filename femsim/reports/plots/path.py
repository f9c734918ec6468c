"""Stress along paths, a line for each component, broken where the region changes; the second side of an interface
that a path follows is dashed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from femsim.reports.plots.look import FAINT, LENGTH, SMALL
from femsim.reports.plots.style import new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from femsim.runs.readings import Readings

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#222222")


def path_figure(paths: Mapping[str, Readings]) -> Figure:
    """One panel per path: stresses (MPa) over the distance from its start, regions named on top."""
    page = new_figure(7.5, 3.4 * len(paths) + 0.4)
    grid = page.subplots(len(paths), 1, squeeze=False)
    for ax, (name, one) in zip(grid[:, 0], paths.items(), strict=True):
        columns, v = one.columns(), one.values
        assert v.distance is not None
        regions = np.array(v.regions)
        stretches = []
        for region in dict.fromkeys(v.regions):
            own = np.flatnonzero(regions == region)
            s = v.distance[own]
            # rows of one region that lie apart belong to two stretches
            points = np.unique(v.distance)
            gaps = np.flatnonzero(np.searchsorted(points, s[1:]) - np.searchsorted(points, s[:-1]) > 1) + 1
            stretches += [(float(v.distance[part[0]]), region, part) for part in np.split(own, gaps)]
        solid: list[tuple[float, float]] = []
        for first, region, stretch in sorted(stretches, key=lambda one: one[:2]):
            last = float(v.distance[stretch[-1]])
            # the other side of an interface that the path follows
            beside = any(first < b and last > a for a, b in solid)
            if not beside:
                solid.append((first, last))
            for place in {first, last} - {float(v.distance[0]), float(v.distance[-1])}:
                ax.axvline(place, color=FAINT, linewidth=0.6, linestyle=":")
            for k, component in enumerate((*one.components, "von_mises")):
                ax.plot(
                    v.distance[stretch],
                    columns[component][stretch],
                    color=_COLOURS[k % len(_COLOURS)],
                    linestyle="--" if beside else "-",
                    linewidth=1.3 if component != "von_mises" else 1.8,
                    marker="." if len(stretch) == 1 else None,
                )
            ax.annotate(
                f"{region} (dashed)" if beside else region,
                (0.5 * (first + last), 1.08 if beside else 1.0),
                xycoords=("data", "axes fraction"),
                ha="center",
                va="bottom",
                fontsize=SMALL,
                color=FAINT,
            )
        handles = [ax.plot([], [], color=_COLOURS[k % len(_COLOURS)])[0] for k in range(len(one.components) + 1)]
        outside = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5), "frameon": False}
        ax.legend(handles, [*one.components, "von Mises"], fontsize=SMALL, **outside)
        ax.axhline(0.0, color=FAINT, linewidth=0.6)
        ax.set_xlabel(f"distance from the start ({LENGTH})")
        ax.set_ylabel("stress (MPa)")
        ax.set_title(name if len(paths) > 1 else "", loc="left", pad=26)
        tidy(ax)
    return page
