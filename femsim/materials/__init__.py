"""Material laws: properties over temperature, elasticity, composites. They know a point, no mesh."""
