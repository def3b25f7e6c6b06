"""How networks are trained: losses, objectives, trainers, the folder of a run, the export."""
