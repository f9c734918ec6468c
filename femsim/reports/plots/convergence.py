"""Error against unknowns: of an adaptive run, and of a mesh study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from femsim.reports.plots.look import FAINT, INK, NORMAL
from femsim.reports.plots.sheet import logarithmic
from femsim.reports.plots.style import new_figure, tidy
from femsim.runs.names import parts

if TYPE_CHECKING:
    from femsim.runs.adapt import Adaptation
    from femsim.runs.converge import Study

#: more curves than this are drawn without names
NAMED = 12
_COLOURS = {"peel": "#c0392b", "shear": "#1f5fa8", "von_mises": "#2e7d32"}
_MARKS = "osD^v<>P*X"


def _curve(ax: Axes, name: str, unknowns: list[int], errors: list[float], places: dict[str, int]) -> None:
    metric = parts(name)
    assert metric is not None
    mark = _MARKS[places.setdefault(metric.other(""), len(places)) % len(_MARKS)]
    colour = _COLOURS.get(metric.kind, INK)
    ax.loglog(unknowns, errors, marker=mark, markersize=4, linewidth=1.2, color=colour, label=name)


def plot_adaptation(ax: Axes, adaptation: Adaptation) -> Axes:
    """Estimated relative errors of all root metrics against unknowns, with the tolerance."""
    unknowns = [step.unknowns for step in adaptation.steps]
    places: dict[str, int] = {}
    for name in adaptation.steps[0].values:
        errors = [100 * step.errors[name] / max(abs(step.values[name]), 1e-12) for step in adaptation.steps]
        _curve(ax, name, unknowns, errors, places)
    ax.axhline(100 * adaptation.tolerance, color=INK, linestyle="--", linewidth=0.9, label="tolerance")
    ax.set_xlabel("number of unknowns")
    ax.set_ylabel("estimated error (% of the metric)")
    _legend(ax)
    return ax


def plot_study(ax: Axes, study: Study) -> Axes:
    """Distance from the extrapolated value (solid) and the stated error (dotted) of every metric against unknowns."""
    unknowns = [level.unknowns for level in study.levels]
    places: dict[str, int] = {}
    for row in study.rows:
        scale = max(abs(row.extrapolated), 1e-12)
        true = [100 * max(abs(value - row.extrapolated), 1e-16) / scale for value in row.values]
        _curve(ax, row.name, unknowns, true, places)
        ax.loglog(
            unknowns,
            [100 * e / scale for e in row.errors],
            linestyle=":",
            linewidth=0.9,
            color=ax.lines[-1].get_color(),
        )
    ax.set_xlabel("number of unknowns")
    ax.set_ylabel("distance from the extrapolated value (%); dotted: stated error")
    _legend(ax)
    return ax


def _legend(ax: Axes) -> None:
    logarithmic(ax.xaxis)
    logarithmic(ax.yaxis)
    tidy(ax)
    ax.grid(visible=True, which="major", color=FAINT, alpha=0.3, linewidth=0.5)
    handles, labels = ax.get_legend_handles_labels()
    if len(handles) <= NAMED:
        ax.legend(handles, labels, fontsize=NORMAL - 1, frameon=False)


def adaptation_figure(adaptation: Adaptation) -> Figure:
    """The convergence plot of an adaptive run."""
    figure = new_figure(6.4, 4.2)
    plot_adaptation(figure.add_subplot(), adaptation)
    return figure


def study_figure(study: Study) -> Figure:
    """The convergence plot of a mesh study."""
    figure = new_figure(6.4, 4.6)
    plot_study(figure.add_subplot(), study)
    return figure
