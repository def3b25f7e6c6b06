"""Where the face goes: how AUs move it, within which limits, and the flow that carries the skin along."""
