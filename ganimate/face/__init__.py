"""Where the face is: found, cropped, its landmarks and the regions between them; glasses."""
