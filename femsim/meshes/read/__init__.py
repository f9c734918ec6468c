"""Mesh files in: any format meshio reads becomes a :class:`~femsim.meshes.mesh.Mesh` with named regions and named
lines.

``reader`` chooses among ``gmsh``, ``abaqus``, ``vtu`` and ``other`` (meshio); each hands over a ``raw.Raw``, of which
``clean`` makes a mesh with the names of ``groups``; ``orders`` raises and lowers the order.

gmsh (2.2, 4.0, 4.1), Abaqus and VTU files are read here, all others by meshio. The reasons, seen in meshio 5.3.5: its
gmsh reader keeps one dimension of a name used for two, fails on a 4.1 file where only some entities are in a group and
takes a truncated file for a whole one; its Abaqus reader knows no CAX element and gives a set to the wrong block where
an ``*ELEMENT`` has none; its VTU reader stops at string arrays (the names of regions); and it leaves by ``sys.exit``
where a file is wrong.
"""

from __future__ import annotations

from femsim.meshes.read.orders import change_element
from femsim.meshes.read.reader import Imported, read_mesh

__all__ = ["Imported", "change_element", "read_mesh"]
