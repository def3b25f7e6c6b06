"""The face as a mesh: 478 points in 3-D in the order of MediaPipe Face Mesh, their parts, triangles and pose."""
