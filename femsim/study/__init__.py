"""Studies: thousands of designs of one case, on all cores or on a cluster, kept in one Parquet dataset.

The way of the data: a study file (:mod:`~femsim.study.schema`) is read and checked (:mod:`~femsim.study.studyfile`),
sampled (:mod:`~femsim.study.design`) and becomes a :class:`~femsim.study.plan.Plan`, the one thing all engines work
from. An engine (:mod:`~femsim.study.local`, :mod:`~femsim.study.slurm`, :mod:`~femsim.study.dasked`) runs the points
that the store (:mod:`~femsim.study.store`) lacks.
"""
