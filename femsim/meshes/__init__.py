"""Layouts, grids and meshes: points, cells, regions, lines; refining and locating. It knows no physics."""
