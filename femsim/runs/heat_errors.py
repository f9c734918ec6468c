"""Estimated errors of a transient's temperatures: of the steps in time and of the mesh.

In time the course is followed a second time with longer steps; to the order of the method the two differ by more than
what the finer one is off by (Richardson's extrapolation, with a divisor below that of the order, for jumps lower it).
On the mesh the flux found is compared with its smoothed one, weighted by the response to each goal (see
:func:`femsim.measures.heat.temperature_errors`); responses are those of K + C / t, which reach as far as heat has gone
until the time t, and which stand also where nothing cools the body.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.measures.heat import weighted_flux_errors
from femsim.models.heat import HeatModel
from femsim.solvers.heat import heat_factor
from femsim.solvers.heat_march import Course, Moment, march

#: the second course: its tolerance, or its constant step, times the first one's, and what the difference is divided by
LOOSER, LONGER, DIVISOR, OF_CONSTANT = 16.0, 2.0, 4.0, 2.0
#: what errors of the mesh made before the time at hand and carried on add, as a multiple of those made at it: up to
#: about this on columns with steps of temperature and flux, against their exact courses
HISTORY = 4.0
#: the loosest tolerance of a course
LOOSEST = 0.1
#: times t of responses at most; a time takes those of the nearest one before it
RESPONSES = 5


@dataclass(frozen=True)
class CourseErrors:
    """Estimated errors, K, at output times (rows; the last row is the hottest moment): of the mean (t, s) and largest
    temperature (t, s) of each source, of the largest of all (t,) and at probes (t, p); in them ``time`` and ``mesh``
    are the largest that the steps and the mesh contribute.
    """

    mean: FloatArray
    largest: FloatArray
    hottest: FloatArray
    probes: FloatArray
    time: float
    mesh: float


def course_errors(
    model: HeatModel,
    found: Course,
    moments: Sequence[Moment],
    points: FloatArray,
    initial: FloatArray | float,
    end: float,
    tolerance: float,
    step: float | None,
) -> CourseErrors:
    """Errors of the states at ``moments`` and at the hottest one; ``points`` (N, p) are the probes' shape functions."""
    times = tuple(moment.time for moment in moments)
    coarse = march(
        model, initial, end, times, min(LOOSER * tolerance, LOOSEST), None if step is None else LONGER * step
    )
    fine = np.array([moment.temperature for moment in (*moments, found.hottest)])
    rough = np.array([one.temperature for one in coarse.moments if one.time in times] + [coarse.hottest.temperature])
    means = [feed.weight / feed.weight.sum() for feed in model.sources]
    nodes = [feed.nodes for feed in model.sources] + [np.arange(fine.shape[1])]
    count = len(model.sources)

    def goals(t: FloatArray) -> FloatArray:
        columns = [t @ mean for mean in means] + [t[:, own].max(axis=1) for own in nodes]
        return np.column_stack([*columns, t @ points])

    by_time = np.abs(goals(fine) - goals(rough)) / (DIVISOR if step is None else OF_CONSTANT)
    tops = np.array([[own[int(np.argmax(t[own]))] for own in nodes] for t in fine])
    peaks, which = np.unique(tops, return_inverse=True)
    unit = np.zeros((fine.shape[1], len(peaks)))
    unit[peaks, np.arange(len(peaks))] = 1.0
    weights = model.space.gather(np.column_stack([*means, unit, points]))
    products = np.empty((len(fine), weights.shape[1]))
    reached = np.array([*times, found.hottest.time])
    for at, rows in _grouped(reached):
        factor = heat_factor(model, fine[rows[0]], at, None, 1.0 / at)
        dual = model.space.scatter(factor.solve(weights))
        products[rows] = np.abs(weighted_flux_errors(model, fine[rows], dual))
    peak = np.take_along_axis(products[:, count : count + len(peaks)], which.reshape(tops.shape), axis=1)
    by_mesh = np.concatenate([products[:, :count], peak, products[:, count + len(peaks) :]], axis=1)
    by_mesh *= HISTORY
    both = by_time + by_mesh
    return CourseErrors(
        both[:, :count],
        both[:, count : 2 * count],
        both[:, 2 * count],
        both[:, 2 * count + 1 :],
        float(by_time[:-1].max()),
        float(by_mesh[:-1].max()),
    )


def _grouped(times: FloatArray) -> list[tuple[float, IntArray]]:
    """Times (s) of responses, and the rows that take each: spread evenly over the logarithms of those asked for."""
    positive = np.unique(times[times > 0.0])
    if len(positive) > RESPONSES:
        wanted = np.geomspace(positive[0], positive[-1], RESPONSES)
        positive = np.unique(positive[np.searchsorted(positive, wanted * (1.0 - 1e-12)).clip(0, len(positive) - 1)])
    which = np.searchsorted(positive, times * (1.0 + 1e-12), side="right").clip(1) - 1
    return [(float(positive[k]), np.flatnonzero(which == k)) for k in np.unique(which)]
