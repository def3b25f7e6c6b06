"""The equation I_f = (1−A)·C + A·W(I) at the photo's own resolution: composed, painted, pasted."""
