"""A mesh as a file for other programs: regions and lines keep their names."""

from __future__ import annotations

import tempfile
from pathlib import Path

from femsim.mesh import Mesh

#: element names as meshio calls them
_CELLS = {"quad4": "quad", "quad8": "quad8", "quad9": "quad9", "tri3": "triangle", "tri6": "triangle6"}


def mesh_file(mesh: Mesh, ending: str) -> bytes:
    """Content of a ``.vtu`` (regions by number) or ``.msh`` file (Gmsh 2.2: regions and lines as physical groups); coordinates in um."""
    import meshio
    import numpy as np

    points = np.column_stack([mesh.points, np.zeros(len(mesh.points))])
    cells = [(_CELLS[mesh.element], mesh.cells)]
    groups = [mesh.region + 1]
    names = {name: np.array([number + 1, 2]) for number, name in enumerate(mesh.regions)}
    with tempfile.TemporaryDirectory(prefix="femsim-") as directory:
        path = Path(directory) / f"mesh{ending}"
        if ending == ".vtu":
            meshio.write(path, meshio.Mesh(points, cells, cell_data={"region": groups}))
            return path.read_bytes()
        for number, (name, edges) in enumerate(mesh.lines.items(), start=len(mesh.regions) + 1):
            if len(edges):
                cells.append(("line3" if edges.shape[1] == 3 else "line", edges))
                groups.append(np.full(len(edges), number))
                names[name] = np.array([number, 1])
        data = {"gmsh:physical": groups, "gmsh:geometrical": groups}
        meshio.write(path, meshio.Mesh(points, cells, cell_data=data, field_data=names), file_format="gmsh22", binary=False)
        return path.read_bytes()
