"""From a photo or a clip and what is asked of it to finished frames, files and reports."""
